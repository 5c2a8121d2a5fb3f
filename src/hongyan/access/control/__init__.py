"""The operator's door: a Unix socket in the data folder, for commands of the same machine."""
