"""The doors, one folder a protocol."""
