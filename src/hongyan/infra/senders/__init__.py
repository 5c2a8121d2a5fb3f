"""Ways to bring a code to a person."""
