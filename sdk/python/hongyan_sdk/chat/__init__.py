"""The terminal client: ``hongyan chat``."""

from .command import main

__all__ = ["main"]
