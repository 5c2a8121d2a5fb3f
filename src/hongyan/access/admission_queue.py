"""An admission queue for what only so many may do at once: for storms of connections."""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from hongyan.kernel.errors import Busy

BACK_MS = (1_000, 5_000)
"""Milliseconds from and to: a client that finds the queue full comes back in a random time."""


class AdmissionQueue:
    """Lets some in, the others one after the other, and sends away who would wait too long.

    Args:
        at_once: How many may be inside.
        waiting_max: How many may wait.
    """

    def __init__(self, at_once: int, waiting_max: int) -> None:
        self._free = asyncio.Semaphore(at_once)
        self._waiting_max = waiting_max
        self.waiting = 0
        self.turned_away = 0

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Wait for one's turn and be inside.

        Raises:
            Busy: the queue is full; ``details["retry_after_ms"]`` says when to come back.
        """
        if self.waiting >= self._waiting_max:
            self.turned_away += 1
            raise Busy(retry_after_ms=random.randint(*BACK_MS))
        self.waiting += 1
        try:
            await self._free.acquire()
        finally:
            self.waiting -= 1
        try:
            yield
        finally:
            self._free.release()
