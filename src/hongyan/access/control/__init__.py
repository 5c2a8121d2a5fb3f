"""The operator's access: a Unix socket in the data folder, for commands of the same machine."""
