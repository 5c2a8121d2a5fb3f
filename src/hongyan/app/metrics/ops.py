"""Health and metrics of one process."""

import asyncio
import time
from collections.abc import Callable, Iterator

import msgspec

import hongyan
from hongyan.access.ops.server import OpsResponse, OpsServer
from hongyan.app.settings.sections import host_and_port
from hongyan.app.settings.storage import MetricsSettings
from hongyan.infra.prometheus.registry import CONTENT_TYPE, Gauge, Metric, MetricsRegistry
from hongyan.kernel.tasks import end_tasks

HEALTH, READY, METRICS = "/healthz", "/readyz", "/metrics"
LOOP_EVERY_S = 0.5


class Ops:
    """The registry of a process, and the port at which it is read.

    Args:
        settings: Where, and with which token.
        role: ``serve``, or the process's role in its cluster.
        is_ready: Whether the process does its work now.
    """

    def __init__(self, settings: MetricsSettings, role: str, is_ready: Callable[[], bool]) -> None:
        self._settings = settings
        self._is_ready = is_ready
        self.registry = MetricsRegistry(role, hongyan.__version__)
        self.registry.watch(self._measure)
        self._server = OpsServer(
            {HEALTH: self._health, READY: self._ready, METRICS: self.metrics},
            settings.token,
            frozenset((HEALTH, READY)),
        )
        self._lag_s = 0.0
        self._lag: asyncio.Task[None] | None = None

    async def open(self) -> None:
        """Listen, where the settings want it.

        Raises:
            OSError: the address cannot be had.
        """
        if self._settings.listen:
            await self._server.open(*host_and_port(self._settings.listen))
        self._lag = asyncio.create_task(self._watch_loop())

    @property
    def address(self) -> tuple[str, int]:
        """The address it listens on."""
        return self._server.address

    async def close(self) -> None:
        """Stop serving."""
        if self._lag is not None:
            await end_tasks([self._lag])
        await self._server.close()

    async def metrics(self) -> OpsResponse:
        """Return all metrics."""
        return OpsResponse(self.registry.text(), CONTENT_TYPE)

    async def _health(self) -> OpsResponse:
        return _status(True)

    async def _ready(self) -> OpsResponse:
        return _status(self._is_ready())

    def _measure(self) -> Iterator[Metric]:
        lag_s, self._lag_s = self._lag_s, 0.0
        yield Gauge("ready", "Whether the process does its work now.", float(self._is_ready()))
        yield Gauge(
            "loop_lag_seconds", "The longest that the event loop was late since the last scrape.",
            lag_s,
        )  # fmt: skip

    async def _watch_loop(self) -> None:
        while True:
            began = time.monotonic()
            await asyncio.sleep(LOOP_EVERY_S)
            self._lag_s = max(self._lag_s, time.monotonic() - began - LOOP_EVERY_S)


def _status(is_well: bool) -> OpsResponse:
    body = msgspec.json.encode({"status": "ok" if is_well else "unavailable"})
    return OpsResponse(body, "application/json", 200 if is_well else 503)
