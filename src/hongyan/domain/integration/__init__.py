"""App servers: their API keys, their users and groups, and the webhooks that tell them things."""
