"""What is measured of the routes between the processes of a cluster; asked at each scrape."""

from collections.abc import Iterator

from hongyan.delivery.routes.station import RoutedStation
from hongyan.delivery.routes.teller import RoutedTeller
from hongyan.infra.prometheus.registry import Count, Gauge, Metric, Source


def measure_teller(teller: RoutedTeller) -> Source:
    """Measure the side of those who commit."""

    def measured() -> Iterator[Metric]:
        yield Gauge("facts_waiting", "Facts that wait to be told to gateways.", teller.waiting)
        yield Count(
            "facts_untold_total", "Facts that did not fit: all sessions sync.", teller.overflows
        )

    return measured


def measure_station(station: RoutedStation) -> Source:
    """Measure a gateway's side."""

    def measured() -> Iterator[Metric]:
        yield Count("facts_stray_total", "Facts that concern nobody here.", station.stray)
        yield Count("doubts_total", "Times that facts may have been lost.", station.doubts)

    return measured
