"""A probe of the store for lags and the like, so that a scrape needs no query."""

import asyncio
import logging

from hongyan.app.composition.services import Store
from hongyan.domain.integration.model import DeadLetter
from hongyan.domain.log.model import Commit, SaveOffset
from hongyan.domain.log.readers import Lag, PassedEntry
from hongyan.domain.log.sources import StreamSource
from hongyan.domain.media.model import MediaItem
from hongyan.kernel.errors import Refusal
from hongyan.runtime.works import Works

log = logging.getLogger(__name__)

EVERY_MS = 5_000
WRITE_TIMEOUT_S = 5.0
PROBE = "probe"
"""The place that is saved to see whether the store writes."""


class StoreProbe:
    """Looks each five seconds.

    Args:
        store: The store.
        works: Whose readers are watched.
        name: Distinguishes this process's probe from others'.

    Attributes:
        is_writable: Whether the last write came to its end in time; true until one did not.
        end: The position of the newest entry.
        lags: How far each reader is behind: the entries that its saved position has not passed,
            and the age of the oldest one. Inactive webhooks are left out.
        passed: How many entries each reader has passed over, as it could not handle them.
        dead_letters: How many there are.
        media_waiting: Files without their preview.
    """

    def __init__(self, store: Store, works: Works, name: str = "") -> None:
        self._store = store
        self._works = works
        self._probe = f"{PROBE}:{name}" if name else PROBE
        self._next_ms = 0
        self.is_writable = True
        self.end = 0
        self.lags: dict[str, Lag] = {}
        self.passed: dict[str, int] = {}
        self.dead_letters = 0
        self.media_waiting = 0

    async def run(self, now_ms: int) -> int:
        """Look, if it is time. Call it each second."""
        if now_ms < self._next_ms:
            return 0
        self._next_ms = now_ms + EVERY_MS
        await self._write()
        self.end = await self._store.end()
        await self._look_at_readers(now_ms)
        self.dead_letters = await self._store.count(DeadLetter)
        self.media_waiting = await self._store.count(MediaItem, "processing", by="by_state")
        return 0

    async def _look_at_readers(self, now_ms: int) -> None:
        lags, passed = {}, {}
        for reader in await self._works.all_readers():
            source = reader.source or StreamSource(self._store)
            for work in reader.works:
                lags[work] = await source.lag(await self._store.offset(work), now_ms)
                passed[work] = await self._store.count(PassedEntry, work)
        self.lags, self.passed = lags, passed

    async def _write(self) -> None:
        try:
            async with asyncio.timeout(WRITE_TIMEOUT_S):
                await self._store.commit(Commit(changes=(SaveOffset(self._probe, b""),)))
        except (TimeoutError, Refusal, OSError) as error:
            if self.is_writable:
                log.warning("the store does not write: %s", error or "it takes too long")
            self.is_writable = False
        else:
            self.is_writable = True
