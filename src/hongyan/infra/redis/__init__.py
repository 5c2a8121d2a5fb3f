"""What is kept in or carried by Redis."""
