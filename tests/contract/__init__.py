"""One suite over all twins of the stores."""
