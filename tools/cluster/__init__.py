"""A whole cluster on this machine, for trying and for tests."""
