"""What the stores that speak SQL have in common."""
