"""``hongyan all``: gateway, backend and worker of a cluster in one process."""

from collections.abc import Callable
from contextlib import AsyncExitStack

from hongyan.app.running import Ending
from hongyan.app.settings import Settings
from hongyan.kernel.clock import Clock, SystemClock

from .backend import Backend
from .core import Core
from .gateway import Gateway
from .link import Link
from .watch import Watch
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
    ending, clock = Ending(), clock or SystemClock()
    async with AsyncExitStack() as stack:
        link = Link(settings, "gateway+backend+worker")
        await link.open()
        stack.push_async_callback(link.close)
        core = Core(settings, link, clock)
        await core.open()
        stack.push_async_callback(core.close)
        watch = Watch(settings, link, core, clock, "all")
        await watch.open()
        stack.push_async_callback(watch.close)
        backend = Backend(settings, link, core)
        await backend.open()
        stack.push_async_callback(backend.close)
        worker = Worker(settings, link, core, clock)
        await link.nodes.start()
        await worker.open()
        stack.push_async_callback(worker.close)
        link.nodes.become("ready")
        gateway = Gateway(settings, link, clock, watch.ops)
        await gateway.open()
        stack.push_async_callback(gateway.close)
        await ending.wait(lambda: ready(gateway.doors.url))
