"""Entries, rows, and the one way to change anything: a Commit.

Every conversation and every user has a log. An entry's ``seq`` starts at 1 and grows by
exactly 1. ``ordinal`` counts the countable entries (those that raise an unread badge) up to
and including this one, so that unread counts are a subtraction.
"""

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar, Literal

import msgspec
from msgspec import Raw, Struct, structs

from hongyan.kernel.ids import ClientId, ConnectionId, DeviceId, LogId, UserId, log_owner

NOBODY = ConnectionId("")


class Entry(Struct, frozen=True):
    """One thing that happened, as it stands in its log.

    ``body`` is JSON whose shape ``kind`` says. It is rewritten only by an edit, a recall or
    the end of a message that burns; everything else in an entry is immutable.
    """

    log_id: LogId
    seq: int
    ordinal: int
    kind: str
    sender: UserId
    client_id: ClientId
    """Empty when the server made the entry."""
    sent_at_ms: int
    body: Raw


Placed = tuple[int, Entry]
"""An entry and its position: its place among all entries of all logs. Positions ascend in the
order in which readers see entries come, never change, and are compared, never counted."""


class LogState(Struct, frozen=True):
    """The state of a log. All zero for a log that holds nothing."""

    seq: int = 0
    ordinal: int = 0
    version: int = 0
    """Grows whenever a rule that guards the log may decide differently; see ``Precondition``."""


class SeqRange(Struct, frozen=True):
    """A stretch of one log; both ends belong to it."""

    log_id: LogId
    first: int
    last: int


class Cursor(Struct, frozen=True):
    """One user's cursor in one log. Each part only ever grows."""

    read_seq: int = 0
    read_ordinal: int = 0
    delivered_seq: int = 0
    sent_at_ms: int = 0
    """When this user last appended a countable entry; 0 when never. Slow mode reads it."""


class Tally(Struct, frozen=True):
    """A count of one sender's entries of one kind on one day."""

    kind: str
    sender: UserId
    day: int
    """Days since 1970-01-01 UTC."""
    count: int


DAY_MS = 86_400_000


class Table(Struct, frozen=True, eq=False):
    """A table: the storage of rows of one type, with its indexes."""

    name: str
    key: tuple[str, ...]
    indexes: Mapping[str, tuple[str, ...]] = {}
    """Name of the index -> fields; rows in it are ordered by these fields, then by the key."""
    unique: Mapping[str, tuple[str, ...]] = {}
    """Name of the constraint -> fields; a row with None in any of them is not constrained."""

    def index(self, name: str) -> tuple[str, ...]:
        """Return the fields of the index, or of the unique constraint, of this name."""
        return self.indexes[name] if name in self.indexes else self.unique[name]


class Row(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The base of all state: small typed records that commits put and drop.

    Key and index fields are strings, integers, booleans or None.
    """

    TABLE: ClassVar[Table]

    def key(self) -> tuple[Any, ...]:
        """Return the row's key."""
        return tuple(getattr(self, field) for field in self.TABLE.key)


class Append(Struct, frozen=True):
    """An entry to be: the log gives it its seq and ordinal.

    A ``client_id`` may stand only on the first append of a commit. When the same (log, sender,
    client_id) comes again, the commit is left out and answered with the first entry alone.
    """

    log_id: LogId
    kind: str
    sender: UserId
    body: bytes
    sent_at_ms: int
    client_id: ClientId = ClientId("")
    countable: bool = False
    """Raises the ordinal, and moves the sender's own cursor here: to write is to have read."""
    changes_rules: bool = False
    """Raises the log's version."""


class Put(Struct, frozen=True):
    """Insert the row, or replace the one with the same key."""

    row: Row
    seq_field: str = ""
    """The name of a field that takes the seq of the commit's first append, which nobody knows
    before: an integer becomes it, a tuple gets it as its last element. No field of a unique
    constraint. Empty leaves the row as it is."""

    def resolved(self, entries: tuple[Entry, ...]) -> Row:
        """Return the row to store, given the entries of its commit."""
        if not self.seq_field:
            return self.row
        seq, value = entries[0].seq, getattr(self.row, self.seq_field)
        filled = (*value, seq) if isinstance(value, tuple) else seq
        return structs.replace(self.row, **{self.seq_field: filled})


class Drop(Struct, frozen=True):
    """Remove the row with this key, if there is one."""

    row: type[Row]
    key: tuple[Any, ...]


class Rewrite(Struct, frozen=True):
    """Give an entry another body."""

    log_id: LogId
    seq: int
    body: bytes


class Advance(Struct, frozen=True):
    """Move a user's cursor forward (never back); 0 leaves that part as it is.

    The seqs are clamped to the log's head; ``read_ordinal`` follows from ``read_seq``.
    """

    log_id: LogId
    user_id: UserId
    read_seq: int = 0
    delivered_seq: int = 0


class Bump(Struct, frozen=True):
    """Raise a log's version without an entry: what guards it changed elsewhere."""

    log_id: LogId


class SaveOffset(Struct, frozen=True):
    """Remember how far a reader has come: a position of the feed, or of any other source."""

    reader: str
    position: bytes
    """A position that its source understands; empty is the beginning. See ``offset_of``."""


class Precondition(Struct, frozen=True):
    """The commit holds only while the log's version is this; else it raises ``VersionConflict``."""

    log_id: LogId
    version: int


Change = Put | Drop | Rewrite | Advance | Bump | SaveOffset


class Commit(Struct, frozen=True):
    """One transaction: all of it happens, durably, or none of it."""

    appends: tuple[Append, ...] = ()
    changes: tuple[Change, ...] = ()
    preconditions: tuple[Precondition, ...] = ()
    origin: ConnectionId = NOBODY
    """The connection that asked; it gets the answer, so the entries are not pushed to it. Not
    the device: when it has lost this connection, its next one must get them."""


class Committed(Struct, frozen=True):
    """Event: these entries are on disk. Published once, in commit order, each log's by seq."""

    entries: tuple[Entry, ...]
    origin: ConnectionId
    position: int = 0
    """Of the first entry; those of the others follow it one by one. 0 where it is not known."""

    def split(self) -> Iterator["Committed"]:
        """Yield it as events of one entry each."""
        if len(self.entries) == 1:
            yield self
            return
        for offset, entry in enumerate(self.entries, self.position):
            yield Committed((entry,), self.origin, offset if self.position else 0)


class Missed(Struct, frozen=True):
    """Event: commits of other processes may have been missed.

    Whoever remembers rows, and relies on ``Committed`` to learn of their change, forgets them.
    """


class Signal(Struct, frozen=True):
    """Event: something that need not last (typing, presence, profiles).

    It reaches who is connected now: a conversation's members or, for a user's log, that
    user's devices.

    Raises:
        ValueError: ``devices`` are named of a conversation's log.
    """

    log_id: LogId
    kind: str
    sender: UserId
    body: bytes
    origin: ConnectionId = NOBODY
    devices: tuple[DeviceId, ...] = ()
    """The user's devices that get it; empty for all."""

    def __post_init__(self) -> None:
        if self.devices and log_owner(self.log_id) is None:
            raise ValueError(f"{self.kind} names devices in {self.log_id}, which is nobody's own")


class VersionConflict(Exception):
    """An expected version has passed: read the state again and decide again."""


class Duplicate(Exception):
    """A row breaks a unique constraint.

    Args:
        table: The table's name.
        constraint: The constraint's name in ``Table.unique``.
    """

    def __init__(self, table: str, constraint: str) -> None:
        super().__init__(f"{table}.{constraint}")
        self.table = table
        self.constraint = constraint


def offset_of(position: int) -> bytes:
    """Return a position of the feed as it is saved: eight bytes, which sort as it does."""
    return position.to_bytes(8, "big") if position else b""


def position_of(offset: bytes) -> int:
    """Return the position of the feed that was saved; the beginning is 0."""
    return int.from_bytes(offset, "big")


_encode = msgspec.json.Encoder().encode


def encode_body(body: Struct | Mapping[str, Any]) -> bytes:
    """Return the JSON of an entry's body."""
    return _encode(body)


Order = Literal["oldest", "newest"]
