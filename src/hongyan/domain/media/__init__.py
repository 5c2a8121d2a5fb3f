"""Files: how they come in, what is known of them, who may read them, and when they go."""
