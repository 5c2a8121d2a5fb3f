"""Traces: a few requests are followed from the socket to the recipients.

What is being done now belongs to the trace that ``TRACE`` names, as W3C Trace Context writes it
(https://www.w3.org/TR/trace-context/#traceparent-header). It is empty for what is not followed,
and always where tracing is off.
"""

from collections.abc import Callable, Mapping
from contextvars import ContextVar
from typing import Any, Protocol

TRACE: ContextVar[str] = ContextVar("trace", default="")

Ids = Mapping[str, str | int]
"""Attributes of a span: ids and counts, never what people say."""


class Span(Protocol):
    """Something that takes its time."""

    traceparent: str
    """Names it as the parent of others; travels to other processes."""

    def end(self, error: str = "", ids: Ids | None = None) -> None:
        """End the span; ``error`` is the code of a refusal."""
        ...


class Tracer(Protocol):
    """Begins spans."""

    def sample(self, name: str, ids: Ids) -> Span | None:
        """Begin a trace, or none: only some requests are followed."""
        ...

    def follow(self, name: str, parent: str, ids: Ids, began_s: float = 0.0) -> Span:
        """Begin a span below another one; ``began_s`` where that was earlier (since 1970)."""
        ...


Answered = Callable[[Any, Exception | None], None]


def ending_span(span: Span, answered: Answered) -> Answered:
    """Return what ends the span and then hands the answer on."""

    def ended(result: Any, error: Exception | None) -> None:
        code = "" if error is None else str(getattr(error, "code", type(error).__name__))
        span.end(code)
        answered(result, error)

    return ended
