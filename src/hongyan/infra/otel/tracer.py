"""The port Tracer by OpenTelemetry, sent by OTLP over HTTP in batches from a thread."""

import random

from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import Span as OtelSpan
from opentelemetry.trace import SpanKind, Status, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from hongyan.kernel.tracing import Ids, Span

QUEUE_MAX = 4_096
"""Spans that wait to be sent; more are dropped, so a collector that is down harms nobody."""
_propagator = TraceContextTextMapPropagator()


class OtelTracer:
    """Begins spans and sends them to a collector.

    Args:
        url: Where OTLP is taken: ``http://HOST:4318``.
        share: The share of requests that are followed, from 0 to 1.
        node: What this process is called.
        version: Of this program.
    """

    def __init__(self, url: str, share: float, node: str, version: str) -> None:
        resource = Resource.create(
            {
                "service.name": "hongyan",
                "service.version": version,
                "service.instance.id": node,
            }
        )
        self._share = share
        self._provider = TracerProvider(resource=resource)
        exporter = OTLPSpanExporter(endpoint=f"{url.rstrip('/')}/v1/traces", timeout=5)
        self._provider.add_span_processor(BatchSpanProcessor(exporter, max_queue_size=QUEUE_MAX))
        self._tracer = self._provider.get_tracer("hongyan", version)

    def sample(self, name: str, ids: Ids) -> Span | None:
        """See ``Tracer.sample``."""
        if random.random() >= self._share:  # not for secrets
            return None
        return _Span(self._tracer.start_span(name, Context(), SpanKind.SERVER, dict(ids.items())))

    def follow(self, name: str, parent: str, ids: Ids, began_s: float = 0.0) -> Span:
        """See ``Tracer.follow``."""
        context = _propagator.extract({"traceparent": parent}, Context())
        began_ns = int(began_s * 1e9) or None
        return _Span(
            self._tracer.start_span(
                name, context, SpanKind.INTERNAL, dict(ids.items()), start_time=began_ns
            )
        )

    def close(self) -> None:
        """Send what waits, within a few seconds; blocks."""
        self._provider.shutdown()


class _Span:
    __slots__ = ("_span", "traceparent")

    def __init__(self, span: OtelSpan) -> None:
        self._span = span
        found = span.get_span_context()
        self.traceparent = f"00-{found.trace_id:032x}-{found.span_id:016x}-{found.trace_flags:02x}"

    def end(self, error: str = "", ids: Ids | None = None) -> None:
        """See ``Span.end``."""
        self._span.set_attributes(dict((ids or {}).items()))
        if error:
            self._span.set_status(Status(StatusCode.ERROR, error))
        self._span.end()
