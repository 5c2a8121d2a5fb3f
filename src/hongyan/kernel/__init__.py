"""The kernel: ids, refusals, the clock and the bus. Imports nothing of ours."""
