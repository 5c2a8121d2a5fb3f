"""What every room may know: ids, refusals, the clock and the bus. Imports nothing of ours."""
