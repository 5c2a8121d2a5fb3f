"""The newest entries, in memory, until the indexes on disk know them.

Every append would touch two random pages if the indexes by seq and by client id were kept up
with it, and pages cost more than the fsync. So an append only adds to the end of ``entry``.
The indexes are a reader of the log, with a place of their own: some thousand entries at a
time are sorted into them. What they have not reached yet is here, and is read from disk again
after a crash.

The writing thread alone changes the tail. Other threads may read it at any time, and must do
so before they ask the disk: then each entry is in the one or in the other, or in both.
"""

import threading
from collections.abc import Iterable, Mapping, Sequence

from msgspec import Raw, structs

from hongyan.domain.log.model import Entry, Placed
from hongyan.infra.sql.entries import RetryKey

GENERATION_ENTRIES = 4_096
GENERATION_BYTES = 8 * 1024 * 1024
READY_ENTRIES = 1_024


class Memtable:
    """The memtable: entries that are not in the indexes on disk yet."""

    def __init__(self) -> None:
        self._by_log: dict[str, list[Placed]] = {}
        self._by_client_id: dict[RetryKey, Entry] = {}
        self._fresh: list[Placed] = []
        self._fresh_bytes = 0
        self.settling = threading.Lock()
        """Held from before a commit until its entries are here. Whoever has read from disk takes
        it once before they go on, so that what they saw there can be found here."""

    # --- reading, on any thread ---

    def find(self, key: RetryKey) -> Entry | None:
        """Return the entry with this (log, sender, client id), if it is here."""
        return self._by_client_id.get(key)

    def span(self, log_id: str, first: int, last: int) -> list[Placed]:
        """Return the log's entries with ``first <= seq <= last`` that are here, ascending."""
        placed = self._by_log.get(log_id)
        if not placed:
            return []
        start = placed[0][1].seq
        return placed[max(first - start, 0) : max(last - start + 1, 0)]

    @property
    def end(self) -> int:
        """The position up to which all is here that the indexes lack; 0 when they lack nothing."""
        fresh = self._fresh
        return fresh[-1][0] if fresh else 0

    # --- on the writing thread ---

    @property
    def is_full(self) -> bool:
        """Whether the indexes should take it over now."""
        return len(self._fresh) >= GENERATION_ENTRIES or self._fresh_bytes >= GENERATION_BYTES

    @property
    def is_ready(self) -> bool:
        """Whether they may while nobody waits; who comes meanwhile waits for fewer of them."""
        return len(self._fresh) >= READY_ENTRIES

    def add(self, placed: Sequence[Placed], by_client_id: Mapping[RetryKey, Entry]) -> None:
        """Take in entries that are on disk now."""
        for one in placed:
            entry = one[1]
            known = self._by_log.get(entry.log_id)
            if known is None:
                self._by_log[entry.log_id] = [one]
            else:
                known.append(one)
            self._fresh_bytes += len(memoryview(entry.body))
        self._by_client_id.update(by_client_id)
        self._fresh.extend(placed)

    def rewrite(self, log_id: str, seq: int, body: bytes) -> None:
        """Give an entry its new body, if it is here."""
        for position, entry in self.span(log_id, seq, seq):
            rewritten = structs.replace(entry, body=Raw(body))
            placed = self._by_log[log_id]
            placed[seq - placed[0][1].seq] = (position, rewritten)
            if entry.client_id:
                self._by_client_id[(log_id, entry.sender, entry.client_id)] = rewritten

    def clear(self) -> None:
        """The indexes know everything; readers that hold a span may go on with it."""
        self._by_log = {}
        self._by_client_id = {}
        self._fresh = []
        self._fresh_bytes = 0


def union(
    hot: Iterable[Entry], cold: Iterable[Entry], limit: int, newest: bool = False
) -> list[Entry]:
    """Merge what the tail and the disk hold of one log, by seq, ``limit`` of them."""
    by_seq = {entry.seq: entry for entry in hot}
    by_seq.update((entry.seq, entry) for entry in cold)
    return [by_seq[seq] for seq in sorted(by_seq, reverse=newest)[:limit]]
