"""A user's conversations: list, sync, history, cursors, preferences."""
