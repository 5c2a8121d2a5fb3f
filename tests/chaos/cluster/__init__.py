"""Faults upon a whole cluster, each of its processes on a host of its own."""
