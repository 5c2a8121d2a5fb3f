"""The ports Log, Cursors, Feed, Archive and Records over dictionaries: the plainest true answer."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from msgspec import Raw, structs

from hongyan.domain.log.model import (
    DAY_MS,
    Advance,
    Append,
    Bump,
    Change,
    Commit,
    Committed,
    Cursor,
    Drop,
    Duplicate,
    Entry,
    LogState,
    Order,
    Placed,
    Put,
    Rewrite,
    Row,
    SaveOffset,
    SeqRange,
    Tally,
    VersionConflict,
)
from hongyan.kernel.errors import Unavailable
from hongyan.kernel.ids import ClientId, LogId, UserId, new_token_id

R = TypeVar("R", bound=Row)


class MemoryStore:
    """Everything in dictionaries; forgets when it goes.

    Args:
        row_types: Ignored; the twin of the other stores' argument.
        on_commit: Called for each commit that appended, before its caller is answered.
    """

    def __init__(
        self,
        row_types: Sequence[type[Row]] = (),
        on_commit: Callable[[Committed], None] = lambda _: None,
    ) -> None:
        self._on_commit = on_commit
        self._heads: dict[LogId, LogState] = {}
        self._entries: dict[LogId, list[Entry]] = {}
        self._all: list[tuple[LogId, int]] = []
        self._by_client_id: dict[tuple[LogId, UserId, ClientId], int] = {}
        self._cursors: dict[LogId, dict[UserId, Cursor]] = {}
        self._rows: dict[type[Row], dict[tuple[Any, ...], Any]] = {}
        self._offsets: dict[str, bytes] = {}
        self._generation = new_token_id()
        self._closed = False

    async def start(self) -> None:
        """Accept commits (again)."""
        self._closed = False

    async def close(self) -> None:
        """Accept no more commits."""
        self._closed = True

    # --- Log ---

    async def commit(self, commit: Commit) -> tuple[Entry, ...]:
        """See ``Log.commit``."""
        if self._closed:
            raise Unavailable
        if commit.appends and commit.appends[0].client_id:
            first = commit.appends[0]
            repeat = await self.find(first.log_id, first.sender, first.client_id)
            if repeat is not None:
                return (repeat,)
        for precondition in commit.preconditions:
            if self._heads.get(precondition.log_id, LogState()).version != precondition.version:
                raise VersionConflict
        self._check_unique(commit.changes)
        entries = tuple([self._append(append) for append in commit.appends])
        for change in commit.changes:
            self._change(change, entries)
        if entries:
            position = len(self._all) - len(entries) + 1
            self._on_commit(Committed(entries, commit.origin, position))
        return entries

    def _check_unique(self, changes: Sequence[Change]) -> None:
        """Try the changes, in order, on copies of the tables that have constraints."""
        copies: dict[type[Row], dict[tuple[Any, ...], Any]] = {}
        for change in changes:
            if not isinstance(change, Put | Drop):
                continue
            put, key = (
                (change.row, change.row.key()) if isinstance(change, Put) else (None, change.key)
            )
            kind = type(change.row) if isinstance(change, Put) else change.row
            if not kind.TABLE.unique:
                continue
            others = copies.setdefault(kind, dict(self._rows.get(kind, {})))
            others.pop(key, None)
            if put is None:
                continue
            for name, fields in kind.TABLE.unique.items():
                value = [getattr(put, field) for field in fields]
                if None not in value and any(
                    [getattr(other, field) for field in fields] == value
                    for other in others.values()
                ):
                    raise Duplicate(kind.TABLE.name, name)
            others[put.key()] = put

    def _append(self, append: Append) -> Entry:
        head = self._heads.get(append.log_id, LogState())
        head = LogState(
            head.seq + 1, head.ordinal + append.countable, head.version + append.changes_rules
        )
        self._heads[append.log_id] = head
        if append.countable:
            self._advance(
                append.log_id,
                append.sender,
                Cursor(head.seq, head.ordinal, head.seq, append.sent_at_ms),
            )
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
        self._entries.setdefault(append.log_id, []).append(entry)
        self._all.append((append.log_id, head.seq))
        if append.client_id:
            key = (append.log_id, append.sender, append.client_id)
            self._by_client_id[key] = head.seq
        return entry

    def _change(self, change: Change, entries: tuple[Entry, ...]) -> None:
        if isinstance(change, Put):
            row = change.resolved(entries)
            self._rows.setdefault(type(row), {})[row.key()] = row
        elif isinstance(change, Drop):
            self._rows.get(change.row, {}).pop(change.key, None)
        elif isinstance(change, Bump):
            head = self._heads.get(change.log_id, LogState())
            self._heads[change.log_id] = structs.replace(head, version=head.version + 1)
        elif isinstance(change, SaveOffset):
            self._offsets[change.reader] = change.position
        elif isinstance(change, Rewrite):
            stored = self._entries.get(change.log_id, [])
            if 0 < change.seq <= len(stored):
                old = stored[change.seq - 1]
                stored[change.seq - 1] = structs.replace(old, body=Raw(change.body))
        else:
            self._advance_to(change)

    def _advance_to(self, change: Advance) -> None:
        head = self._heads.get(change.log_id, LogState())
        read = min(change.read_seq, head.seq)
        ordinal = self._entries[change.log_id][read - 1].ordinal if read else 0
        delivered = max(read, min(change.delivered_seq, head.seq))
        self._advance(change.log_id, change.user_id, Cursor(read, ordinal, delivered))

    def _advance(self, log_id: LogId, user_id: UserId, to: Cursor) -> None:
        cursors = self._cursors.setdefault(log_id, {})
        old = cursors.get(user_id, Cursor())
        pairs = zip(structs.astuple(old), structs.astuple(to), strict=True)
        cursors[user_id] = Cursor(*[max(pair) for pair in pairs])

    async def find(self, log_id: LogId, sender: UserId, client_id: ClientId) -> Entry | None:
        """See ``Log.find``."""
        seq = self._by_client_id.get((log_id, sender, client_id))
        return self._entries[log_id][seq - 1] if seq is not None else None

    async def read(
        self,
        log_id: LogId,
        first: int,
        last: int,
        limit: int,
        order: Order = "oldest",
        kinds: Sequence[str] = (),
    ) -> list[Entry]:
        """See ``Log.read``."""
        entries = self._entries.get(log_id, [])[max(first - 1, 0) : max(last, 0)]
        found = [entry for entry in entries if not kinds or entry.kind in kinds]
        return (found[::-1] if order == "newest" else found)[:limit]

    async def states(self, log_ids: Sequence[LogId]) -> dict[LogId, LogState]:
        """See ``Log.states``."""
        return {log_id: self._heads.get(log_id, LogState()) for log_id in log_ids}

    async def tails(
        self, spans: Sequence[SeqRange], limit: int, kinds: Sequence[str] = ()
    ) -> dict[LogId, list[Entry]]:
        """See ``Log.tails``."""
        found = {
            span.log_id: await self.read(span.log_id, span.first, span.last, limit, "newest", kinds)
            for span in spans
        }
        return {log_id: entries[::-1] for log_id, entries in found.items() if entries}

    # --- Cursors ---

    async def of_user(self, user_id: UserId, log_ids: Sequence[LogId]) -> dict[LogId, Cursor]:
        """See ``Cursors.of_user``."""
        return {i: self._cursors.get(i, {}).get(user_id, Cursor()) for i in log_ids}

    async def in_log(
        self, log_id: LogId, at_least: int, after: UserId, limit: int
    ) -> list[tuple[UserId, Cursor]]:
        """See ``Cursors.in_log``."""
        cursors = sorted(self._cursors.get(log_id, {}).items())
        return [(u, c) for u, c in cursors if u > after and c.read_seq >= at_least][:limit]

    # --- Feed ---

    async def follow(
        self, after: int, limit: int, until: int = 0, kinds: Sequence[str] = ()
    ) -> list[Placed]:
        """See ``ChangeStream.follow``."""
        places = list(enumerate(self._all[: until or None], start=1))[after:]
        entries = [(position, self._entries[log_id][seq - 1]) for position, (log_id, seq) in places]
        return [(p, entry) for p, entry in entries if not kinds or entry.kind in kinds][:limit]

    async def tally(self, after: int, limit: int) -> tuple[int, list[Tally]]:
        """See ``ChangeStream.tally``."""
        found = await self.follow(after, limit)
        counts = Counter((e.kind, e.sender, e.sent_at_ms // DAY_MS) for _, e in found)
        tallies = [Tally(*key, count) for key, count in counts.items()]
        return (found[-1][0] if found else after), tallies

    async def end(self) -> int:
        """See ``ChangeStream.end``."""
        return len(self._all)

    async def offset(self, reader: str) -> bytes:
        """See ``ChangeStream.key``."""
        return self._offsets.get(reader, b"")

    # --- Archive ---

    async def archive(
        self,
        spans: Sequence[SeqRange],
        limit: int,
        *,
        after: int = 0,
        before: int = 0,
        order: Order = "oldest",
        kinds: Sequence[str] = (),
    ) -> list[Placed]:
        """See ``Archive.archive``."""
        ends = {span.log_id: (span.first, span.last) for span in spans}
        found = [
            (position, entry)
            for position, entry in await self.follow(after, len(self._all), kinds=kinds)
            if entry.log_id in ends
            and ends[entry.log_id][0] <= entry.seq <= ends[entry.log_id][1]
            and (not before or position < before)
        ]
        return (found[::-1] if order == "newest" else found)[:limit]

    async def read_by_ordinal(
        self, log_id: LogId, first: int, last: int, limit: int, order: Order = "oldest"
    ) -> list[Entry]:
        """See ``Archive.read_by_ordinal``."""
        entries = self._entries.get(log_id, [])
        before = [0, *(entry.ordinal for entry in entries)]
        found = [
            entry
            for entry, ordinal in zip(entries, before, strict=False)
            if entry.ordinal > ordinal and first <= entry.ordinal <= last
        ]
        return (found[::-1] if order == "newest" else found)[:limit]

    async def generation(self) -> str:
        """See ``Archive.generation``."""
        return self._generation

    # --- Records ---

    async def get(self, row: type[R], *key: Any) -> R | None:
        """See ``Records.get``."""
        return self._rows.get(row, {}).get(key)

    async def get_many(self, row: type[R], keys: Sequence[tuple[Any, ...]]) -> Mapping[Any, R]:
        """See ``Records.get_many``."""
        rows = self._rows.get(row, {})
        single = len(row.TABLE.key) == 1
        return {
            (key[0] if single else key): rows[key]
            for key in dict.fromkeys(tuple(key) for key in keys)
            if key in rows
        }

    async def scan(
        self,
        row: type[R],
        *prefix: Any,
        by: str | None = None,
        after: tuple[Any, ...] = (),
        limit: int = 1000,
        order: Order = "oldest",
    ) -> list[R]:
        """See ``Records.scan``."""
        fields = row.TABLE.index(by) if by else ()
        fields = (*fields, *(field for field in row.TABLE.key if field not in fields))

        def key(one: Row) -> tuple[Any, ...]:
            values = [getattr(one, field) for field in fields]
            return tuple((value is not None, value) for value in values)

        start = tuple((value is not None, value) for value in (*prefix, *after))
        newest = order == "newest"
        found = []
        for one in sorted(self._rows.get(row, {}).values(), key=key, reverse=newest):
            here = key(one)
            if here[: len(prefix)] != start[: len(prefix)]:
                continue
            if after and not (here < start if newest else here[: len(start)] > start):
                continue
            found.append(one)
        return found[:limit]

    async def keys(
        self, row: type[R], *prefix: Any, by: str | None = None, limit: int = 1_000_000
    ) -> list[tuple[Any, ...]]:
        """See ``Records.keys``."""
        return [one.key() for one in await self.scan(row, *prefix, by=by, limit=limit)]

    async def count(self, row: type[R], *prefix: Any, by: str | None = None) -> int:
        """See ``Records.count``."""
        return len(await self.scan(row, *prefix, by=by, limit=2**62))
