"""Traces for OpenTelemetry; its packages come with ``hongyan[traces]``."""
