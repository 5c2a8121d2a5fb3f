"""The feed, read once for all webhooks."""

import asyncio
from bisect import bisect_right

from hongyan.domain.log.model import Placed
from hongyan.domain.log.ports import ChangeStream

PAGE = 500
KEPT = 2_000
KEPT_BYTES = 8 * 1024 * 1024
END = 2**62


class ChangeWindow:
    """The newest stretch of the feed in memory, so that readers at its end share one read.

    Args:
        stream: The feed.
    """

    def __init__(self, stream: ChangeStream) -> None:
        self._stream = stream
        self._lock = asyncio.Lock()
        self._start = self._end = -1
        self._entries: list[Placed] = []
        self._bytes = 0

    async def read(self, after: int) -> list[Placed]:
        """Return the next entries after a position, at most ``PAGE``."""
        if not self._start <= after <= self._end:
            return await self._read_behind(after)
        if after == self._end:
            async with self._lock:
                if after == self._end:
                    self._keep(await self._stream.follow(after, PAGE))
        return self._cached(after)

    async def _read_behind(self, after: int) -> list[Placed]:
        """Read what is not in memory; who comes to the end opens the window there."""
        page = await self._stream.follow(after, PAGE)
        if len(page) < PAGE:
            end = page[-1][0] if page else after
            if end > self._end:
                self._start = self._end = after
                self._entries, self._bytes = [], 0
                self._keep(page)
        return page

    def _cached(self, after: int) -> list[Placed]:
        if after < self._start:  # it was dropped while we waited
            return []
        first = bisect_right(self._entries, after, key=lambda placed: placed[0])
        return self._entries[first : first + PAGE]

    def _keep(self, page: list[Placed]) -> None:
        if not page:
            return
        self._entries.extend(page)
        self._end = page[-1][0]
        self._bytes += sum(len(entry.body) for _, entry in page)
        while len(self._entries) > KEPT or self._bytes > KEPT_BYTES:
            dropped, self._entries = self._entries[:PAGE], self._entries[PAGE:]
            self._start = dropped[-1][0]
            self._bytes -= sum(len(entry.body) for _, entry in dropped)
