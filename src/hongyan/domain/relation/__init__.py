"""Relations between users: friend, blocked, remarked."""
