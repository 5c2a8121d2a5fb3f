"""What a process committed and could not tell any more: the leader tells it once again.

A process tells its commits at once, so what may be untold when it dies is what it committed
just before. The leader remembers how far the feed had come some time ago: longer than it takes
to notice a death. When a process is lost, everything from there on is told again; what was told
before is left out by the gateways. The place is saved, so the next leader knows it as well.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Callable

from hongyan.domain.log.model import NOBODY, Commit, Committed, SavePlace
from hongyan.domain.log.ports import Feed, Log

from .ports import Teller

log = logging.getLogger(__name__)

READER = "retold"
SAFE_S = 8.0
"""So long after its commit an entry was told, or the loss of who had to tell it was noticed."""
SAVE_EVERY_S = 5.0
PAGE = 500
TOLD_MAX = 50_000
"""When more would have to be told, all sessions sync instead."""
PAUSE_S = 0.02


class Retelling:
    """Works while this process leads; give ``tick`` to the chores.

    Args:
        log: Where the place is saved.
        feed: All entries.
        teller: Tells them.
        now_s: A clock that never goes back.
        safe_s: See ``SAFE_S``.

    Attributes:
        retold: How many entries were told again.
    """

    def __init__(
        self,
        log: Log,
        feed: Feed,
        teller: Teller,
        now_s: Callable[[], float],
        safe_s: float = SAFE_S,
    ) -> None:
        self._log = log
        self._feed = feed
        self._teller = teller
        self._now_s = now_s
        self._safe_s = safe_s
        self._samples: deque[tuple[float, int]] = deque()
        self._position = self._end = 0
        self._saved = 0
        self._saved_s = 0.0
        self._is_due = False
        self.retold = 0

    async def begin(self) -> None:
        """The process leads now: tell again what the leader before may have missed."""
        self._samples.clear()
        self._position = self._saved = await self._feed.place(READER)
        self._end = await self._feed.end()
        self._position = self._position or self._end
        self._is_due = True

    def lost(self) -> None:
        """A process that commits has fallen silent."""
        self._is_due = True

    async def tick(self, _now_ms: int) -> int:
        """Go on; call it each second."""
        now_s = self._now_s()
        if self._is_due:
            self._is_due = False
            try:
                await self._tell_again()
            except BaseException:
                self._is_due = True
                raise
        self._end = await self._feed.end()
        self._samples.append((now_s, self._end))
        while len(self._samples) > 1 and self._samples[1][0] <= now_s - self._safe_s:
            self._samples.popleft()
        if self._is_due:
            return 0  # lost meanwhile: nothing is safe that was not before
        at_s, position = self._samples[0]
        if at_s <= now_s - self._safe_s:
            self._position = max(self._position, position)
        if self._position > self._saved and now_s - self._saved_s >= SAVE_EVERY_S:
            await self._log.commit(Commit(changes=(SavePlace(READER, self._position),)))
            self._saved, self._saved_s = self._position, now_s
        return 0

    async def _tell_again(self) -> None:
        position, count = self._position, 0
        while page := await self._feed.follow(position, PAGE):
            position = page[-1][0]
            count += len(page)
            if count > TOLD_MAX:
                log.warning("too much would have to be told again: all sessions sync")
                self._teller.doubt()
                return
            self._teller.tell(Committed(tuple(entry for _, entry in page), NOBODY))
            await asyncio.sleep(PAUSE_S)
        self.retold += count
        if count:
            log.info("%d entries were told again", count)
