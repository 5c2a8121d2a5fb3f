"""Messages: sending them and everything that happens to them."""
