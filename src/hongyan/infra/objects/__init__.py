"""Object storage: complete files as objects, unfinished ones in a staging folder."""
