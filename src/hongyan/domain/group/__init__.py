"""Groups and channels: their members, roles and rules."""
