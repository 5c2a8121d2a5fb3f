"""The newest entries, in memory, until the indexes on disk know them.

Every append would touch two random pages if the indexes by seq and by client id were kept up
with it, and pages cost more than the fsync. So an append only adds to the end of ``entry``.
The indexes are a reader of the log like any other, with a place of its own (``index``): some
twenty thousand entries at a time are sorted and written to them, a slice with each batch.
What they have not reached yet is here, and is read from disk again after a crash.

The writing thread alone changes the tail. Other threads may read it at any time, and must do
so before they ask the disk: then each entry is in the one or in the other, or in both.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import apsw
from msgspec import Raw, structs

from hongyan.domain.log.model import Entry

from .inserts import insert_many, multi_insert

GENERATION_ENTRIES = 20_000
GENERATION_BYTES = 16 * 1024 * 1024
SLICE_MIN = 512
PLACE = "index"

RetryKey = tuple[str, str, str]


class _Item(NamedTuple):
    """An entry and where it is."""

    position: int
    log_key: int
    entry: Entry


class _Generation:
    """Entries on their way into the indexes, sorted once for each of the two."""

    def __init__(self, items: list[_Item]) -> None:
        self.items = items
        self.last_position = items[-1].position
        self.places = sorted((i.log_key, i.entry.seq, i.position) for i in items)
        self.retries = sorted(
            (i.log_key, i.entry.sender, i.entry.client_id, i.position)
            for i in items
            if i.entry.client_id
        )
        self.written = 0
        self.planned = 0

    @property
    def is_planned(self) -> bool:
        """Whether the running transaction holds the last slice."""
        return self.planned >= len(self.places)


class Tail:
    """What ``entry`` holds beyond the indexes' place."""

    def __init__(self) -> None:
        self._by_log: dict[str, list[Entry]] = {}
        self._by_client_id: dict[RetryKey, Entry] = {}
        self._positions: dict[tuple[str, int], int] = {}
        self._fresh: list[_Item] = []
        self._fresh_bytes = 0
        self._generation: _Generation | None = None

    # --- reading, on any thread ---

    def find(self, key: RetryKey) -> Entry | None:
        """Return the entry with this (log, sender, client id), if it is here."""
        return self._by_client_id.get(key)

    def span(self, log_id: str, first: int, last: int) -> Sequence[Entry]:
        """Return the log's entries with ``first <= seq <= last`` that are here, ascending."""
        entries = self._by_log.get(log_id)
        if not entries:
            return ()
        start = entries[0].seq
        return entries[max(first - start, 0) : max(last - start + 1, 0)]

    # --- on the writing thread ---

    def position(self, log_id: str, seq: int) -> int | None:
        """Return where the entry is on disk, if it is here."""
        return self._positions.get((log_id, seq))

    def add(self, position: int, log_key: int, entry: Entry) -> None:
        """Take in an entry that is on disk now."""
        self._by_log.setdefault(entry.log_id, []).append(entry)
        self._positions[(entry.log_id, entry.seq)] = position
        if entry.client_id:
            self._by_client_id[(entry.log_id, entry.sender, entry.client_id)] = entry
        self._fresh.append(_Item(position, log_key, entry))
        self._fresh_bytes += len(bytes(entry.body))

    def rewrite(self, log_id: str, seq: int, body: bytes) -> None:
        """Give an entry its new body, if it is here."""
        entries = self._by_log.get(log_id)
        if not entries or not 0 <= seq - entries[0].seq < len(entries):
            return
        index = seq - entries[0].seq
        entry = structs.replace(entries[index], body=Raw(body))
        entries[index] = entry
        if entry.client_id:
            self._by_client_id[(log_id, entry.sender, entry.client_id)] = entry

    def index_some(self, connection: apsw.Connection, commits: int) -> None:
        """Write a slice into the indexes, inside the running transaction.

        Twice as much as has come with it, so that indexing is always ahead of appending.
        """
        generation = self._generation
        if generation is None:
            if len(self._fresh) < GENERATION_ENTRIES and self._fresh_bytes < GENERATION_BYTES:
                return
            generation = self._generation = _Generation(self._fresh)
            self._fresh, self._fresh_bytes = [], 0
        start = generation.planned
        generation.planned = start + 2 * commits + SLICE_MIN
        insert_many(connection, _INSERT_PLACES, generation.places[start : generation.planned])
        insert_many(connection, _INSERT_RETRIES, generation.retries[start : generation.planned])
        if generation.is_planned:
            connection.execute(_SAVE_PLACE, (PLACE, generation.last_position))

    def committed(self) -> None:
        """The running transaction is on disk."""
        generation = self._generation
        if generation is None:
            return
        generation.written = generation.planned
        if generation.is_planned:
            self._generation = None
            self._drop(generation.items)

    def rolled_back(self) -> None:
        """The running transaction is not on disk."""
        if self._generation is not None:
            self._generation.planned = self._generation.written

    def _drop(self, items: list[_Item]) -> None:
        last: dict[str, int] = {}
        for item in items:
            entry = item.entry
            last[entry.log_id] = entry.seq
            self._positions.pop((entry.log_id, entry.seq), None)
            self._by_client_id.pop((entry.log_id, entry.sender, entry.client_id), None)
        for log_id, seq in last.items():
            rest = self._by_log[log_id]
            rest = rest[seq - rest[0].seq + 1 :]  # a new list: readers may hold the old one
            if rest:
                self._by_log[log_id] = rest
            else:
                del self._by_log[log_id]


_INSERT_PLACES: Callable[[int], str] = multi_insert(
    "INSERT OR IGNORE INTO entry_place (log_key, seq, pos)", 3
)
_INSERT_RETRIES: Callable[[int], str] = multi_insert(
    "INSERT OR IGNORE INTO entry_retry (log_key, sender, client_id, pos)", 4
)
_SAVE_PLACE = (
    "INSERT INTO reader (name, pos) VALUES (?, ?)"
    " ON CONFLICT (name) DO UPDATE SET pos = excluded.pos"
)


def union(hot: Sequence[Entry], cold: Sequence[Entry], limit: int, newest: bool) -> list[Entry]:
    """Merge what the tail and the disk hold of one log, by seq, ``limit`` of them."""
    by_seq = {entry.seq: entry for entry in hot}
    by_seq.update((entry.seq, entry) for entry in cold)
    return [by_seq[seq] for seq in sorted(by_seq, reverse=newest)[:limit]]
