"""Where the bytes of files are: complete ones as objects, unfinished ones in a staging folder."""
