"""Pins: messages that stay at hand for everybody in a conversation."""

from msgspec import structs

from hongyan.domain.log.model import Commit, Entry
from hongyan.domain.log.ports import Records
from hongyan.kernel.bus import Actor, handles
from hongyan.kernel.clock import Clock
from hongyan.kernel.errors import LimitReached
from hongyan.kernel.ids import ConversationId, UserId

from .commands import Noted
from .commands_metadata import ListPins, Pin, PinMessage, Pins, UnpinMessage
from .metadata import load_metadata, put_metadata
from .model import MESSAGE_PINNED, MessagePinned
from .rows import MessageMetadata
from .rules import check_may_pin
from .targets import Target, Targets

PINS_MAX = 50


class Pinning:
    """Answers ``message.pin``, ``message.unpin`` and ``message.pins``.

    Args:
        records: The marks.
        clock: The time of day.
        targets: Finds messages.
    """

    def __init__(self, records: Records, clock: Clock, targets: Targets) -> None:
        self._records = records
        self._clock = clock
        self._targets = targets

    @handles(PinMessage)
    async def pin(self, actor: Actor, command: PinMessage) -> Noted:
        """Answer ``PinMessage``."""
        return await self._set(actor, command.conversation_id, command.seq, True)

    @handles(UnpinMessage)
    async def unpin(self, actor: Actor, command: UnpinMessage) -> Noted:
        """Answer ``UnpinMessage``."""
        return await self._set(actor, command.conversation_id, command.seq, False)

    async def _set(
        self, actor: Actor, conversation_id: ConversationId, seq: int, pinned: bool
    ) -> Noted:
        async def attempt(target: Target) -> Commit:
            check_may_pin(target.context)
            metadata = await load_metadata(self._records, target)
            if metadata.pinned == pinned:
                return Commit()
            now_ms = self._clock.now_ms()
            if pinned:
                target.content()  # refuses where it is gone
                if (
                    await self._records.count(MessageMetadata, conversation_id, True, by="pins")
                    >= PINS_MAX
                ):
                    raise LimitReached("Too many messages are pinned here.", limit=PINS_MAX)
                kept = structs.replace(
                    metadata, pinned=True, pinned_at_ms=now_ms, pinned_by=actor.user_id
                )
            else:
                kept = structs.replace(metadata, pinned=False, pinned_at_ms=0, pinned_by=UserId(""))
            body = target.append(MESSAGE_PINNED, MessagePinned(seq, pinned), now_ms)
            return Commit((body,), (put_metadata(kept),))

        return await self._targets.change(actor, conversation_id, seq, attempt)

    @handles(ListPins)
    async def pins(self, actor: Actor, command: ListPins) -> Pins:
        """Answer ``ListPins``."""
        context = await self._targets.context(actor, command.conversation_id)
        rows = await self._records.scan(
            MessageMetadata,
            command.conversation_id,
            True,
            by="pins",
            limit=PINS_MAX,
            order="newest",
        )
        by_seq = {row.seq: row for row in rows}
        entries = await self._targets.see_many(context, by_seq)
        return Pins(tuple(_pin(entry, by_seq[entry.seq]) for entry in entries))


def _pin(entry: Entry, metadata: MessageMetadata) -> Pin:
    return Pin(entry, metadata.pinned_by, metadata.pinned_at_ms)
