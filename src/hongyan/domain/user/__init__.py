"""Users, their credentials and their devices."""
