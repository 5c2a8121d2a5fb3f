"""What is true and what is allowed: one folder a service."""
