"""App servers: their API keys, their users and groups, and the webhooks that send them entries."""
