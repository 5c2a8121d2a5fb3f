"""The native protocol: WebSocket at ``/ws``."""
