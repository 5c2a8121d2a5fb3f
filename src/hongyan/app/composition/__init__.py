"""The parts of a process, made from settings and ports."""
