"""The web client under the clock."""
