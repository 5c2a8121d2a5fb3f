"""Removal of a message: what a recall, or burning, takes away."""

from msgspec import json

from hongyan.domain.conversation.model import Mention
from hongyan.domain.group.model import Group
from hongyan.domain.log.model import Change, Commit, Drop, Entry, Rewrite, Row, encode_body
from hongyan.domain.log.ports import Log, Records
from hongyan.kernel.ids import ConversationId, LogId

from .attachment import Attaching
from .mention import Mentioning
from .model import MessageBody, MessageEdited
from .rows import BurnTask, Favourite, MessageMetadata, Reaction, Revision, Vote

AT_ONCE = 1000
"""Rows of one kind that go in the commit itself; the rest follows in further commits."""

MANY: tuple[tuple[type[Row], str | None], ...] = (
    (Reaction, None),
    (Vote, None),
    (Favourite, "by_message"),
)
"""The rows of which a message may have very many, and the index that finds them."""


METADATA_ROWS: tuple[tuple[type[Row], str | None], ...] = (
    (MessageMetadata, None),
    (BurnTask, None),
    (Revision, None),
    (Mention, "by_message"),
    *MANY,
)
"""All rows beside messages that a message's end takes, and the index by conversation and seq."""


class Removal:
    """Computes the changes of a message's removal; sweeps up what is too much for one commit.

    Nothing that is left to sweep can be seen meanwhile: reactions, votes and favourites show
    only where ``MessageMetadata`` and content are.

    Args:
        log: Where the message stands.
        records: What stands beside it.
        mentions: What its mentions left behind.
        attaching: What its files left behind; None where nobody keeps files.
    """

    def __init__(
        self,
        log: Log,
        records: Records,
        mentions: Mentioning,
        attaching: Attaching | None = None,
    ) -> None:
        self._log = log
        self._records = records
        self._mentions = mentions
        self._attaching = attaching

    async def changes(self, entry: Entry, left: MessageBody, group: Group | None) -> list[Change]:
        """Return what ends the message at ``entry``.

        Args:
            entry: The message's entry.
            left: The body that stays, without content.
            group: The group that it stands in, as of the version that the commit expects.
        """
        conversation_id, seq = ConversationId(entry.log_id), entry.seq
        changes: list[Change] = [
            Rewrite(entry.log_id, seq, encode_body(left)),
            Drop(MessageMetadata, (conversation_id, seq)),
            Drop(BurnTask, (conversation_id, seq)),
        ]
        changes += await self._mentions.changes_by_end(conversation_id, seq, group)
        if self._attaching is not None:
            changes += await self._attaching.detach(entry.log_id, seq)
        for revision in await self._records.scan(Revision, conversation_id, seq):
            changes.append(Drop(Revision, revision.key()))
            changes += await overtake(self._log, entry, revision)
        for row, index in MANY:
            keys = await self._records.keys(row, conversation_id, seq, by=index, limit=AT_ONCE)
            changes += [Drop(row, key) for key in keys]
        return changes

    async def sweep(self, conversation_id: ConversationId, seq: int) -> None:
        """Drop what the commit of ``changes`` left; costs a few reads where nothing is left."""
        for row, index in MANY:
            while keys := await self._records.keys(
                row, conversation_id, seq, by=index, limit=AT_ONCE
            ):
                await self._log.commit(Commit(changes=tuple(Drop(row, key) for key in keys)))

    async def changes_up_to(self, conversation_id: ConversationId, last: int) -> list[Change]:
        """Return what drops the rows beside all messages at or before ``last``.

        Of each kind the first ``AT_ONCE``; where that is not all, call it again.
        """
        changes: list[Change] = []
        for row, index in METADATA_ROWS:
            where = row.TABLE.key.index("seq")
            keys = await self._records.keys(row, conversation_id, by=index, limit=AT_ONCE)
            changes += [Drop(row, key) for key in keys if key[where] <= last]
        if self._attaching is not None:
            log_id = LogId(conversation_id)
            changes += await self._attaching.detach_up_to(log_id, last, AT_ONCE)
        return changes


async def overtake(log: Log, entry: Entry, revision: Revision) -> list[Change]:
    """Return what takes the content out of the entry that ended this revision.

    So the log says what a message says now, and nowhere what it said before.
    """
    body = await log.read(entry.log_id, revision.ended_seq, revision.ended_seq, 1)
    if not body:
        return []
    edited = json.decode(body[0].body, type=MessageEdited)
    if edited.content is None:
        return []
    return [Rewrite(entry.log_id, revision.ended_seq, _without_content(edited))]


def _without_content(edited: MessageEdited) -> bytes:
    return encode_body(MessageEdited(edited.seq, edited.version, edited.edited_at_ms, None))
