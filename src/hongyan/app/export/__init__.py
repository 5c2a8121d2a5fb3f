"""Data that leaves a server: exports, backups, and the move to a cluster."""
