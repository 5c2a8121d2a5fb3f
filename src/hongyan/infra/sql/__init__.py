"""The common part of the stores that speak SQL."""
