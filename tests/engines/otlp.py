"""A collector of OpenTelemetry traces that keeps what it is sent."""

import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest


class Span:
    """A span as it was sent."""

    def __init__(self, span: Any, node: str) -> None:
        self.name: str = span.name
        self.trace_id: str = span.trace_id.hex()
        self.span_id: str = span.span_id.hex()
        self.parent_id: str = span.parent_span_id.hex()
        self.node = node
        self.error: str = span.status.message
        self.began_ns: int = span.start_time_unix_nano
        self.ids = {
            one.key: one.value.string_value or one.value.int_value for one in span.attributes
        }


class Collector:
    """Listens on loopback."""

    def __init__(self) -> None:
        self.spans: list[Span] = []
        self.bodies = b""
        collector = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                collector._take(body)
                self.send_response(200)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, *_arguments: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def wait_for(self, wanted: Callable[[list[Span]], bool], seconds: float = 30) -> list[Span]:
        """Return what came once it is enough."""
        end = time.monotonic() + seconds
        while not wanted(self.spans):
            assert time.monotonic() < end, [span.name for span in self.spans]
            time.sleep(0.1)
        return self.spans

    def _take(self, body: bytes) -> None:
        self.bodies += body
        request = ExportTraceServiceRequest.FromString(body)
        for resource in request.resource_spans:
            named = {one.key: one.value.string_value for one in resource.resource.attributes}
            for scope in resource.scope_spans:
                node = named["service.instance.id"]
                self.spans += [Span(span, node) for span in scope.spans]
