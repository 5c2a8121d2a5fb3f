"""Metrics of stores and services, gathered at each scrape."""

from collections.abc import Iterator

from hongyan.app.composition.services import Services
from hongyan.infra.postgres.store import PostgresStore
from hongyan.infra.prometheus.registry import Count, Gauge, Histogram, Metric, Source
from hongyan.infra.sqlite.store import SqliteStore

from .probe import StoreProbe


def measure_sqlite(store: SqliteStore) -> Source:
    """Measure the only writer."""

    def measured() -> Iterator[Metric]:
        writer = store.writer
        yield Gauge("commit_queue", "Commits that wait for the disk.", writer.waiting)
        yield Count("commits_total", "Commits that were answered.", writer.answered)
        yield Histogram(
            "batch_seconds", "From the begin of a transaction to its end on disk.",
            {"sqlite": writer.batches}, "store",
        )  # fmt: skip

    return measured


def measure_postgres(store: PostgresStore) -> Source:
    """Measure the writers of this process."""

    def measured() -> Iterator[Metric]:
        writers = store.writers
        yield Gauge("commit_queue", "Commits that wait for the disk.", store.waiting)
        yield Count(
            "commits_total", "Commits that were answered.",
            sum(writer.answered for writer in writers),
        )  # fmt: skip
        yield Count(
            "transactions_again_total", "Transactions that were rolled back and begun again.",
            sum(writer.rollbacks for writer in writers),
        )  # fmt: skip
        yield Histogram(
            "batch_seconds", "From the begin of a transaction to its end on disk.",
            {f"postgres-{index}": writer.batches for index, writer in enumerate(writers)}, "store",
        )  # fmt: skip

    return measured


def measure_services(services: Services) -> Source:
    """Measure what runs beside the event loop: hashing passwords, looking into files."""

    def measured() -> Iterator[Metric]:
        yield Gauge(
            "password_hashes_waiting", "Passwords being hashed, or waiting for it.",
            services.hasher.waiting,
        )  # fmt: skip
        yield Gauge(
            "media_probing", "Files being looked into, or waiting for a process.",
            services.media.prober.asked,
        )  # fmt: skip

    return measured


def measure_probe(probe: StoreProbe) -> Source:
    """Measure what needed a look into the store."""

    def measured() -> Iterator[Metric]:
        yield Gauge("store_writable", "Whether the last write succeeded.", probe.is_writable)
        yield Gauge("feed_position", "The newest entry's position.", probe.end)
        yield Gauge(
            "reader_lag_seconds", "How old the oldest entry is that a reader has not passed.",
            {name: lag.seconds for name, lag in probe.lags.items()}, "reader",
        )  # fmt: skip
        yield Gauge(
            "reader_lag_entries", "Entries that a reader has not passed; 10,000 and more alike.",
            {name: lag.entries for name, lag in probe.lags.items()}, "reader",
        )  # fmt: skip
        yield Gauge(
            "reader_passed_over", "Entries that a reader could not handle and passed over.",
            probe.passed, "reader",
        )  # fmt: skip
        yield Gauge("dead_letters", "Batches that a webhook never took.", probe.dead_letters)
        yield Gauge("media_waiting", "Files that wait for their preview.", probe.media_waiting)

    return measured
