"""A registry whose numbers are fetched from the parts when somebody asks.

Nothing here runs while a message is on its way: parts count in plain integers and lists, and a
source turns them into families at the scrape.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping

from msgspec import Struct
from prometheus_client import CollectorRegistry, GCCollector, PlatformCollector, ProcessCollector
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
)
from prometheus_client.core import Metric as Family
from prometheus_client.exposition import generate_latest
from prometheus_client.utils import floatToGoString

from hongyan.kernel.meters import BOUNDS_S, Durations

PREFIX = "hongyan_"
CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

Values = float | Mapping[str, float]
"""One number, or numbers by the value of the metric's label."""


class Gauge(Struct, frozen=True):
    """A gauge: it goes up and down."""

    name: str
    text: str
    value: Values
    label: str = ""


class Count(Struct, frozen=True):
    """A counter: it only goes up, from the start of the process. Its name ends with ``_total``."""

    name: str
    text: str
    value: Values
    label: str = ""


class Histogram(Struct, frozen=True):
    """Durations, by the value of a label. Its name ends with ``_seconds``."""

    name: str
    text: str
    durations: Mapping[str, Durations]
    label: str


Metric = Gauge | Count | Histogram
Source = Callable[[], Iterable[Metric]]


class MetricsRegistry:
    """Gathers the metrics of one process.

    Args:
        role: What the process is in its cluster; ``serve`` where it is alone.
        version: Of this program.
    """

    def __init__(self, role: str, version: str) -> None:
        self._role = role
        self._version = version
        self._sources: list[Source] = []
        self._registry = CollectorRegistry()
        self._registry.register(self)
        for collector in (ProcessCollector, PlatformCollector, GCCollector):
            collector(registry=self._registry)

    def watch(self, source: Source) -> None:
        """Ask this source at each scrape, on the event loop's thread."""
        self._sources.append(source)

    def text(self) -> bytes:
        """Return all metrics in Prometheus' text format."""
        return generate_latest(self._registry)

    def collect(self) -> Iterator[Family]:
        """Yield the families; prometheus_client calls it."""
        info = GaugeMetricFamily(
            f"{PREFIX}info", "Which program this is.", labels=("version", "role")
        )
        info.add_metric((self._version, self._role), 1)
        yield info
        for source in self._sources:
            for metric in source():
                yield _family(metric)


def _family(metric: Metric) -> Family:
    name, labels = PREFIX + metric.name, (metric.label,) if metric.label else ()
    if isinstance(metric, Histogram):
        histogram = HistogramMetricFamily(name, metric.text, labels=labels)
        for value, durations in metric.durations.items():
            histogram.add_metric((value,), list(_buckets(durations)), durations.total_s)
        return histogram
    kind = GaugeMetricFamily if isinstance(metric, Gauge) else CounterMetricFamily
    family = kind(name, metric.text, labels=labels)
    if isinstance(metric.value, Mapping):
        for value, number in metric.value.items():
            family.add_metric((value,), number)
    else:
        family.add_metric((), metric.value)
    return family


def _buckets(durations: Durations) -> Iterator[tuple[str, float]]:
    """Yield (upper bound, how many up to it), as Prometheus wants them."""
    total = 0
    for bound, count in zip((*BOUNDS_S, float("inf")), durations.counts, strict=True):
        total += count
        yield str(floatToGoString(bound)), total  # type: ignore[no-untyped-call]
