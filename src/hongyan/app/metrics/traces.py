"""Tracing, where the settings want it."""

from typing import Protocol

import hongyan
from hongyan.app.settings.sections import Settings, SettingsError
from hongyan.kernel.tracing import Tracer


class ClosingTracer(Tracer, Protocol):
    """A tracer that sends what waits when it is closed."""

    def close(self) -> None:
        """Send what waits; blocks for some seconds at most."""
        ...


def make_tracer(settings: Settings, node: str) -> ClosingTracer | None:
    """Return what follows requests; None where tracing is off.

    Args:
        settings: What an operator may set.
        node: What this process is called.

    Raises:
        SettingsError: its packages are not installed.
    """
    tracing = settings.tracing
    if not tracing.url:
        return None
    try:
        from hongyan.infra.otel.tracer import OtelTracer
    except ImportError as error:
        raise SettingsError(f"tracing.url: install hongyan[traces] first ({error})") from error
    return OtelTracer(tracing.url, tracing.share, node, hongyan.__version__)
