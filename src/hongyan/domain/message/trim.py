"""Retention: what is older than a conversation keeps it is emptied, a batch at a time.

Entries stay, without content, so that seqs have no gap and a repeated client id is still
known. Nobody can see them any more: ``Trim.up_to_seq`` raises the beginning of everybody's window.
"""

from collections.abc import Sequence

from msgspec import json, structs

from hongyan.domain.conversation.model import CONVERSATION_TRIMMED, ConversationTrimmed
from hongyan.domain.group.model import Group, Member
from hongyan.domain.log.model import (
    Append,
    Bump,
    Change,
    Commit,
    Entry,
    Precondition,
    Put,
    Rewrite,
    encode_body,
)
from hongyan.domain.log.ports import Log, Records
from hongyan.domain.visibility.model import END, Trim
from hongyan.kernel.ids import SYSTEM, ConversationId, Kind, LogId, kind_of

from .model import MESSAGE, MESSAGE_EDITED, MessageBody, MessageEdited, decode_body
from .removal import AT_ONCE, Removal, overtake
from .rows import Revision
from .targets import Targets

DAY_MS = 86_400_000
ROUND_MS = 3_600_000
"""Milliseconds between two looks at all conversations."""
LOOKED_AT_ONCE = 100
BATCH = 500
"""Entries that one commit empties."""
BATCH_BYTES = 8 * 1024 * 1024
EMPTY = encode_body(MessageBody(None, trimmed=True))


class Trimming:
    """Empties what is too old; call ``run`` each second.

    A conversation loses whole days: what was sent before the day (UTC) that lies
    ``retention_days`` back. So its log says so at most once a day. After a crash it goes on
    where the rows say.

    Args:
        log: The messages.
        records: Groups, and how far each conversation was emptied.
        targets: Lets one thing happen to a conversation's messages at a time.
        removal: What goes with messages.
        retention_days: For all conversations; 0 for ever.
    """

    def __init__(
        self,
        log: Log,
        records: Records,
        targets: Targets,
        removal: Removal,
        retention_days: int = 0,
    ) -> None:
        self._log = log
        self._records = records
        self._targets = targets
        self._removal = removal
        self._days = retention_days
        self._round_at_ms = 0
        self._after: ConversationId | None = ConversationId("")

    async def run(self, now_ms: int) -> int:
        """Look at up to 100 conversations, and empty what is too old there; return how many.

        0 while all were looked at less than an hour ago.
        """
        if self._after is None:
            if now_ms - self._round_at_ms < ROUND_MS:
                return 0
            self._after = ConversationId("")
        if not self._after:
            self._round_at_ms = now_ms
        page = await self._next(self._after)
        for group_id, days in page:
            if days:
                await self.trim(group_id, now_ms // DAY_MS * DAY_MS - days * DAY_MS, now_ms)
        self._after = page[-1][0] if page else None
        return len(page)

    async def _next(self, after: ConversationId) -> list[tuple[ConversationId, int]]:
        """Return the conversations that follow, and for how many days each is kept."""
        if not self._days:
            groups = await self._records.scan(
                Group, after=(after,) if after else (), limit=LOOKED_AT_ONCE
            )
            return [(group.conversation_id, group.retention_days) for group in groups]
        found: list[ConversationId] = []
        while len(found) < LOOKED_AT_ONCE:
            conversation_id = (found[-1] if found else after,)
            members = await self._records.scan(
                Member, after=conversation_id if conversation_id[0] else (), limit=1
            )
            if not members:
                break
            found.append(members[0].conversation_id)
        groups_by_id = await self._records.get_many(Group, [(i,) for i in found])
        own = {i: group.retention_days for i, group in groups_by_id.items()}
        return [(i, min(own.get(i, 0) or self._days, self._days)) for i in found]

    async def trim(self, conversation_id: ConversationId, before_ms: int, now_ms: int) -> int:
        """Empty what was sent before a time; return how many messages that were."""
        emptied = 0
        while True:
            trim = await self._trim(conversation_id)
            old = await self._old(conversation_id, trim, before_ms)
            if not old:
                break
            emptied += await self._empty(conversation_id, old)
        if trim.up_to_seq > trim.told_seq:
            await self._append(conversation_id, now_ms)
        return emptied

    async def _trim(self, conversation_id: ConversationId) -> Trim:
        found = await self._records.get(Trim, conversation_id)
        return found or Trim(conversation_id=conversation_id)

    async def _old(
        self, conversation_id: ConversationId, trim: Trim, before_ms: int
    ) -> Sequence[Entry]:
        """Return the next entries, as far as all of them are too old."""
        log_id, first = LogId(conversation_id), trim.looked_seq + 1
        oldest = await self._log.read(log_id, first, END, 1)
        if not oldest or oldest[0].sent_at_ms >= before_ms:
            return ()
        old: list[Entry] = []
        size_bytes = 0
        for entry in await self._log.read(log_id, first, END, BATCH):
            size_bytes += len(entry.body)
            if entry.sent_at_ms >= before_ms or (old and size_bytes > BATCH_BYTES):
                break
            old.append(entry)
        return old

    async def _empty(self, conversation_id: ConversationId, old: Sequence[Entry]) -> int:
        """Empty these entries; return how many messages were among them."""
        log_id, last = LogId(conversation_id), old[-1].seq
        messages = [entry for entry in old if entry.kind == MESSAGE]

        async def attempt() -> Commit:
            version = (await self._log.states([log_id]))[log_id].version
            trim = await self._trim(conversation_id)
            current = await self._log.read(log_id, old[0].seq, last, len(old))
            changes: list[Change] = [
                Rewrite(log_id, entry.seq, body)
                for entry in current
                if (body := _emptied(entry)) is not None
            ]
            changes += await self._overtaken(current)
            changes += await self._removal.changes_up_to(conversation_id, last)
            preconditions: tuple[Precondition, ...] = ()
            group = await self._group(conversation_id)
            if group is not None and any(seq <= last for seq in group.mention_all_seqs):
                seqs = tuple(seq for seq in group.mention_all_seqs if seq > last)
                changes += [Put(structs.replace(group, mention_all_seqs=seqs)), Bump(log_id)]
                preconditions = (Precondition(log_id, version),)
            trim = structs.replace(trim, looked_seq=last)
            if messages:
                newest = messages[-1]
                trim = structs.replace(trim, up_to_seq=newest.seq, up_to_ordinal=newest.ordinal)
            return Commit(changes=(*changes, Put(trim)), preconditions=preconditions)

        await self._targets.serialise(conversation_id, attempt)
        await self._sweep(conversation_id, last)
        return len(messages)

    async def _overtaken(self, entries: Sequence[Entry]) -> list[Change]:
        """Return what takes the texts of edited messages out of later entries too."""
        changes: list[Change] = []
        for entry in entries:
            if entry.kind == MESSAGE and decode_body(entry).version > 1:
                for revision in await self._records.scan(Revision, entry.log_id, entry.seq):
                    changes += await overtake(self._log, entry, revision)
        return changes

    async def _sweep(self, conversation_id: ConversationId, last: int) -> None:
        """Drop what was too much for the commit; nothing shows it any more."""
        while changes := await self._removal.changes_up_to(conversation_id, last):
            await self._log.commit(Commit(changes=tuple(changes)))
            if len(changes) < AT_ONCE:
                return

    async def _append(self, conversation_id: ConversationId, now_ms: int) -> None:
        async def attempt() -> Commit:
            trim = await self._trim(conversation_id)
            if trim.told_seq == trim.up_to_seq:
                return Commit()
            body = encode_body(ConversationTrimmed(trim.up_to_seq))
            append = Append(LogId(conversation_id), CONVERSATION_TRIMMED, SYSTEM, body, now_ms)
            entry_body = structs.replace(trim, told_seq=trim.up_to_seq)
            return Commit((append,), (Put(entry_body),))

        await self._targets.serialise(conversation_id, attempt)

    async def _group(self, conversation_id: ConversationId) -> Group | None:
        if kind_of(conversation_id) not in (Kind.GROUP, Kind.CHANNEL):
            return None
        return await self._records.get(Group, conversation_id)


def _emptied(entry: Entry) -> bytes | None:
    """Return what is left of an entry's body; None where nothing need go."""
    if entry.kind == MESSAGE:
        return None if decode_body(entry).content is None else EMPTY
    if entry.kind == MESSAGE_EDITED:
        body = json.decode(entry.body, type=MessageEdited)
        return None if body.content is None else encode_body(structs.replace(body, content=None))
    return None
