"""What is looked up in the store now and then, so that a scrape need not: lags, and the like."""

import asyncio
import logging
from collections.abc import Sequence

from hongyan.domain.admin.statistics import READER as STATISTICS
from hongyan.domain.integration.model import DeadLetter, Webhook, reader_of
from hongyan.domain.log.model import Commit, SavePlace
from hongyan.domain.media.model import MediaItem
from hongyan.kernel.errors import Refusal

from .services import Store

log = logging.getLogger(__name__)

EVERY_MS = 5_000
WRITE_TIMEOUT_S = 5.0
PROBE = "probe"
"""The place that is saved to see whether the store writes."""


class Watching:
    """Looks each five seconds.

    Args:
        store: The store.
        readers: Whose places are compared with the feed's end, besides those of webhooks.
        name: Tells this process's probe from others'.

    Attributes:
        is_writable: Whether the last write came to its end in time; true until one did not.
        end: The position of the newest entry.
        lags_s: How many seconds ago the oldest entry was sent that a reader's saved place has
            not passed; 0 where it has passed them all. Inactive webhooks are left out.
        dead_letters: How many there are.
        media_waiting: Files without their preview.
    """

    def __init__(
        self, store: Store, readers: Sequence[str] = (STATISTICS,), name: str = ""
    ) -> None:
        self._store = store
        self._readers = readers
        self._probe = f"{PROBE}:{name}" if name else PROBE
        self._next_ms = 0
        self.is_writable = True
        self.end = 0
        self.lags_s: dict[str, float] = {}
        self.dead_letters = 0
        self.media_waiting = 0

    async def tick(self, now_ms: int) -> int:
        """Look, if it is time. Call it each second."""
        if now_ms < self._next_ms:
            return 0
        self._next_ms = now_ms + EVERY_MS
        await self._write()
        self.end = await self._store.end()
        names = {name: name for name in self._readers}
        for webhook in await self._store.scan(Webhook):
            if webhook.active:
                names[f"webhook:{webhook.webhook_id}"] = reader_of(webhook.webhook_id)
        self.lags_s = {name: await self._lag_s(reader, now_ms) for name, reader in names.items()}
        self.dead_letters = await self._store.count(DeadLetter)
        self.media_waiting = await self._store.count(MediaItem, "processing", by="by_state")
        return 0

    async def _lag_s(self, reader: str, now_ms: int) -> float:
        """Return the age of the next entry: one read, however far the reader is behind."""
        place = await self._store.place(reader)
        found = await self._store.follow(place, 1, self.end) if place < self.end else []
        return max(0, now_ms - found[0][1].sent_at_ms) / 1000 if found else 0.0

    async def _write(self) -> None:
        try:
            async with asyncio.timeout(WRITE_TIMEOUT_S):
                await self._store.commit(Commit(changes=(SavePlace(self._probe, 0),)))
        except (TimeoutError, Refusal, OSError) as error:
            if self.is_writable:
                log.warning("the store does not write: %s", error or "it takes too long")
            self.is_writable = False
        else:
            self.is_writable = True
