"""One after the other, within this process."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from weakref import WeakValueDictionary


class Turns:
    """Lets those who would change the same thing in this process do so one after the other.

    A courtesy: what makes a decision on a log safe is ``Expect``.
    """

    def __init__(self) -> None:
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    @asynccontextmanager
    async def of(self, name: str) -> AsyncIterator[None]:
        """Wait for the turn at what ``name`` names, first come first served, and hold it."""
        lock = self._locks.setdefault(name, asyncio.Lock())
        async with lock:
            yield
