"""The native protocol's messages, in JSON and in MessagePack."""
