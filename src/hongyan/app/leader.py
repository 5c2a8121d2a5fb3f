"""One process among several does some work; when it falls silent, another one takes over."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from typing import Protocol

log = logging.getLogger(__name__)

TERM_S = 5.0
EVERY_S = 1.0


class Leadership(Protocol):
    """What at most one process holds at a time; it ends by itself when nobody renews it."""

    async def claim(self) -> bool:
        """Take it or renew it; return whether it is this process's for another term.

        Raises:
            OSError: nobody can tell now.
        """
        ...

    async def resign(self) -> None:
        """Give it back, if it is ours; never raises."""
        ...


class Leader:
    """Works while this process leads.

    Args:
        leadership: Says who leads.
        begin: Called when this process leads from now on.
        end: Called when it leads no more; awaited before another term may begin.
        term_s: How long the leadership lasts without being renewed.
        every_s: How often it is claimed.
    """

    def __init__(
        self,
        leadership: Leadership,
        begin: Callable[[], Awaitable[None]],
        end: Callable[[], Awaitable[None]],
        term_s: float = TERM_S,
        every_s: float = EVERY_S,
    ) -> None:
        self._leadership = leadership
        self._begin = begin
        self._end = end
        self._term_s = term_s
        self._every_s = every_s
        self._until_s = 0.0
        self._task: asyncio.Task[None] | None = None
        self.leads = False

    def start(self) -> None:
        """Begin to claim."""
        self._task = asyncio.get_running_loop().create_task(self._run())

    async def stop(self) -> None:
        """Work no more, and let another one lead at once."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        await self._set(False)
        await self._leadership.resign()

    async def _run(self) -> None:
        while True:
            try:
                await self._claim()
            except Exception:
                log.exception("the work of the leader could not begin or end")
            await asyncio.sleep(self._every_s)

    async def _claim(self) -> None:
        asked_s = time.monotonic()
        try:
            if await self._leadership.claim():
                self._until_s = asked_s + self._term_s
            else:
                self._until_s = 0.0
        except OSError as error:  # what was granted still holds, until its term is over
            log.warning("nobody can tell who leads: %s", error)
        # one more round must fit before the term is over
        await self._set(time.monotonic() + 1.5 * self._every_s < self._until_s)

    async def _set(self, leads: bool) -> None:
        if leads == self.leads:
            return
        log.info("this process leads now" if leads else "this process leads no more")
        if leads:
            await self._begin()
            self.leads = True
        else:
            self.leads = False
            await self._end()
