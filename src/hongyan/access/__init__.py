"""Access for clients, one folder a protocol."""
