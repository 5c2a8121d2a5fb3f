"""Health and metrics for operators, on a port of its own."""
