"""``hongyan worker``: what is done once in the whole cluster, and of itself."""

from collections.abc import Callable
from contextlib import AsyncExitStack

from hongyan.app.chores import Chores
from hongyan.app.running import Ending
from hongyan.app.settings import Settings
from hongyan.kernel.clock import Clock, SystemClock

from .core import Core
from .link import Link


class Worker:
    """The chores and the couriers.

    Args:
        core: The services.
        clock: The time of day.
    """

    def __init__(self, core: Core, clock: Clock) -> None:
        self._chores = Chores(clock, core.services.ticks)
        self._webhooks = core.services.integration.webhooks

    async def open(self) -> None:
        """Begin."""
        self._chores.start()
        await self._webhooks.start()

    async def close(self) -> None:
        """End, and wait for what is being done."""
        await self._webhooks.stop()
        await self._chores.stop()


async def run(settings: Settings, ready: Callable[[str], None], clock: Clock | None = None) -> None:
    """Run a worker until it is asked to stop.

    Args:
        settings: What an operator may set.
        ready: Called with the node's name when it works.
        clock: The time of day; None takes the machine's.

    Raises:
        SettingsError, OSError: it cannot start.
    """
    ending, clock = Ending(), clock or SystemClock()
    async with AsyncExitStack() as stack:
        link = Link(settings, "worker")
        await link.open()
        stack.push_async_callback(link.close)
        core = Core(settings, link, clock)
        await core.open()
        stack.push_async_callback(core.close)
        worker = Worker(core, clock)
        await worker.open()
        stack.push_async_callback(worker.close)
        await link.nodes.start()
        link.nodes.become("ready")
        await ending.wait(lambda: ready(link.name))
