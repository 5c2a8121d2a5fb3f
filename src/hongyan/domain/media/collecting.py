"""Garbage collection: expired uploads, unused media, their bytes.

A media is collected in two steps. The first marks it and raises its content's version, so that
who was about to give it a use decides again and meets the mark. The second looks for uses
once more: now none can have come unseen.
"""

from typing import get_args

from msgspec import structs

from hongyan.domain.log.deciding import decide
from hongyan.domain.log.model import Bump, Change, Commit, Drop, Precondition, Put
from hongyan.domain.log.ports import Log, Records
from hongyan.kernel.turns import Turns

from .media import charged, usage_of
from .model import (
    Doomed,
    MediaCheck,
    MediaItem,
    MediaReference,
    Variant,
    content_log,
    object_name,
    usage_log,
)
from .ports import Objects
from .uploads import Uploads

ROUND = 100
VARIANTS: tuple[str, ...] = get_args(Variant)


class Collecting:
    """``run`` takes away what has had its time.

    Args:
        log: The guards.
        records: Media, uses and uploads.
        objects: The bytes.
        uploads: Forgets uploads.
        turns: One at a time for each content, shared by the media services.
    """

    def __init__(
        self, log: Log, records: Records, objects: Objects, uploads: Uploads, turns: Turns
    ) -> None:
        self._log = log
        self._records = records
        self._objects = objects
        self._uploads = uploads
        self._turns = turns

    async def run(self, now_ms: int) -> int:
        """Do what is due, at most some hundred things; return how many. Call it each second."""
        done = await self._uploads.expire(now_ms, ROUND)
        checks = await self._records.scan(MediaCheck, by="by_due", limit=ROUND)
        due = [check for check in checks if check.due_at_ms <= now_ms]
        for check in due:
            await self._check(check, now_ms)
        doomed = await self._records.scan(Doomed, limit=ROUND)
        for row in doomed:
            async with self._turns.of(object_name(row.sha256)):
                await self._delete(row.sha256)
        return done + len(due) + len(doomed)

    async def _check(self, check: MediaCheck, now_ms: int) -> None:
        item = await self._records.get(MediaItem, check.media_id)
        if item is None:
            await self._log.commit(Commit(changes=(Drop(MediaCheck, check.key()),)))
            return
        guard = content_log(item.sha256)

        async def attempt() -> Commit:
            owner = usage_log(item.owner_id)
            heads = await self._log.states([guard, owner])
            preconditions = tuple(
                Precondition(log_id, heads[log_id].version) for log_id in (guard, owner)
            )
            there = await self._records.get(MediaItem, check.media_id)
            if there is None:
                return Commit(changes=(Drop(MediaCheck, check.key()),))
            used = bool(await self._records.keys(MediaReference, check.media_id, limit=1))
            return Commit(
                changes=await self._judged(there, used, now_ms), preconditions=preconditions
            )

        async with self._turns.of(object_name(item.sha256)):
            await decide(self._log, attempt)

    async def _judged(self, item: MediaItem, used: bool, now_ms: int) -> tuple[Change, ...]:
        """Return what becomes of a media that is looked at."""
        guard, drop_check = content_log(item.sha256), Drop(MediaCheck, (item.media_id,))
        if used and not item.is_ending:
            return (drop_check,)
        if used or not item.is_ending:
            marked = Put(structs.replace(item, is_ending=not used))
            again = Put(MediaCheck(media_id=item.media_id, due_at_ms=now_ms))
            return (marked, Bump(guard), drop_check if used else again)
        usage = charged(await usage_of(self._records, item.owner_id), -item.size_bytes)
        changes: list[Change] = [drop_check, Drop(MediaItem, item.key()), Put(usage)]
        if await self._records.count(MediaItem, item.sha256, by="by_content") == 1:
            changes.append(Put(Doomed(sha256=item.sha256)))
        return (*changes, Bump(guard), Bump(usage_log(item.owner_id)))

    async def _delete(self, sha256: str) -> None:
        """Delete the objects of a content that no media has; until then none can be made."""
        if not await self._records.count(MediaItem, sha256, by="by_content"):
            await self._objects.delete([object_name(sha256, variant) for variant in VARIANTS])
        await self._log.commit(Commit(changes=(Drop(Doomed, (sha256,)),)))
