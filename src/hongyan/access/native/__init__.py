"""The native protocol's door: WebSocket at ``/ws``."""
