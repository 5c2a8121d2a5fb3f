"""Hongyan (鸿雁): a self-hosted instant-messaging platform."""

__version__ = "0.1.0"
