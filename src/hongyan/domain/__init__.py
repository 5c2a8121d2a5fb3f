"""The domain: one folder a service."""
