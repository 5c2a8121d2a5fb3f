"""Access to media, and references from what shows them."""

from collections.abc import Sequence
from typing import Any

from hongyan.domain.log.model import Change, Commit, Drop, Precondition, Put
from hongyan.domain.log.ports import Log, Records
from hongyan.kernel.bus import DONE, Actor, Done, handles
from hongyan.kernel.clock import Clock
from hongyan.kernel.errors import LimitReached
from hongyan.kernel.ids import LogId, UserId, user_log

from .commands import ForgetMedia, NoSuchMedia
from .model import (
    AVATAR_SEQ,
    MediaCheck,
    MediaItem,
    MediaReference,
    ReferencedMedia,
    content_log,
)
from .ports import MessageVisibility
from .rules import DEFAULT_LIMITS, MediaLimits

REFERENCED_MAX = 100
PAGE = 500
PAGES_MAX = 4
"""Of a media with more than ``PAGE * PAGES_MAX`` uses not all are looked through."""
LAST_SEQ = 2**53
LAST_ID = "\x7f"
"""Comes after every media id."""

Place = tuple[LogId, int]


class MediaAccess:
    """Judges who may read a media, and lends media to messages and avatars.

    Args:
        log: The guards.
        records: Media and their uses.
        clock: The time of day.
        visibility: Who sees which message.
        limits: For how long what nothing uses is kept.
    """

    def __init__(
        self,
        log: Log,
        records: Records,
        clock: Clock,
        visibility: MessageVisibility,
        limits: MediaLimits = DEFAULT_LIMITS,
    ) -> None:
        self._log = log
        self._records = records
        self._clock = clock
        self._visibility = visibility
        self._limits = limits

    async def item(self, user_id: UserId, media_id: str, seen: Sequence[Place] = ()) -> MediaItem:
        """Return a media that the user may read; at most 11 reads, mostly 3.

        Args:
            user_id: Who asks.
            media_id: Which.
            seen: Messages in which the user says to have seen it.

        Raises:
            NoSuchMedia: there is none, or it is not for this user.
        """
        item = await self._records.get(MediaItem, media_id)
        if item is None or not await self.may_read(user_id, item, seen):
            raise NoSuchMedia
        return item

    async def may_read(self, user_id: UserId, item: MediaItem, seen: Sequence[Place] = ()) -> bool:
        """Return whether the user may read this media."""
        if item.owner_id == user_id:
            return True
        if seen:
            keys = [(item.media_id, *conversation_id) for conversation_id in seen]
            named = (await self._records.get_many(MediaReference, keys)).values()
            if named and await self._sees_any(user_id, list(named)):
                return True
        conversation_id: tuple[int | str, ...] = ()
        for _ in range(PAGES_MAX):
            references = await self._records.scan(
                MediaReference, item.media_id, by="by_seq", after=conversation_id, limit=PAGE
            )
            if references and await self._sees_any(user_id, references):
                return True
            if len(references) < PAGE:
                break
            conversation_id = (references[-1].seq, references[-1].log_id)
        return False

    async def _sees_any(self, user_id: UserId, references: Sequence[MediaReference]) -> bool:
        if any(reference.seq == AVATAR_SEQ for reference in references):
            return True
        return await self._visibility.sees(
            user_id, [(reference.log_id, reference.seq) for reference in references]
        )

    async def add_references(
        self, user_id: UserId, media_ids: Sequence[str], seen: Sequence[Place] = ()
    ) -> ReferencedMedia:
        """Lend media to something that shows them: it puts their uses and expects the versions.

        Args:
            user_id: Who shows them.
            media_ids: Which, at most 100.
            seen: As in ``item``.

        Raises:
            NoSuchMedia: one of them is not there, or not for this user; ``media_id`` in the
                details says which.
            LimitReached: there are too many.
        """
        if len(media_ids) > REFERENCED_MAX:
            raise LimitReached("Too many files at once.", limit=REFERENCED_MAX)
        keys = [(media_id,) for media_id in media_ids]
        found = await self._records.get_many(MediaItem, keys)
        guards = sorted({content_log(item.sha256) for item in found.values()})
        heads = await self._log.states(guards)
        items = await self._records.get_many(MediaItem, keys)
        for media_id in media_ids:
            item = items.get(media_id)
            is_there = item is not None and media_id in found and not item.is_ending
            if not is_there or item is None or not await self.may_read(user_id, item, seen):
                raise NoSuchMedia(media_id=media_id)
        preconditions = tuple(Precondition(guard, heads[guard].version) for guard in guards)
        return ReferencedMedia(items, preconditions)

    async def remove_references(self, log_id: LogId, seq: int) -> tuple[Change, ...]:
        """Return what takes the uses away that this place has; one read."""
        return self._removed(await self._records.keys(MediaReference, log_id, seq, by="by_place"))

    async def remove_references_up_to(
        self, log_id: LogId, last: int, limit: int
    ) -> tuple[Change, ...]:
        """Return what takes away the first ``limit`` uses of a log at or before ``last``.

        Avatars stay.
        """
        references = await self._records.scan(
            MediaReference,
            log_id,
            by="by_place",
            after=(AVATAR_SEQ, LAST_ID),
            limit=limit,
        )
        return self._removed([reference.key() for reference in references if reference.seq <= last])

    def _removed(self, keys: Sequence[tuple[Any, ...]]) -> tuple[Change, ...]:
        due_at_ms = self._clock.now_ms() + self._limits.unused_ms
        drops = [Drop(MediaReference, key) for key in keys]
        checks = [Put(MediaCheck(media_id=key[0], due_at_ms=due_at_ms)) for key in keys]
        return (*drops, *checks)

    @handles(ForgetMedia)
    async def forget(self, _actor: Actor, command: ForgetMedia) -> Done:
        """Answer ``ForgetMedia``."""
        own = user_log(command.user_id)
        await self._log.commit(Commit(changes=await self.remove_references(own, AVATAR_SEQ)))
        while changes := await self.remove_references_up_to(own, LAST_SEQ, PAGE):
            await self._log.commit(Commit(changes=changes))
        return DONE

    async def change_avatar(self, user_id: UserId, holder: LogId, old: str, new: str) -> Commit:
        """Return what a commit that changes an avatar must hold beside.

        Everybody may see an avatar, so only a picture of one's own can be one.

        Args:
            user_id: Who changes it.
            holder: The group's log, or the user's own.
            old: The media id until now; empty for none.
            new: The media id from now on; empty for none.

        Raises:
            NoSuchMedia: ``new`` is no media of this user.
        """
        if old == new:
            return Commit()
        changes = await self.remove_references(holder, AVATAR_SEQ)
        if not new:
            return Commit(changes=changes)
        references = await self.add_references(user_id, (new,))
        if references.items[new].owner_id != user_id:
            raise NoSuchMedia("Upload the picture yourself to make it an avatar.", media_id=new)
        reference = Put(MediaReference(media_id=new, log_id=holder, seq=AVATAR_SEQ))
        return Commit(changes=(*changes, reference), preconditions=references.preconditions)
