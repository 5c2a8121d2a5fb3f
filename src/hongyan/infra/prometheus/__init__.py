"""What is measured, in the words of Prometheus."""
