"""What one user is to another: friend, blocked, remarked."""
