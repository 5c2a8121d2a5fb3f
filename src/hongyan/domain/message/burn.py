"""Burning after reading: a message ends some time after its reader has read it.

Sending stores a ``BurnTask`` with the message. Whether it was read is seen by the reader's
cursor, which is state and cannot be missed: after a crash the tasks that wait are compared
with the cursors again. What is published of commits only says where to look first, so that the
time counts from the reading. (Following the feed of all entries would say the same, at the
cost of reading every message once more.)
"""

from collections.abc import Iterable

from msgspec import json, structs

from hongyan.domain.conversation.model import CONVERSATION_READ, ConversationRead
from hongyan.domain.log.caches import Cache
from hongyan.domain.log.model import (
    Append,
    Change,
    Commit,
    Committed,
    Drop,
    Entry,
    Missed,
    Put,
    encode_body,
)
from hongyan.domain.log.ports import Cursors, Log, Records
from hongyan.kernel.ids import SYSTEM, ConversationId, Kind, LogId, kind_of

from .model import MESSAGE, MESSAGE_BURNED, MessageBody, MessageBurned, decode_body
from .removal import Removal
from .rows import NEVER_MS, BurnTask
from .targets import Targets

RUN_MAX = 500
ROUND = 100
"""Waiting tasks that one tick compares with the cursors unasked."""
_MARK = b'"burn_after_ms"'


class Burning:
    """Burns what was read.

    Args:
        log: The messages.
        records: The tasks.
        cursors: Who has read how far.
        targets: Lets one thing happen to a message at a time.
        removal: What goes with a message.
    """

    def __init__(
        self, log: Log, records: Records, cursors: Cursors, targets: Targets, removal: Removal
    ) -> None:
        self._log = log
        self._records = records
        self._cursors = cursors
        self._targets = targets
        self._removal = removal
        self._waiting: set[ConversationId] = set()
        self._received: dict[ConversationId, int] = {}
        self._after: tuple[str, int] | None = None
        self.cache = Cache(
            (MESSAGE, CONVERSATION_READ), self._committed, self._missed, _matters_to_burning
        )
        """The cache of the conversations in which something burns."""

    def _missed(self, _event: Missed) -> None:
        self._after = None  # the cursors show it; look at all of them from the first one on

    def _committed(self, event: Committed) -> None:
        """Take note of what may have read a message that burns."""
        for entry in event.entries:
            if entry.kind == MESSAGE:
                self._received_message(entry)
            elif entry.kind == CONVERSATION_READ and self._waiting:
                read = json.decode(entry.body, type=ConversationRead)
                if read.conversation_id in self._waiting:
                    self._received.setdefault(read.conversation_id, entry.sent_at_ms)

    def _received_message(self, entry: Entry) -> None:
        """A message that burns waits; and to write a message is to have read what was there."""
        conversation_id = ConversationId(entry.log_id)
        if conversation_id in self._waiting:
            self._received.setdefault(conversation_id, entry.sent_at_ms)
        elif _MARK in bytes(entry.body) and kind_of(entry.log_id) == Kind.DIRECT:
            self._waiting.add(conversation_id)

    async def run(self, now_ms: int) -> int:
        """Burn what is due, at most 500 messages; return how many. Call it each second."""
        heard, self._received = self._received, {}
        for conversation_id, read_at_ms in heard.items():
            tasks = await self._records.scan(BurnTask, conversation_id)
            waiting = [task for task in tasks if task.due_at_ms == NEVER_MS]
            if not waiting:
                self._waiting.discard(conversation_id)
            await self._arm(waiting, read_at_ms)
        await self._arm(await self._next_waiting(), now_ms)
        due = await self._records.scan(BurnTask, by="by_due", limit=RUN_MAX)
        due = [task for task in due if task.due_at_ms <= now_ms]
        for task in due:
            await self._burn(task, now_ms)
        return len(due)

    async def _next_waiting(self) -> list[BurnTask]:
        """Return some tasks that wait, others each time, until it begins again."""
        tasks = await self._records.scan(
            BurnTask, NEVER_MS, by="by_due", after=self._after or (), limit=ROUND
        )
        self._waiting.update(task.conversation_id for task in tasks)
        self._after = tasks[-1].key() if len(tasks) == ROUND else None
        return tasks

    async def _arm(self, tasks: Iterable[BurnTask], read_at_ms: int) -> None:
        """Set the time of those tasks whose message was read."""
        for task in tasks:
            log_id = LogId(task.conversation_id)
            cursors = await self._cursors.of_user(task.reader_id, [log_id])
            if cursors[log_id].read_seq >= task.seq:
                await self._arm_one(task, read_at_ms + task.after_ms)

    async def _arm_one(self, task: BurnTask, due_at_ms: int) -> None:
        async def attempt() -> Commit:
            if await self._records.get(BurnTask, *task.key()) != task:
                return Commit()  # recalled meanwhile
            return Commit(changes=(Put(structs.replace(task, due_at_ms=due_at_ms)),))

        await self._targets.serialise(task.conversation_id, attempt)

    async def _burn(self, task: BurnTask, now_ms: int) -> None:
        log_id = LogId(task.conversation_id)

        async def attempt() -> Commit:
            entries = await self._log.read(log_id, task.seq, task.seq, 1, kinds=(MESSAGE,))
            body = decode_body(entries[0]) if entries else MessageBody(None)
            if body.content is None:
                drop: Change = Drop(BurnTask, task.key())
                return Commit(changes=(drop,))
            left = MessageBody(
                None, version=body.version, burn_after_ms=body.burn_after_ms, burned=True
            )
            changes = await self._removal.changes(entries[0], left, None)
            entry_body = encode_body(MessageBurned(task.seq))
            return Commit(
                (Append(log_id, MESSAGE_BURNED, SYSTEM, entry_body, now_ms),), tuple(changes)
            )

        await self._targets.serialise(task.conversation_id, attempt)
        await self._removal.sweep(task.conversation_id, task.seq)


def _matters_to_burning(entry: Entry) -> bool:
    if entry.kind == MESSAGE:
        return kind_of(entry.log_id) == Kind.DIRECT and _MARK in bytes(entry.body)
    return entry.kind == CONVERSATION_READ
