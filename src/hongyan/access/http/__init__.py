"""HTTP beside the WebSocket: logging in, health, and the protocol's documents."""
