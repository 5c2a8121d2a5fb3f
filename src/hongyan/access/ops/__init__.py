"""The door for those who watch over the server: health and metrics, on a port of its own."""
