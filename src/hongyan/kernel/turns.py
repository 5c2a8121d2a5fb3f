"""Mutual exclusion within this process."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Protocol
from weakref import WeakValueDictionary


class TakesTurns(Protocol):
    """Lets those who name the same thing go one after the other."""

    def of(self, name: str) -> AbstractAsyncContextManager[None]:
        """Wait for the turn at what ``name`` names, and hold it.

        Raises:
            Refusal: there was no turn to be had.
        """
        ...


class Turns:
    """Lets those who would change the same thing in this process do so one after the other.

    A courtesy: what makes a decision on a log safe is ``Precondition``.
    """

    def __init__(self) -> None:
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    @asynccontextmanager
    async def of(self, name: str) -> AsyncIterator[None]:
        """Wait for the turn at what ``name`` names, first come first served, and hold it."""
        lock = self._locks.setdefault(name, asyncio.Lock())
        async with lock:
            yield
