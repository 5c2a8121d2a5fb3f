"""The cluster's store: PostgreSQL, or a database that speaks like it and shards by log."""
