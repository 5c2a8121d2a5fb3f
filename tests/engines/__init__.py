"""Real components that tests start as plain processes on loopback."""
