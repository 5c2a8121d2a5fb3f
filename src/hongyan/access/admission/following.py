"""Following some requests by traces."""

from typing import Any

from hongyan.kernel.bus import Actor
from hongyan.kernel.tracing import TRACE, Span, Tracer
from hongyan.wire.native.errors import wire_error


def follow(tracer: Tracer, actor: Actor, method: str, request: Any = None) -> Span | None:
    """Begin to follow a request, if this is one of the few; then ``TRACE`` names it.

    Args:
        tracer: Chooses the few.
        actor: Who asks.
        method: What is asked.
        request: Has an ``id`` where the protocol numbers its requests.
    """
    ids: dict[str, str | int] = {
        "hongyan.method": method[:64],
        "hongyan.user": actor.user_id,
        "hongyan.device": actor.device_id,
        "hongyan.connection": actor.connection_id,
        "hongyan.request": getattr(request, "id", 0),
    }
    span = tracer.sample("request", ids)
    if span is not None:
        TRACE.set(span.traceparent)
    return span


def unfollow(span: Span | None, error: Exception | None = None) -> None:
    """End a span whose request is over, and follow nothing more here."""
    if span is not None:
        TRACE.set("")
        span.end(wire_error(error).code if error is not None else "")
