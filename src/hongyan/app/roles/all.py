"""``hongyan all``: gateway, backend and worker of a cluster in one process."""

from collections.abc import Callable
from contextlib import AsyncExitStack

from hongyan.app.roles.running import StopSignal, opened
from hongyan.app.settings.sections import Settings
from hongyan.kernel.clock import Clock, SystemClock

from .backend import Backend
from .core import Core
from .gateway import Gateway
from .link import ClusterLink
from .observability import Observability
from .worker import Worker


async def run(settings: Settings, ready: Callable[[str], None], clock: Clock | None = None) -> None:
    """Run all three until asked to stop; further processes of any role may join the cluster.

    Args:
        settings: What an operator may set.
        ready: Called with the URL when clients may come.
        clock: The time of day; None takes the machine's.

    Raises:
        SettingsError, OSError: it cannot start.
    """
    stop_signal, clock = StopSignal(), clock or SystemClock()
    async with AsyncExitStack() as stack:
        link = await opened(stack, ClusterLink(settings, "gateway+backend+worker"))
        core = await opened(stack, Core(settings, link, clock))
        watch = await opened(stack, Observability(settings, link, core, clock, "all"))
        await opened(stack, Backend(settings, link, core))
        worker = Worker(settings, link, core, clock)
        await link.nodes.start()
        await opened(stack, worker)
        link.nodes.become("ready")
        gateway = await opened(stack, Gateway(settings, link, clock, watch.ops))
        await stop_signal.wait(lambda: ready(gateway.access.url))
