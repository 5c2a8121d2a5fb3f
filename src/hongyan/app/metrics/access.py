"""Metrics of access, gathered at each scrape; without any database."""

from collections.abc import Iterator

from hongyan.access.admission import Admission
from hongyan.access.native.sockets import Sockets
from hongyan.delivery.hub import Hub
from hongyan.infra.prometheus.registry import Count, Gauge, Histogram, Metric, Source
from hongyan.kernel.meters import Meters


def measure_access(sockets: Sockets, admission: Admission, answers: Meters) -> Source:
    """Measure what clients ask and how they are answered."""

    def measured() -> Iterator[Metric]:
        waiting = sum(socket.outbox.waiting_bytes for socket in sockets)
        used = {name: one for name, one in admission.meters.items() if one.total_s}
        yield Gauge("connections", "WebSocket connections.", len(sockets))
        yield Gauge("outbox_bytes", "Bytes that wait for their connections.", waiting)
        yield Count(
            "slow_peers_cut_total", "Connections cut as they read too slowly.", sockets.cuts
        )
        yield Histogram("request_seconds", "From a request to its answer.", used, "method")
        yield Count(
            "refusals_total", "Requests that were refused.", dict(admission.refusals), "code"
        )  # fmt: skip
        yield Histogram(
            "http_seconds", "From an HTTP request to the head of its answer.", dict(answers),
            "status",
        )  # fmt: skip

    return measured


def measure_hub(hub: Hub) -> Source:
    """Measure the fan-out."""

    def measured() -> Iterator[Metric]:
        yield Gauge("users_connected", "Users with a device connected here.", hub.users)
        yield Count("events_total", "Entries and signals that this node received.", hub.events)
        yield Count("pushes_total", "Frames handed to connections.", hub.pushes)
        yield Count(
            "delivery_failures_total",
            "Events that could not be handed to a connection.",
            hub.failures.count,
        )

    return measured
