"""Posting to the business's servers over HTTP, and never to the inside of a network."""
