"""Bytes to frames and back: sans-I/O, synchronous, the clock is an argument."""
