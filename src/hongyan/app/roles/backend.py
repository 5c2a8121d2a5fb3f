"""``hongyan backend``: carries out the commands that gateways send."""

import asyncio
from collections.abc import Callable
from contextlib import AsyncExitStack

import msgspec

from hongyan.app.metrics.traces import make_tracer
from hongyan.app.roles.running import StopSignal, opened
from hongyan.app.settings.sections import Settings
from hongyan.delivery.tracing import TracedCaller, TracedEntry
from hongyan.domain.catalog import COMMANDS
from hongyan.infra.nats.server import NatsServer
from hongyan.kernel.bus import Caller
from hongyan.kernel.clock import Clock, SystemClock

from .core import Core
from .link import ClusterLink
from .observability import Observability

LEAVING_S = 0.3
"""From the word that this backend leaves until it takes no more calls: so that hardly any call
comes to it in vain."""


class Backend:
    """Takes calls from the broker.

    Args:
        settings: What an operator may set.
        link: The cluster.
        core: The services.
    """

    def __init__(self, settings: Settings, link: ClusterLink, core: Core) -> None:
        self._drain_s = max(settings.server.drain_s, 1.0)
        self._link = link
        self._tracer = make_tracer(settings, link.name)
        caller: Caller = core.bus
        if self._tracer is not None:
            caller = TracedCaller(core.bus, self._tracer, self._follow)
        self._server = NatsServer(link.connection, link.subjects, caller, COMMANDS)

    async def open(self) -> None:
        """Take calls."""
        await self._server.start()

    async def close(self) -> None:
        """Let others take the calls, and finish those that are here."""
        self._link.nodes.become("draining")
        await asyncio.sleep(LEAVING_S)
        await self._server.drain(self._drain_s)
        if self._tracer is not None:
            await asyncio.to_thread(self._tracer.close)

    def _follow(self, followed: TracedEntry) -> None:
        data = msgspec.msgpack.encode(followed)
        self._link.connection.publish(self._link.subjects.followed, data)


async def run(settings: Settings, ready: Callable[[str], None], clock: Clock | None = None) -> None:
    """Run a backend until it is asked to stop.

    Args:
        settings: What an operator may set.
        ready: Called with the node's name when it takes calls.
        clock: The time of day; None takes the machine's.

    Raises:
        SettingsError, OSError: it cannot start.
    """
    stop_signal, clock = StopSignal(), clock or SystemClock()
    async with AsyncExitStack() as stack:
        link = await opened(stack, ClusterLink(settings, "backend"))
        core = await opened(stack, Core(settings, link, clock))
        await opened(stack, Observability(settings, link, core, clock, "backend"))
        await opened(stack, Backend(settings, link, core))
        await link.nodes.start()
        link.nodes.become("ready")
        await stop_signal.wait(lambda: ready(link.name))
