"""``hongyan worker``: what is done once in the whole cluster, and of itself.

Any number of workers may run; one of them leads and works, the others wait for it to fall
silent.
"""

import time
from collections.abc import Callable
from contextlib import AsyncExitStack

from hongyan.app.chores import Chores
from hongyan.app.leader import TERM_S, Leader
from hongyan.app.running import Ending, opened
from hongyan.app.settings import Settings
from hongyan.delivery.retelling import Retelling
from hongyan.domain.log.model import Commit, Expect, Stale, Touch
from hongyan.domain.log.ports import Log
from hongyan.infra.nats.nodes import Alive
from hongyan.infra.redis.leadership import RedisLeadership
from hongyan.kernel.clock import Clock, SystemClock
from hongyan.kernel.ids import LogId

from .core import Core
from .link import Link, needed
from .watch import Watch

TERMS = LogId("%worker")
"""The log whose epoch counts the terms of leaders. It never holds an entry."""


class Worker:
    """The chores, the couriers, and telling again what dead processes left untold.

    Args:
        settings: What an operator may set.
        link: The cluster.
        core: The services.
        clock: The time of day.
    """

    def __init__(self, settings: Settings, link: Link, core: Core, clock: Clock) -> None:
        self._core = core
        services = core.services
        self._retelling = Retelling(core.store, core.store, core.teller, time.monotonic)
        self._webhooks = services.integration.webhooks
        ticks = (self._retelling.tick, core.presence.tick, self._webhooks.look)
        self._chores = Chores(clock, (*services.ticks, *ticks))
        redis, cluster = needed(settings.cluster, "redis"), settings.cluster.name
        leadership = RedisLeadership(redis, cluster, "worker", link.connection.me, TERM_S)
        self._leader = Leader(leadership, self._begin, self._end)
        link.nodes.on_change(self._changed)

    async def open(self) -> None:
        """Begin to claim the leadership."""
        self._leader.start()

    async def close(self) -> None:
        """End, and wait for what is being done."""
        await self._leader.stop()

    async def _begin(self) -> None:
        term = await new_term(self._core.store)
        self._core.services.counting.expects = self._webhooks.expects = (term,)
        await self._retelling.begin()
        self._chores.start()
        await self._webhooks.start()

    async def _end(self) -> None:
        await self._webhooks.stop()
        await self._chores.stop()

    def _changed(self, alive: Alive) -> None:
        if alive.state == "lost" and alive.role != "gateway" and self._leader.leads:
            self._retelling.lost()


async def new_term(log: Log) -> Expect:
    """Begin a term, and return what holds until the next one begins."""
    while True:
        epoch = (await log.heads([TERMS]))[TERMS].epoch
        try:
            await log.commit(Commit(changes=(Touch(TERMS),), expects=(Expect(TERMS, epoch),)))
        except Stale:
            continue
        return Expect(TERMS, epoch + 1)


async def run(settings: Settings, ready: Callable[[str], None], clock: Clock | None = None) -> None:
    """Run a worker until it is asked to stop.

    Args:
        settings: What an operator may set.
        ready: Called with the node's name when it works or waits for its turn.
        clock: The time of day; None takes the machine's.

    Raises:
        SettingsError, OSError: it cannot start.
    """
    ending, clock = Ending(), clock or SystemClock()
    async with AsyncExitStack() as stack:
        link = await opened(stack, Link(settings, "worker"))
        core = await opened(stack, Core(settings, link, clock))
        await opened(stack, Watch(settings, link, core, clock, "worker"))
        worker = Worker(settings, link, core, clock)
        await link.nodes.start()
        await opened(stack, worker)
        link.nodes.become("ready")
        await ending.wait(lambda: ready(link.name))
