"""NATS: commands between gateways and backends, and who is there to take them."""
