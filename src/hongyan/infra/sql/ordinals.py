"""Finding the n-th countable entry of a log, whatever database holds it.

Ordinals never go down within a log, so the first entry with an ordinal of at least n is the n-th
countable one. It is searched for by halves over the key (log, seq): no index is kept for it, and
an append costs nothing more.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence

from hongyan.domain.log.model import Entry, LogState, Order
from hongyan.kernel.ids import LogId

SPARSE = 4
"""Entries for each countable one; where there are more, each is searched for."""


class ByOrdinal(ABC):
    """``Archive.read_by_ordinal`` over what a database has to offer for it."""

    async def read_by_ordinal(
        self, log_id: LogId, first: int, last: int, limit: int, order: Order = "oldest"
    ) -> list[Entry]:
        """See ``Archive.read_by_ordinal``."""
        head = (await self.states([log_id]))[log_id]
        first, last = max(first, 1), min(last, head.ordinal)
        if order == "oldest":
            last = min(last, first + limit - 1)
        else:
            first = max(first, last - limit + 1)
        if first > last:
            return []
        ends = await self._seqs(log_id, (first, last), 1, head.seq)
        from_seq, to_seq = ends[first], ends[last]
        if to_seq - from_seq < SPARSE * (last - first + 1):
            found = await self.read(log_id, from_seq, to_seq, to_seq - from_seq + 1)
        else:
            seqs = await self._seqs(log_id, range(first, last + 1), from_seq, to_seq)
            found = await self._at(log_id, sorted(seqs.values()))
        counted = {entry.ordinal: entry for entry in reversed(found)}
        return [counted[n] for n in sorted(counted, reverse=order == "newest")]

    @abstractmethod
    async def states(self, log_ids: Sequence[LogId]) -> dict[LogId, LogState]:
        """See ``Log.states``."""

    @abstractmethod
    async def read(self, log_id: LogId, first: int, last: int, limit: int) -> list[Entry]:
        """See ``Log.read``."""

    @abstractmethod
    async def _seqs(
        self, log_id: LogId, ordinals: Sequence[int], first: int, last: int
    ) -> Mapping[int, int]:
        """Return, by ordinal, which of these seqs is the first one with at least that ordinal."""

    @abstractmethod
    async def _at(self, log_id: LogId, seqs: Sequence[int]) -> list[Entry]:
        """Return the entries at these seqs, ascending."""
