"""Keeping the server: the audit log, usage statistics, and what follows from an account's end."""
