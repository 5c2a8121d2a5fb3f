"""Looking into files after they came: dimensions, previews, durations, waveforms."""

import asyncio

from msgspec import structs

from hongyan.domain.log.deciding import decide
from hongyan.domain.log.model import Bump, Commit, Precondition, Put
from hongyan.domain.log.ports import Log, Records
from hongyan.kernel.clock import Clock
from hongyan.kernel.errors import Busy, NotFound, Unavailable

from .model import MediaItem, content_log, object_name
from .ports import Objects, Probed, Prober, Unreadable
from .uploads import like, ready_entry


class Processing:
    """``run`` looks into what has come; the rows are the queue, so a crash loses nothing.

    Args:
        log: The guards.
        records: The media.
        clock: The time of day.
        objects: The bytes.
        prober: Looks into them.
        at_once: So many files at a time.
    """

    def __init__(
        self,
        log: Log,
        records: Records,
        clock: Clock,
        objects: Objects,
        prober: Prober,
        at_once: int = 1,
    ) -> None:
        self._log = log
        self._records = records
        self._clock = clock
        self._objects = objects
        self._prober = prober
        self._at_once = at_once

    async def run(self, now_ms: int) -> int:
        """Look into the oldest files that wait; return how many. Call it each second."""
        items = await self._records.scan(
            MediaItem, "processing", by="by_state", limit=self._at_once
        )
        done = await asyncio.gather(*(self._process(item) for item in items))
        return sum(done)

    async def _process(self, item: MediaItem) -> int:
        known = await self._records.scan(MediaItem, item.sha256, by="by_content", limit=2)
        twin = next((other for other in known if other.state != "processing"), None)
        if twin is not None:
            await self._finish(item, twin)
            return 1
        try:
            async with self._objects.local(object_name(item.sha256)) as path:
                probed = await self._prober.probe(path, item.mime)
        except (Unreadable, NotFound):
            await self._finish(item, structs.replace(item, state="refused", is_plain=False))
            return 1
        except (Busy, Unavailable):
            return 0
        await self._keep_pictures(item, probed)
        mime = probed.mime or item.mime
        await self._finish(
            item, structs.replace(item, state="ready", mime=mime, facts=probed.facts)
        )
        return 1

    async def _keep_pictures(self, item: MediaItem, probed: Probed) -> None:
        for variant, picture in probed.pictures.items():
            await self._objects.put(object_name(item.sha256, variant), picture)

    async def _finish(self, item: MediaItem, twin: MediaItem) -> None:
        """Give the media the state and details of ``twin``, and notify its owner."""
        guard = content_log(item.sha256)

        async def attempt() -> Commit:
            version = (await self._log.states([guard]))[guard].version
            there = await self._records.get(MediaItem, item.media_id)
            if there is None or there.state != "processing":
                return Commit()
            settled = like(there, twin)
            return Commit(
                (ready_entry(settled, self._clock),),
                (Put(settled), Bump(guard)),
                (Precondition(guard, version),),
            )

        await decide(self._log, attempt)
