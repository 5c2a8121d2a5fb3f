"""Following some requests of WebSockets by traces."""

from typing import Protocol

from hongyan.kernel.ids import ConnectionId, DeviceId, UserId
from hongyan.kernel.tracing import TRACE, Span, Tracer
from hongyan.wire.native.codec import Request
from hongyan.wire.native.errors import wire_error


class Asker(Protocol):
    """A session, as far as a trace names it."""

    user_id: UserId
    device_id: DeviceId
    connection_id: ConnectionId


def follow(asker: Asker, tracer: Tracer, request: Request) -> Span | None:
    """Begin to follow a request, if this is one of the few; then ``TRACE`` names it.

    Args:
        asker: Who asks.
        tracer: Chooses the few.
        request: What is asked.
    """
    ids: dict[str, str | int] = {
        "hongyan.method": request.method[:64],
        "hongyan.user": asker.user_id,
        "hongyan.device": asker.device_id,
        "hongyan.connection": asker.connection_id,
        "hongyan.request": request.id,
    }
    span = tracer.sample("request", ids)
    if span is not None:
        TRACE.set(span.traceparent)
    return span


def unfollow(span: Span | None, error: Exception) -> None:
    """End a span whose request was refused at once."""
    if span is not None:
        TRACE.set("")
        span.end(wire_error(error).code)
