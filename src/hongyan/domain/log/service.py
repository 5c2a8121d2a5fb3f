"""Deciding on what may change meanwhile: load, decide, commit, and again when stale."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from weakref import WeakValueDictionary

from hongyan.kernel.errors import Busy

from .model import Commit, Entry, Stale
from .ports import Log

ATTEMPTS = 8


async def decide(log: Log, attempt: Callable[[], Awaitable[Commit]]) -> tuple[Entry, ...]:
    """Commit what ``attempt`` decides, deciding anew whenever its state has become stale.

    ``attempt`` reads the log's head before the rows that it judges, names that epoch in an
    ``Expect``, and raises a ``Refusal`` where the rules say no.

    Raises:
        Busy: others changed the same state ``ATTEMPTS`` times in between.
    """
    for _ in range(ATTEMPTS):
        commit = await attempt()
        try:
            return await log.commit(commit)
        except Stale:
            continue
    raise Busy


class Turns:
    """Lets those who would change the same thing in this process do so one after the other.

    A courtesy that spares ``decide`` its repetitions; what makes a decision safe is ``Expect``.
    """

    def __init__(self) -> None:
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    @asynccontextmanager
    async def of(self, name: str) -> AsyncIterator[None]:
        """Wait for the turn at what ``name`` names, first come first served, and hold it."""
        lock = self._locks.setdefault(name, asyncio.Lock())
        async with lock:
            yield
