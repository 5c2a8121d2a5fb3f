"""Health and metrics of a process that has the database."""

import time

from hongyan.app.metrics.core import measure_postgres, measure_probe, measure_services
from hongyan.app.metrics.ops import Ops
from hongyan.app.metrics.probe import StoreProbe
from hongyan.app.metrics.routes import measure_publisher
from hongyan.app.settings.sections import Settings
from hongyan.domain.log.readers import Job
from hongyan.infra.local.leases import Holders, LocalLeases
from hongyan.kernel.clock import Clock
from hongyan.runtime.ports import TERM_S
from hongyan.runtime.runtime import Runtime
from hongyan.runtime.works import Works

from .core import Core
from .link import ClusterLink


class Observability:
    """Watches over a backend or a worker, and lets it ask gateways where a message is.

    Args:
        settings: What an operator may set.
        link: The cluster.
        core: The services.
        clock: The time of day.
        role: What the process is.
    """

    def __init__(
        self, settings: Settings, link: ClusterLink, core: Core, clock: Clock, role: str
    ) -> None:
        self._link = link
        probe = StoreProbe(core.store, core.services.works, link.name)
        alone = LocalLeases(Holders(), link.name, TERM_S, time.monotonic)
        works = Works()
        works.add(Job("watching", probe.run))
        self._runtime = Runtime(link.name, alone, core.store, clock, works)
        self.ops = Ops(settings.metrics, role, lambda: link.connection.is_up and probe.is_writable)
        for source in (
            measure_postgres(core.store),
            measure_services(core.services),
            measure_probe(probe),
            measure_publisher(core.publisher),
        ):
            self.ops.registry.watch(source)

    async def open(self) -> None:
        """Begin.

        Raises:
            OSError: the address cannot be had.
        """
        await self.ops.open()
        self._runtime.start()

    async def close(self) -> None:
        """End."""
        await self._runtime.stop()
        await self.ops.close()
