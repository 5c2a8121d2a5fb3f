"""``hongyan worker``: what is done once in the whole cluster, and of itself.

Any number of workers may run: they share the readers and jobs, and when one falls silent, the
others take over its share.
"""

import time
from collections.abc import Callable
from contextlib import AsyncExitStack

from hongyan.app.roles.running import StopSignal, opened
from hongyan.app.settings.sections import Settings
from hongyan.delivery.republishing import Republishing
from hongyan.domain.log.model import Committed
from hongyan.domain.log.readers import Job
from hongyan.infra.nats.nodes import Alive
from hongyan.infra.redis.leases import RedisLeases
from hongyan.kernel.clock import Clock, SystemClock
from hongyan.runtime.ports import TERM_S
from hongyan.runtime.runtime import Runtime

from .core import Core
from .link import ClusterLink, needed
from .observability import Observability


class Worker:
    """The share that one process has of readers and jobs, and republishing for those that died.

    Args:
        settings: What an operator may set.
        link: The cluster.
        core: The services.
        clock: The time of day.

    Attributes:
        runtime: What runs them.
    """

    def __init__(self, settings: Settings, link: ClusterLink, core: Core, clock: Clock) -> None:
        me = link.connection.me
        self._republishing = Republishing(core.store, core.store, core.publisher, time.monotonic)
        redis, cluster = needed(settings.cluster, "redis"), settings.cluster.name
        works = core.services.works
        works.add(Job("presence", core.presence.run), self._republishing.job)
        leases = RedisLeases(redis, cluster, me, TERM_S)
        self.runtime = Runtime(me, leases, core.store, clock, works)
        core.bus.subscribe(Committed, self.runtime.committed)
        link.nodes.on_change(self._changed)

    async def open(self) -> None:
        """Begin to take a share."""
        self.runtime.start()

    async def close(self) -> None:
        """End, and let others go on."""
        await self.runtime.stop()

    def _changed(self, alive: Alive) -> None:
        if alive.state == "lost" and alive.role != "gateway":
            self._republishing.lost()


async def run(settings: Settings, ready: Callable[[str], None], clock: Clock | None = None) -> None:
    """Run a worker until it is asked to stop.

    Args:
        settings: What an operator may set.
        ready: Called with the node's name when it works or waits for its turn.
        clock: The time of day; None takes the machine's.

    Raises:
        SettingsError, OSError: it cannot start.
    """
    stop_signal, clock = StopSignal(), clock or SystemClock()
    async with AsyncExitStack() as stack:
        link = await opened(stack, ClusterLink(settings, "worker"))
        core = await opened(stack, Core(settings, link, clock))
        await opened(stack, Observability(settings, link, core, clock, "worker"))
        worker = Worker(settings, link, core, clock)
        await link.nodes.start()
        await opened(stack, worker)
        link.nodes.become("ready")
        await stop_signal.wait(lambda: ready(link.name))
