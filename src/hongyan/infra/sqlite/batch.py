"""One transaction for many commits: plan in memory, write in few long statements.

Nothing here commits; ``writer.py`` does.
"""

from collections import OrderedDict
from collections.abc import Iterable, Sequence
from typing import Any

import apsw

from hongyan.domain.log.model import (
    Advance,
    Append,
    Bump,
    Change,
    Commit,
    Drop,
    Duplicate,
    Entry,
    Placed,
    Put,
    Rewrite,
    SaveOffset,
    VersionConflict,
)
from hongyan.infra.sql import rows
from hongyan.infra.sql.entries import LogHead, RetryKey, read_entry, retry_key, rewritten
from hongyan.infra.sql.statements import read_statements
from hongyan.kernel.ids import LogId

from .inserts import CHUNKS, insert_many, multi_insert
from .memtable import Memtable
from .newest_ids import NewestIds
from .rows import SQLITE

SQL = read_statements(__package__, "log.sql")
HEADS_KEPT = 100_000


class CommitBatch:
    """Plans commits and writes them through one connection, inside the caller's transaction.

    Args:
        connection: The writing connection.
        memtable: Gets the entries when they are on disk.
    """

    def __init__(self, connection: apsw.Connection, memtable: Memtable) -> None:
        self._connection = connection
        self._memtable = memtable
        self._heads: OrderedDict[str, LogHead] = OrderedDict()
        self._entries: list[tuple[Any, ...]] = []
        self._cursors: dict[tuple[int, str], list[int]] = {}
        self._dirty: dict[str, LogHead] = {}
        self._new: list[Placed] = []
        self._appended: dict[RetryKey, Entry] = {}
        self._rewritten: dict[tuple[str, int], bytes] = {}
        self._on_disk: dict[tuple[int, str, str], int] = {}
        self._newest = NewestIds(lambda pair: self._scalar(SQL["newest_id"], pair))
        for position, log_key, log_id, *rest in connection.execute(SQL["unindexed"]):
            entry = read_entry(log_id, *rest)
            key = (entry.log_id, entry.sender, entry.client_id)
            memtable.add([(position, entry)], {key: entry} if entry.client_id else {})
            if entry.client_id:
                self._newest.see((log_key, entry.sender), entry.client_id)
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
        self._clear()

    def flush(self) -> None:
        """The transaction is on disk: keep what is likely to be asked again."""
        self._memtable.add(self._new, self._appended)
        for (log_id, seq), body in self._rewritten.items():
            self._memtable.rewrite(log_id, seq, body)
        self._clear()
        while len(self._heads) > HEADS_KEPT:
            self._heads.popitem(last=False)

    def _clear(self) -> None:
        self._new.clear()
        self._appended.clear()
        self._rewritten.clear()
        self._on_disk.clear()

    def look_up(self, commits: Iterable[Commit]) -> None:
        """Look which client ids of these commits the indexes on disk know; before ``add``."""
        keys = []
        for commit in commits:
            first = commit.appends[0] if commit.appends else None
            if first is not None and first.client_id:
                pair = (self._head(first.log_id).key, first.sender)
                if not self._newest.see(pair, first.client_id):
                    keys.append((*pair, first.client_id))
        start = 0
        for size in CHUNKS:
            while len(keys) - start >= size:
                part = keys[start : start + size]
                found = self._connection.execute(_WANTED(size), [v for key in part for v in key])
                self._on_disk.update((tuple(key), position) for *key, position in found)
                start += size

    def add(self, commit: Commit) -> tuple[tuple[Entry, ...], int]:
        """Plan one commit; return its entries and the first one's position, 0 for a repeat.

        Raises:
            VersionConflict, Duplicate: as ``Log.commit``; the commit has then changed nothing.
            ValueError: another append than the first has a client id.
        """
        key = retry_key(commit)
        if key is not None:
            repeat = self._repeated(key)
            if repeat is not None:
                return (repeat,), 0
        for precondition in commit.preconditions:
            if self._head(precondition.log_id).version != precondition.version:
                raise VersionConflict
        changes, position = commit.changes, self._next_pos
        if changes and any(type(c) is Put and c.row.TABLE.unique for c in changes):
            return self._add_guarded(commit), position
        return self._apply(commit), position

    def _repeated(self, key: RetryKey) -> Entry | None:
        known = self._appended.get(key) or self._memtable.find(key)
        if known is None:
            if not self._on_disk:
                return None
            log_id, sender, client_id = key
            position = self._on_disk.get((self._head(log_id).key, sender, client_id))
            if position is None:
                return None
            (found,) = self._connection.execute(SQL["at"], (position,))
            known = read_entry(LogId(log_id), *found)
        return rewritten(known, self._rewritten)

    def _add_guarded(self, commit: Commit) -> tuple[Entry, ...]:
        """Apply a commit that a unique constraint may still refuse."""
        self.write()
        touched = {append.log_id for append in commit.appends}
        touched |= {c.log_id for c in commit.changes if isinstance(c, Rewrite | Advance | Bump)}
        before = {i: (h.seq, h.ordinal, h.version) for i in touched for h in (self._head(i),)}
        position, planned, rewritten = self._next_pos, len(self._new), dict(self._rewritten)
        try:
            with self._connection:  # a savepoint
                entries = self._apply(commit)
                self.write()
        except apsw.ConstraintError as error:
            for log_id, (seq, ordinal, version) in before.items():
                head = self._head(log_id)
                head.seq, head.ordinal, head.version = seq, ordinal, version
            self._next_pos = position
            del self._new[planned:]
            self._rewritten = rewritten
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
        entry = head.append(append)
        if append.countable:
            self._advance(head, append.sender, head.seq, head.ordinal, head.seq, append.sent_at_ms)
        self._dirty[append.log_id] = head
        if append.client_id:
            self._appended[(append.log_id, append.sender, append.client_id)] = entry
        self._new.append((self._next_pos, entry))
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
            self._connection.execute(rows.put(row.TABLE, SQLITE), rows.values(row))
        elif isinstance(change, Drop):
            self._connection.execute(rows.drop(change.row.TABLE, SQLITE), change.key)
        elif isinstance(change, Advance):
            self._advance_to(change)
        elif isinstance(change, Bump):
            head = self._head(change.log_id)
            head.version += 1
            self._dirty[change.log_id] = head
        elif isinstance(change, SaveOffset):
            self._connection.execute(SQL["save_offset"], (change.reader, change.position))
        else:
            self.write()
            position = self._position(change.log_id, change.seq)
            if position is not None:
                self._connection.execute(SQL["rewrite"], (change.body, position))
                self._rewritten[(change.log_id, change.seq)] = change.body

    def _position(self, log_id: str, seq: int) -> int | None:
        for position, _ in self._recent(log_id, seq):
            return position
        return self._scalar(SQL["place_of"], (self._head(log_id).key, seq))  # type: ignore[no-any-return]

    def _advance_to(self, change: Advance) -> None:
        head = self._head(change.log_id)
        read = min(change.read_seq, head.seq)
        ordinal = head.ordinal
        if 0 < read < head.seq:
            ordinal = self._ordinal(head, read)
        elif read == 0:
            ordinal = 0
        self._dirty[change.log_id] = head
        self._advance(head, change.user_id, read, ordinal, min(change.delivered_seq, head.seq), 0)

    def _ordinal(self, head: LogHead, seq: int) -> int:
        for _, entry in self._recent(head.log_id, seq):
            return entry.ordinal
        return self._scalar(SQL["ordinal_at"], (head.key, seq)) or 0

    def _recent(self, log_id: str, seq: int) -> list[Placed]:
        """Return the entry of this seq, if it is in the tail or in the running transaction."""
        return self._memtable.span(log_id, seq, seq) or [
            one for one in self._new if one[1].seq == seq and one[1].log_id == log_id
        ]

    def _advance(
        self, head: LogHead, user_id: str, read: int, ordinal: int, delivered: int, sent_ms: int
    ) -> None:
        delivered = max(delivered, read)
        cursor = self._cursors.get((head.key, user_id))
        if cursor is None:
            self._cursors[(head.key, user_id)] = [read, ordinal, delivered, sent_ms]
            return
        if read > cursor[0]:
            cursor[0], cursor[1] = read, ordinal
        cursor[2] = max(cursor[2], delivered)
        cursor[3] = max(cursor[3], sent_ms)

    def _head(self, log_id: str) -> LogHead:
        head = self._heads.get(log_id)
        if head is None:
            found = self._connection.execute(SQL["head"], (log_id,)).fetchone()
            if found is None:
                head = LogHead(log_id, 0, 0, 0, self._next_key)
                self._next_key += 1
            else:
                head = LogHead(log_id, *found)
            self._heads[log_id] = head
        return head

    def write(self) -> None:
        """Write what is planned so far."""
        if self._entries:
            insert_many(self._connection, _INSERT_ENTRIES, self._entries)
            self._entries.clear()
        if self._dirty:
            heads = [(h.key, h.log_id, h.seq, h.ordinal, h.version) for h in self._dirty.values()]
            insert_many(self._connection, _INSERT_HEADS, heads)
            self._dirty.clear()
        if self._cursors:
            cursors = [(*key, *value) for key, value in self._cursors.items()]
            insert_many(self._connection, _INSERT_CURSORS, cursors)
            self._cursors.clear()

    def index(self) -> None:
        """Sort the tail into the indexes, in a transaction of its own."""
        last = self._memtable.end
        with self._connection:
            self._connection.execute(SQL["index_places"], (last,))
            self._connection.execute(SQL["index_retries"], (last,))
            self._connection.execute(SQL["indexed"], (last,))
        self._memtable.clear()
        self._newest.trim()


def _wanted(size: int) -> str:
    return (
        f"WITH wanted (log_key, sender, client_id) AS (VALUES {', '.join(['(?, ?, ?)'] * size)})"
        " SELECT log_key, sender, client_id, pos"
        " FROM wanted CROSS JOIN entry_retry USING (log_key, sender, client_id)"
    )


_WANTED = {size: _wanted(size) for size in CHUNKS}.__getitem__
_INSERT_ENTRIES = multi_insert(
    "INSERT INTO entry (pos, log_key, seq, ordinal, kind, sender, client_id, sent_at_ms, body)",
    9,
)
_INSERT_HEADS = multi_insert(
    "INSERT INTO log (log_key, log_id, seq, ordinal, epoch)",
    5,
    "ON CONFLICT (log_key) DO UPDATE SET"
    " seq = excluded.seq, ordinal = excluded.ordinal, epoch = excluded.epoch",
)
_INSERT_CURSORS = multi_insert(
    "INSERT INTO cursor (log_key, user_id, read_seq, read_ordinal, delivered_seq, sent_at_ms)",
    6,
    "ON CONFLICT (log_key, user_id) DO UPDATE SET"
    " read_seq = max(read_seq, excluded.read_seq),"
    " read_ordinal = max(read_ordinal, excluded.read_ordinal),"
    " delivered_seq = max(delivered_seq, excluded.delivered_seq),"
    " sent_at_ms = max(sent_at_ms, excluded.sent_at_ms)",
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
