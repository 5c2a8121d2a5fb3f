"""Metrics of the routes between processes, gathered at each scrape."""

from collections.abc import Iterator

from hongyan.delivery.routes.publisher import RoutedPublisher
from hongyan.delivery.routes.subscriber import RoutedSubscriber
from hongyan.infra.prometheus.registry import Count, Gauge, Metric, Source


def measure_publisher(publisher: RoutedPublisher) -> Source:
    """Measure the side of those who commit."""

    def measured() -> Iterator[Metric]:
        yield Gauge("events_waiting", "Events that wait to be sent to gateways.", publisher.waiting)
        yield Count(
            "events_dropped_total",
            "Events that did not fit: all sessions sync.",
            publisher.overflows,
        )

    return measured


def measure_subscriber(subscriber: RoutedSubscriber) -> Source:
    """Measure a gateway's side."""

    def measured() -> Iterator[Metric]:
        yield Count("events_stray_total", "Events that concern nobody here.", subscriber.stray)
        yield Count(
            "possible_losses_total", "Times that events may have been lost.", subscriber.resyncs
        )

    return measured
