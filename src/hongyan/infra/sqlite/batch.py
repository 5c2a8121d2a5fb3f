"""One transaction for many commits: plan in memory, write in few long statements.

Statements that insert many rows at once cost less than many short ones, and let the other
threads run while SQLite works. Nothing here commits; ``writer.py`` does.
"""

from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from itertools import chain
from typing import Any

import apsw
from msgspec import Raw

from hongyan.domain.log.model import (
    Advance,
    Append,
    Change,
    Commit,
    Drop,
    Duplicate,
    Entry,
    Put,
    Rewrite,
    SavePlace,
    Stale,
    Touch,
)
from hongyan.kernel.ids import ClientId

from . import rows
from .database import read_statements

SQL = read_statements("log.sql")
CHUNKS = (64, 8, 1)
HEADS_KEPT = 100_000

Key = tuple[str, str, str]


class LogHead:
    """A log's head while its log is being written to."""

    __slots__ = ("epoch", "key", "log_id", "ordinal", "seq")

    def __init__(self, log_id: str, key: int, seq: int, ordinal: int, epoch: int) -> None:
        self.log_id = log_id
        self.key = key
        self.seq = seq
        self.ordinal = ordinal
        self.epoch = epoch


class RepeatSeen(Exception):
    """A client id was there already; the batch must be planned again, with a look first."""


class Batch:
    """Plans commits and writes them through one connection, inside the caller's transaction."""

    def __init__(self, connection: apsw.Connection) -> None:
        self._connection = connection
        self._heads: OrderedDict[str, LogHead] = OrderedDict()
        self._entries: list[tuple[Any, ...]] = []
        self._cursors: dict[tuple[int, str], list[int]] = {}
        self._dirty: dict[str, LogHead] = {}
        self._appended: dict[Key, Entry] = {}
        self._rewritten: set[tuple[str, int]] = set()
        self._next_key = self._scalar(SQL["next_key"])
        self._next_pos = self._scalar(SQL["next_pos"])

    def _scalar(self, statement: str, bindings: Sequence[Any] = ()) -> Any:
        found = self._connection.execute(statement, bindings).fetchone()
        return found[0] if found is not None else None

    def forget(self) -> None:
        """Drop everything planned and cached: the transaction was rolled back."""
        self._heads.clear()
        self._entries.clear()
        self._cursors.clear()
        self._dirty.clear()
        self._appended.clear()
        self._rewritten.clear()

    def settle(self) -> None:
        """The transaction is on disk: keep the heads that are likely to be asked again."""
        self._appended.clear()
        self._rewritten.clear()
        while len(self._heads) > HEADS_KEPT:
            self._heads.popitem(last=False)

    def add(self, commit: Commit, look_first: bool) -> tuple[tuple[Entry, ...], bool]:
        """Plan one commit; return its entries and whether it was a repeat.

        Raises:
            Stale, Duplicate: as ``Log.commit``; the commit has then changed nothing.
            RepeatSeen: only from ``write``, when ``look_first`` was False.
        """
        stale = any(self._head(e.log_id).epoch != e.epoch for e in commit.expects)
        guarded = any(type(c) is Put and c.row.TABLE.unique for c in commit.changes)
        repeat = self._repeated(commit, look_first or stale or guarded)
        if repeat is not None:
            return (repeat,), True
        if stale:
            raise Stale
        return (self._add_guarded(commit) if guarded else self._apply(commit)), False

    def _repeated(self, commit: Commit, look_first: bool) -> Entry | None:
        if not commit.appends or not commit.appends[0].client_id:
            return None
        first = commit.appends[0]
        key = (first.log_id, first.sender, first.client_id)
        known = self._appended.get(key)
        if known is not None:
            look_first = (known.log_id, known.seq) in self._rewritten
        if not look_first:
            return known
        found = self._connection.execute(SQL["find"], key).fetchone()
        return read_entry(first.log_id, found) if found is not None else None

    def _add_guarded(self, commit: Commit) -> tuple[Entry, ...]:
        """Apply a commit that a unique constraint may still refuse."""
        self.write()
        touched = {append.log_id for append in commit.appends}
        touched |= {c.log_id for c in commit.changes if isinstance(c, Rewrite | Advance | Touch)}
        before = {i: (h.seq, h.ordinal, h.epoch) for i in touched for h in (self._head(i),)}
        position = self._next_pos
        try:
            with self._connection:  # a savepoint
                entries = self._apply(commit)
                self.write()
        except apsw.ConstraintError as error:
            for log_id, (seq, ordinal, epoch) in before.items():
                head = self._head(log_id)
                head.seq, head.ordinal, head.epoch = seq, ordinal, epoch
            self._next_pos = position
            self._entries.clear()
            self._cursors.clear()
            self._dirty.clear()
            if commit.appends:
                first = commit.appends[0]
                self._appended.pop((first.log_id, first.sender, first.client_id), None)
            raise _duplicate(error, commit.changes) from error
        return entries

    def _apply(self, commit: Commit) -> tuple[Entry, ...]:
        entries = tuple([self._append(append) for append in commit.appends])
        for change in commit.changes:
            self._change(change, entries)
        return entries

    def _append(self, append: Append) -> Entry:
        head = self._head(append.log_id)
        head.seq += 1
        if append.countable:
            head.ordinal += 1
            self._advance(head, append.sender, head.seq, head.ordinal, head.seq, append.sent_at_ms)
        if append.changes_rules:
            head.epoch += 1
        self._dirty[append.log_id] = head
        entry = Entry(
            append.log_id,
            head.seq,
            head.ordinal,
            append.kind,
            append.sender,
            append.client_id,
            append.sent_at_ms,
            Raw(append.body),
        )
        if append.client_id:
            self._appended[(append.log_id, append.sender, append.client_id)] = entry
        self._entries.append(
            (
                self._next_pos,
                head.key,
                head.seq,
                head.ordinal,
                append.kind,
                append.sender,
                append.client_id or None,
                append.sent_at_ms,
                append.body,
            )
        )
        self._next_pos += 1
        return entry

    def _change(self, change: Change, entries: tuple[Entry, ...]) -> None:
        if isinstance(change, Put):
            row = change.resolved(entries)
            self._connection.execute(rows.put(row.TABLE), rows.values(row))
        elif isinstance(change, Drop):
            self._connection.execute(rows.drop(change.row.TABLE), change.key)
        elif isinstance(change, Advance):
            self._advance_to(change)
        elif isinstance(change, Touch):
            head = self._head(change.log_id)
            head.epoch += 1
            self._dirty[change.log_id] = head
        elif isinstance(change, SavePlace):
            self._connection.execute(SQL["save_place"], (change.reader, change.position))
        else:
            self.write()
            bindings = (change.body, self._head(change.log_id).key, change.seq)
            self._connection.execute(SQL["rewrite"], bindings)
            self._rewritten.add((change.log_id, change.seq))

    def _advance_to(self, change: Advance) -> None:
        head = self._head(change.log_id)
        read = min(change.read_seq, head.seq)
        ordinal = head.ordinal
        if 0 < read < head.seq:
            self.write()
            ordinal = self._scalar(SQL["ordinal_at"], (head.key, read)) or 0
        elif read == 0:
            ordinal = 0
        self._dirty[change.log_id] = head
        self._advance(head, change.user_id, read, ordinal, min(change.delivered_seq, head.seq), 0)

    def _advance(
        self, head: LogHead, user_id: str, read: int, ordinal: int, delivered: int, sent_ms: int
    ) -> None:
        cursor = self._cursors.get((head.key, user_id))
        new = [read, ordinal, max(delivered, read), sent_ms]
        if cursor is not None:
            new = [max(one, other) for one, other in zip(cursor, new, strict=True)]
        self._cursors[(head.key, user_id)] = new

    def _head(self, log_id: str) -> LogHead:
        head = self._heads.get(log_id)
        if head is None:
            found = self._connection.execute(SQL["head"], (log_id,)).fetchone()
            if found is None:
                head = LogHead(log_id, self._next_key, 0, 0, 0)
                self._next_key += 1
            else:
                head = LogHead(log_id, *found)
            self._heads[log_id] = head
        return head

    def write(self) -> None:
        """Write what is planned so far.

        Raises:
            RepeatSeen: an entry's client id was there already.
        """
        if self._entries:
            try:
                self._insert_many(_INSERT_ENTRIES, self._entries)
            except apsw.ConstraintError as error:
                raise RepeatSeen from error
            self._entries.clear()
        if self._dirty:
            heads = self._dirty.values()
            self._insert_many(
                _INSERT_HEADS, [(h.key, h.log_id, h.seq, h.ordinal, h.epoch) for h in heads]
            )
            self._dirty.clear()
        if self._cursors:
            cursors = [(*key, *value) for key, value in self._cursors.items()]
            self._insert_many(_INSERT_CURSORS, cursors)
            self._cursors.clear()

    def _insert_many(
        self, statement: Callable[[int], str], many: Sequence[tuple[Any, ...]]
    ) -> None:
        start = 0
        for size in CHUNKS:
            while len(many) - start >= size:
                part: Iterable[tuple[Any, ...]] = many[start : start + size]
                self._connection.execute(statement(size), tuple(chain.from_iterable(part)))
                start += size


def _multi_insert(head: str, width: int, tail: str = "") -> Callable[[int], str]:
    row = "(" + ", ".join("?" * width) + ")"
    texts = {size: f"{head} VALUES {', '.join([row] * size)} {tail}" for size in CHUNKS}
    return texts.__getitem__


_INSERT_ENTRIES = _multi_insert(
    "INSERT INTO entry (pos, log_key, seq, ordinal, kind, sender, client_id, sent_at_ms, body)",
    9,
)
_INSERT_HEADS = _multi_insert(
    "INSERT INTO log (log_key, log_id, seq, ordinal, epoch)",
    5,
    "ON CONFLICT (log_key) DO UPDATE SET"
    " seq = excluded.seq, ordinal = excluded.ordinal, epoch = excluded.epoch",
)
_INSERT_CURSORS = _multi_insert(
    "INSERT INTO cursor (log_key, user_id, read_seq, read_ordinal, delivered_seq, sent_at_ms)",
    6,
    "ON CONFLICT (log_key, user_id) DO UPDATE SET"
    " read_seq = max(read_seq, excluded.read_seq),"
    " read_ordinal = max(read_ordinal, excluded.read_ordinal),"
    " delivered_seq = max(delivered_seq, excluded.delivered_seq),"
    " sent_at_ms = max(sent_at_ms, excluded.sent_at_ms)",
)


def read_entry(log_id: Any, found: Sequence[Any]) -> Entry:
    """Return the entry in a row of (seq, ordinal, kind, sender, client_id, sent_at_ms, body)."""
    seq, ordinal, kind, sender, client_id, sent_at_ms, body = found
    return Entry(
        log_id, seq, ordinal, kind, sender, ClientId(client_id or ""), sent_at_ms, Raw(body)
    )


def _duplicate(error: apsw.ConstraintError, changes: Sequence[Change]) -> Exception:
    """Name the constraint in SQLite's ``UNIQUE constraint failed: user.email``."""
    named = set(str(error).partition("failed: ")[2].split(", "))
    for change in changes:
        if isinstance(change, Put):
            table = change.row.TABLE
            for name, fields in table.unique.items():
                if named == {f"{table.name}.{field}" for field in fields}:
                    return Duplicate(table.name, name)
    return error
