"""What Prometheus reads is what was noted."""

from prometheus_client.parser import text_string_to_metric_families

from hongyan.infra.prometheus.registry import Count, Gauge, Histogram, MetricsRegistry
from hongyan.kernel.meters import BOUNDS_S, Durations


def samples(registry):
    families = text_string_to_metric_families(registry.text().decode())
    return {
        (sample.name, *sorted(sample.labels.values())): sample.value
        for family in families
        for sample in family.samples
    }


def test_sources_are_asked_at_each_scrape():
    registry, numbers = MetricsRegistry("gateway", "1.2"), iter((1, 2))
    registry.watch(lambda: [Gauge("depth", "Depth.", next(numbers))])
    assert samples(registry)["hongyan_depth",] == 1
    assert samples(registry)["hongyan_depth",] == 2


def test_the_process_is_named_and_measured():
    found = samples(MetricsRegistry("gateway", "1.2"))
    assert found["hongyan_info", "1.2", "gateway"] == 1
    assert found["process_resident_memory_bytes",] > 1_000_000


def test_labels():
    registry = MetricsRegistry("serve", "1")
    registry.watch(lambda: [Count("seen_total", "Seen.", {"a": 1, "b": 2}, "what")])
    found = samples(registry)
    assert (found["hongyan_seen_total", "a"], found["hongyan_seen_total", "b"]) == (1, 2)


def test_a_histogram_counts_what_is_at_most_its_bound():
    took = Durations()
    for seconds in (BOUNDS_S[0], BOUNDS_S[2], 99.0):
        took.note(seconds)
    registry = MetricsRegistry("serve", "1")
    registry.watch(lambda: [Histogram("took_seconds", "Took.", {"x": took}, "what")])
    found = samples(registry)
    buckets = [found["hongyan_took_seconds_bucket", *sorted((str(b), "x"))] for b in BOUNDS_S]
    assert buckets[:3] == [1, 1, 2]
    assert found["hongyan_took_seconds_bucket", "+Inf", "x"] == 3
    assert found["hongyan_took_seconds_count", "x"] == 3
    assert found["hongyan_took_seconds_sum", "x"] == took.total_s
