"""What the server does of itself, each second."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence

from hongyan.kernel.clock import Clock

log = logging.getLogger(__name__)

Tick = Callable[[int], Awaitable[int]]
"""Does what is due at this time (ms) and returns how much that was."""

EVERY_S = 1.0


class Chores:
    """Calls ticks, each in a loop of its own, so that none waits for another.

    A tick keeps what is to be done in the store, so a crash loses nothing; one that fails is
    logged and called again.
    """

    def __init__(self, clock: Clock, ticks: Sequence[Tick]) -> None:
        self._clock = clock
        self._ticks = ticks
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Begin."""
        self._tasks = [asyncio.create_task(self._repeat(tick)) for tick in self._ticks]

    async def stop(self) -> None:
        """End, and wait for what is being done."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _repeat(self, tick: Tick) -> None:
        while True:
            done = 0
            try:
                done = await tick(self._clock.now_ms())
            except Exception:
                log.exception("a chore failed")
            if not done:
                await asyncio.sleep(EVERY_S)
