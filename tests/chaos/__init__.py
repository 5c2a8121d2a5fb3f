"""Kill the server, again and again, under load; then prove that nothing is lost."""
