"""Favourites: what one user keeps of all conversations.

A favourite is a reference. Its content is read from the log when it is listed, so an edit
shows and a recall ends it; devices that hold one drop it when they learn of the recall. Who
has left the conversation gets it as it was then.
"""

from hongyan.domain.log.model import Append, Commit, Drop, Entry, Put, encode_body
from hongyan.domain.log.ports import Log, Records
from hongyan.domain.visibility.visibility import Visibility
from hongyan.kernel.bus import Actor, handles
from hongyan.kernel.clock import Clock
from hongyan.kernel.errors import LimitReached
from hongyan.kernel.ids import ConversationId, LogId, user_log
from hongyan.kernel.limits import check_range
from hongyan.kernel.pages import read_page_token, write_page_token

from .commands import Noted, NotForwardable
from .commands_metadata import (
    DropFavourite,
    FavouriteInfo,
    Favourites,
    KeepFavourite,
    ListFavourites,
)
from .model import FAVOURITE_CHANGED, MESSAGE, FavouriteChanged, decode_body
from .rows import Favourite
from .targets import Target, Targets

FAVOURITES_MAX = 10_000
PAGE_MAX = 100


class Favouring:
    """Answers ``message.favourite``, ``message.unfavourite`` and ``message.favourites``.

    Args:
        log: The messages.
        records: The favourites.
        clock: The time of day.
        targets: Finds messages.
        visibility: Who sees what.
    """

    def __init__(
        self, log: Log, records: Records, clock: Clock, targets: Targets, visibility: Visibility
    ) -> None:
        self._log = log
        self._records = records
        self._clock = clock
        self._targets = targets
        self._visibility = visibility

    @handles(KeepFavourite)
    async def keep(self, actor: Actor, command: KeepFavourite) -> Noted:
        """Answer ``KeepFavourite``."""
        where, seq = command.conversation_id, command.seq

        async def attempt(target: Target) -> Commit:
            target.content()  # refuses where it is gone
            if target.body.burn_after_ms:
                raise NotForwardable("A message that burns cannot be kept.", seq=seq)
            if await self._records.get(Favourite, actor.user_id, where, seq) is not None:
                return Commit()
            if await self._records.count(Favourite, actor.user_id) >= FAVOURITES_MAX:
                raise LimitReached("You have too many favourites.", limit=FAVOURITES_MAX)
            row = Favourite(
                user_id=actor.user_id, conversation_id=where, seq=seq, at_ms=self._clock.now_ms()
            )
            return Commit((self._append(actor, where, seq, True),), (Put(row),))

        return await self._targets.change(actor, where, seq, attempt)

    @handles(DropFavourite)
    async def drop(self, actor: Actor, command: DropFavourite) -> Noted:
        """Answer ``DropFavourite``."""
        key = (actor.user_id, command.conversation_id, command.seq)
        if await self._records.get(Favourite, *key) is None:
            return Noted()
        body = self._append(actor, command.conversation_id, command.seq, False)
        commit = Commit((body,), (Drop(Favourite, key),), origin=actor.connection_id)
        (entry,) = await self._log.commit(commit)
        return Noted(entry.seq, entry.sent_at_ms)

    def _append(
        self, actor: Actor, conversation_id: ConversationId, seq: int, kept: bool
    ) -> Append:
        body = encode_body(FavouriteChanged(conversation_id, seq, kept))
        log_id, now_ms = user_log(actor.user_id), self._clock.now_ms()
        return Append(log_id, FAVOURITE_CHANGED, actor.user_id, body, now_ms)

    @handles(ListFavourites)
    async def favourites(self, actor: Actor, command: ListFavourites) -> Favourites:
        """Answer ``ListFavourites``."""
        check_range("limit", command.limit, 1, PAGE_MAX)
        found = await self._records.scan(
            Favourite,
            actor.user_id,
            by="by_time",
            after=read_page_token(command.after, int, str, int),
            limit=command.limit + 1,
            order="newest",
        )
        page = found[: command.limit]
        kept = [(row, entry) for row in page for entry in await self._message(row)]
        # to clear a conversation, or to delete a message for oneself, does not end a favourite
        entries = [entry for _, entry in kept]
        seen = await self._visibility.visible(actor.user_id, entries, even_cleared=True)
        by_conversation = {(entry.log_id, entry.seq): entry for entry in seen}
        shown = [
            FavouriteInfo(entry, row.at_ms)
            for row, kept_entry in kept
            if (entry := by_conversation.get((kept_entry.log_id, kept_entry.seq))) is not None
            and decode_body(entry).content is not None
        ]
        last = page[-1] if len(found) > command.limit else None
        following = (
            "" if last is None else write_page_token(last.at_ms, last.conversation_id, last.seq)
        )
        return Favourites(tuple(shown), following)

    async def _message(self, row: Favourite) -> list[Entry]:
        log_id = LogId(row.conversation_id)
        return await self._log.read(log_id, row.seq, row.seq, 1, kinds=(MESSAGE,))
