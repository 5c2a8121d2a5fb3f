"""The HTTP door beside the WebSocket: logging in, health, and the protocol's documents."""
