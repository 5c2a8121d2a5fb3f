"""Reactions: emojis beside messages."""

import asyncio

from msgspec import structs

from hongyan.domain.log.model import Change, Commit, Drop, Put
from hongyan.domain.log.ports import Records
from hongyan.kernel.bus import Actor, handles
from hongyan.kernel.clock import Clock
from hongyan.kernel.errors import Invalid, LimitReached
from hongyan.kernel.ids import UserId
from hongyan.kernel.pages import check_page, read_page_token, write_page_token

from .commands import Noted
from .commands_metadata import ListReactors, React, Reactor, Reactors
from .metadata import load_metadata, put_metadata
from .model import MESSAGE_REACTED, MessageReacted
from .rows import EmojiCount, MessageMetadata, Reaction
from .rules import check_may_mark
from .targets import Target, Targets

EMOJI_CHARACTERS_MAX = 32
EMOJIS_PER_MESSAGE = 20
EMOJIS_PER_USER = 3
FIRST = 3


class Reacting:
    """Answers ``message.react`` and ``message.reactors``.

    Args:
        records: The reactions.
        clock: The time of day.
        targets: Finds messages.
    """

    def __init__(self, records: Records, clock: Clock, targets: Targets) -> None:
        self._records = records
        self._clock = clock
        self._targets = targets

    @handles(React)
    async def react(self, actor: Actor, command: React) -> Noted:
        """Answer ``React``."""
        emoji = command.emoji
        if not 0 < len(emoji) <= EMOJI_CHARACTERS_MAX or any(c.isspace() for c in emoji):
            raise Invalid(f"An emoji has 1 to {EMOJI_CHARACTERS_MAX} characters and no spaces.")

        async def attempt(target: Target) -> Commit:
            target.content()  # refuses where it is gone
            key = (command.conversation_id, command.seq, actor.user_id, emoji)
            mine, metadata = await asyncio.gather(
                self._records.get(Reaction, *key), load_metadata(self._records, target)
            )
            if (mine is not None) == command.add:
                return Commit()
            now_ms = self._clock.now_ms()
            if command.add:
                check_may_mark(target.context, now_ms)
                await self._check_limits(actor.user_id, metadata, emoji)
                count = _added(metadata, emoji, actor.user_id)
                reaction = Reaction(
                    conversation_id=key[0], seq=key[1], user_id=key[2], emoji=emoji, at_ms=now_ms
                )
                change: Change = Put(reaction)
            else:
                count = await self._taken(metadata, emoji, actor.user_id)
                change = Drop(Reaction, key)
            body = MessageReacted(command.seq, emoji, command.add, count.count)
            return Commit(
                (target.append(MESSAGE_REACTED, body, now_ms),),
                (
                    change,
                    put_metadata(structs.replace(metadata, emojis=_replaced(metadata, count))),
                ),
            )

        return await self._targets.change(actor, command.conversation_id, command.seq, attempt)

    async def _check_limits(self, user_id: UserId, metadata: MessageMetadata, emoji: str) -> None:
        if len(metadata.emojis) >= EMOJIS_PER_MESSAGE and all(
            c.emoji != emoji for c in metadata.emojis
        ):
            raise LimitReached("There are too many different emojis.", limit=EMOJIS_PER_MESSAGE)
        given = await self._records.count(Reaction, metadata.conversation_id, metadata.seq, user_id)
        if given >= EMOJIS_PER_USER:
            raise LimitReached("You gave this message enough emojis.", limit=EMOJIS_PER_USER)

    async def _taken(self, metadata: MessageMetadata, emoji: str, user_id: UserId) -> EmojiCount:
        """Return what is left of an emoji without this user's."""
        old = _count_of(metadata, emoji)
        first = tuple(one for one in old.first if one != user_id)
        if len(first) < len(old.first) and old.count > FIRST:
            conversation_id = (metadata.conversation_id, metadata.seq, emoji)
            rows = await self._records.scan(
                Reaction, *conversation_id, by="by_emoji", limit=FIRST + 1
            )
            first = tuple(row.user_id for row in rows if row.user_id != user_id)[:FIRST]
        return EmojiCount(emoji, max(old.count - 1, 0), first)

    @handles(ListReactors)
    async def reactors(self, actor: Actor, command: ListReactors) -> Reactors:
        """Answer ``ListReactors``."""
        check_page(command.limit)
        target = await self._targets.see(actor, command.conversation_id, command.seq)
        if target.body.content is None:
            return Reactors(())
        found = await self._records.scan(
            Reaction,
            command.conversation_id,
            command.seq,
            command.emoji,
            by="by_emoji",
            after=read_page_token(command.after, int, str),
            limit=command.limit + 1,
        )
        page = found[: command.limit]
        more = len(found) > command.limit
        following = write_page_token(page[-1].at_ms, page[-1].user_id) if more else ""
        return Reactors(tuple(Reactor(row.user_id, row.at_ms) for row in page), following)


def _count_of(metadata: MessageMetadata, emoji: str) -> EmojiCount:
    return next((one for one in metadata.emojis if one.emoji == emoji), EmojiCount(emoji, 0, ()))


def _added(metadata: MessageMetadata, emoji: str, user_id: UserId) -> EmojiCount:
    old = _count_of(metadata, emoji)
    return EmojiCount(emoji, old.count + 1, (*old.first, user_id)[:FIRST])


def _replaced(metadata: MessageMetadata, count: EmojiCount) -> tuple[EmojiCount, ...]:
    """Return the emojis with this one as it counts now; one that nobody has is left out."""
    if all(one.emoji != count.emoji for one in metadata.emojis):
        return (*metadata.emojis, count)
    replaced = [count if one.emoji == count.emoji else one for one in metadata.emojis]
    return tuple(one for one in replaced if one.count)
