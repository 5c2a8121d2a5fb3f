"""The life of a process: opening parts, waiting for a stop signal, tuning the collector."""

import asyncio
import gc
import signal
from collections.abc import Callable
from contextlib import AsyncExitStack
from typing import Protocol, TypeVar

SIGNALS = (signal.SIGINT, signal.SIGTERM)


class RunningPart(Protocol):
    """Something that works between its opening and its closing."""

    async def open(self) -> None:
        """Begin to work."""
        ...

    async def close(self) -> None:
        """End, and finish what was begun."""
        ...


P = TypeVar("P", bound=RunningPart)


async def opened(stack: AsyncExitStack, part: P) -> P:
    """Open a part, which the stack closes in the end, and return it."""
    await part.open()
    stack.push_async_callback(part.close)
    return part


class StopSignal:
    """Takes SIGINT and SIGTERM from the time it is made; a second one kills."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._stopping = asyncio.Event()
        for number in SIGNALS:
            self._loop.add_signal_handler(number, self._stopping.set)

    async def wait(self, ready: Callable[[], None]) -> None:
        """Say that all is ready, and return when the process is asked to end."""
        _calm_collector()
        ready()
        await self._stopping.wait()
        for number in SIGNALS:
            self._loop.remove_signal_handler(number)


def _calm_collector() -> None:
    """Let the garbage collector look for cycles seldom, and never at what lives for ever.

    Messages make hardly any cycles; with Python's own thresholds a tenth of the server's time
    went into looking for them.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)
