"""Message metadata: of one message, and of a range in one go."""

from collections.abc import Mapping
from typing import Any

from hongyan.domain.log.model import Change, Drop, Put
from hongyan.domain.log.ports import Records
from hongyan.kernel.bus import Actor, handles
from hongyan.kernel.errors import Invalid
from hongyan.kernel.ids import UserId

from .commands_metadata import EmojiInfo, ListMarks, MarksInRange, MessageMarks, PollInfo
from .rows import MessageMetadata, Reaction, Vote
from .targets import Target, Targets

RANGE_MAX = 500


async def load_metadata(records: Records, target: Target) -> MessageMetadata:
    """Return a message's marks; without any where it has none yet."""
    conversation_id, seq = target.context.conversation_id, target.entry.seq
    found = await records.get(MessageMetadata, conversation_id, seq)
    return MessageMetadata(conversation_id=conversation_id, seq=seq) if found is None else found


def put_metadata(metadata: MessageMetadata) -> Change:
    """Return the change that keeps these marks; a message without marks keeps no row."""
    if metadata == MessageMetadata(conversation_id=metadata.conversation_id, seq=metadata.seq):
        return Drop(MessageMetadata, metadata.key())
    return Put(metadata)


class MetadataQueries:
    """Answers ``message.metadata``.

    Args:
        records: The marks.
        targets: Finds what the caller sees.
    """

    def __init__(self, records: Records, targets: Targets) -> None:
        self._records = records
        self._targets = targets

    @handles(ListMarks)
    async def metadata(self, actor: Actor, command: ListMarks) -> MarksInRange:
        """Answer ``ListMarks``."""
        if not 0 <= command.last_seq - command.first_seq < RANGE_MAX:
            raise Invalid(f"A range holds 1 to {RANGE_MAX} seqs.")
        context = await self._targets.context(actor, command.conversation_id)
        me, where, first = actor.user_id, command.conversation_id, command.first_seq
        found = await self._records.scan(
            MessageMetadata, where, after=(first - 1,), limit=RANGE_MAX
        )
        rows = [row for row in found if row.seq <= command.last_seq]
        seen = await self._targets.visible(context, [row.seq for row in rows])
        rows = [row for row in rows if row.seq in seen]
        mine = await self._records.get_many(
            Reaction, [(where, row.seq, me, one.emoji) for row in rows for one in row.emojis]
        )
        votes = await self._records.get_many(
            Vote, [(where, row.seq, me) for row in rows if row.tallies]
        )
        return MarksInRange(tuple(_info(row, me, mine, votes) for row in rows))


def _info(
    row: MessageMetadata, me: UserId, mine: Mapping[Any, Reaction], votes: Mapping[Any, Vote]
) -> MessageMarks:
    where, seq = row.conversation_id, row.seq
    emojis = tuple(
        EmojiInfo(one.emoji, one.count, one.first, (where, seq, me, one.emoji) in mine)
        for one in row.emojis
    )
    poll = None
    if row.tallies:
        vote = votes.get((where, seq, me))
        choice = () if vote is None else vote.choice
        poll = PollInfo(row.tallies, row.voters, choice, row.poll_closed)
    return MessageMarks(seq, emojis, row.pinned, poll)
