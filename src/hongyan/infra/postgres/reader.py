"""Reading: the ports but for commits."""

import asyncio
from collections.abc import Mapping, Sequence
from itertools import starmap
from typing import Any

from hongyan.domain.log.model import (
    Cursor,
    Entry,
    LogState,
    Order,
    Placed,
    Row,
    SeqRange,
    Tally,
)
from hongyan.infra.sql.entries import read_entry
from hongyan.infra.sql.ordinals import ByOrdinal
from hongyan.infra.sql.records import SqlRecords
from hongyan.kernel.ids import ClientId, LogId, UserId

from .batch import SQL
from .connections import Fetching
from .rows import POSTGRES, get_many

LAST = 2**63 - 1
_ARCHIVE = {"oldest": SQL["archive"], "newest": SQL["archive"].replace(" ASC ", " DESC ")}
SETTLE_S = 2.0
"""Seconds that ``follow`` waits for transactions that began earlier than what it has found."""


class PostgresReader(SqlRecords, ByOrdinal):
    """The reading half of ``Log``, and ``Cursors``, ``ChangeStream``, ``Archive`` and ``Records``.

    Args:
        readers: What to read from.
        row_types: All rows that will be read.
    """

    def __init__(self, readers: Fetching, row_types: Sequence[type[Row]]) -> None:
        super().__init__(POSTGRES, row_types)
        self._readers = readers
        self._base = 0
        self._generation = ""

    # --- Log ---

    async def find(self, log_id: LogId, sender: UserId, client_id: ClientId) -> Entry | None:
        """See ``Log.find``."""
        found = await self._readers.fetch(SQL["find"], log_id, sender, client_id)
        return read_entry(*found[0]) if found else None

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
        bindings = (log_id, first, last, limit, list(kinds) or None)
        return [read_entry(*found) for found in await self._readers.fetch(SQL[order], *bindings)]

    async def states(self, log_ids: Sequence[LogId]) -> dict[LogId, LogState]:
        """See ``Log.heads``."""
        heads = dict.fromkeys(log_ids, LogState())
        if heads:
            for log_id, *rest in await self._readers.fetch(SQL["states"], list(heads)):
                heads[log_id] = LogState(*rest)
        return heads

    async def tails(
        self, spans: Sequence[SeqRange], limit: int, kinds: Sequence[str] = ()
    ) -> dict[LogId, list[Entry]]:
        """See ``Log.tails``."""
        if not spans:
            return {}
        tails: dict[LogId, list[Entry]] = {}
        bindings = (*_columns(spans), limit, list(kinds) or None)
        found = await self._readers.fetch(SQL["tails"], *bindings)
        for entry in starmap(read_entry, found):
            tails.setdefault(entry.log_id, []).append(entry)
        return tails

    # --- Cursors ---

    async def of_user(self, user_id: UserId, log_ids: Sequence[LogId]) -> dict[LogId, Cursor]:
        """See ``Cursors.of_user``."""
        cursors = dict.fromkeys(log_ids, Cursor())
        if cursors:
            found = await self._readers.fetch(SQL["cursors_of_user"], user_id, list(cursors))
            for log_id, *rest in found:
                cursors[log_id] = Cursor(*rest)
        return cursors

    async def in_log(
        self, log_id: LogId, at_least: int, after: UserId, limit: int
    ) -> list[tuple[UserId, Cursor]]:
        """See ``Cursors.in_log``."""
        found = await self._readers.fetch(SQL["cursors_in_log"], log_id, at_least, after, limit)
        return [(user_id, Cursor(*rest)) for user_id, *rest in found]

    # --- Feed ---

    async def follow(
        self, after: int, limit: int, until: int = 0, kinds: Sequence[str] = ()
    ) -> list[Placed]:
        """See ``ChangeStream.follow``.

        Entries that a transaction still under way might come before are held back. When there
        are no others, this waits a moment for them.
        """
        bindings = (after, limit, until or LAST, list(kinds) or None, self._base)
        end = asyncio.get_running_loop().time() + SETTLE_S
        pause_s = 0.001
        while True:
            found = await self._readers.fetch(SQL["follow"], *bindings)
            settled = [(one[0], read_entry(*one[2:])) for one in found if one[1]]
            if settled or not found or asyncio.get_running_loop().time() > end:
                return settled
            await asyncio.sleep(pause_s)
            pause_s = min(pause_s * 2, 0.05)

    async def tally(self, after: int, limit: int) -> tuple[int, list[Tally]]:
        """See ``ChangeStream.tally``."""
        found = await self._readers.fetch(SQL["tally"], after, limit, self._base)
        tallies = [Tally(kind, sender, day, count) for kind, sender, day, count, _ in found]
        return max((one[-1] for one in found), default=after), tallies

    async def end(self) -> int:
        """See ``ChangeStream.end``: entries that a transaction might precede do not count yet."""
        found = await self._readers.fetch(SQL["end"], self._base)
        return int(found[0][0]) if found else 0

    async def offset(self, reader: str) -> bytes:
        """See ``ChangeStream.offset``."""
        found = await self._readers.fetch(SQL["offset"], reader)
        return bytes(found[0][0]) if found else b""

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
        if not spans:
            return []
        bounds = (after + 1, before or LAST)
        bindings = (*_columns(spans), *bounds, limit, list(kinds) or None, self._base)
        found = await self._readers.fetch(_ARCHIVE[order], *bindings)
        return [(position, read_entry(*rest)) for position, *rest in found]

    async def generation(self) -> str:
        """See ``Archive.generation``."""
        if not self._generation:
            self._generation = str((await self._readers.fetch(SQL["generation"]))[0][0])
        return self._generation

    async def _seqs(
        self, log_id: LogId, ordinals: Sequence[int], first: int, last: int
    ) -> Mapping[int, int]:
        bindings = (log_id, list(ordinals), first, last)
        found = await self._readers.fetch(SQL["seqs_of_ordinals"], *bindings)
        return {ordinal: seq for ordinal, seq in found}  # noqa: C416

    async def _at(self, log_id: LogId, seqs: Sequence[int]) -> list[Entry]:
        return list(starmap(read_entry, await self._readers.fetch(SQL["at_seqs"], log_id, seqs)))

    # --- for Records ---

    async def _read(self, statement: str, bindings: Any) -> Sequence[Any]:
        return await self._readers.fetch(statement, *bindings)

    async def _read_many(self, row: type[Row], keys: Sequence[tuple[Any, ...]]) -> Sequence[Any]:
        columns = map(list, zip(*dict.fromkeys(map(tuple, keys)), strict=True))
        return await self._readers.fetch(get_many(row), *columns)


def _columns(spans: Sequence[SeqRange]) -> tuple[list[str], list[int], list[int]]:
    return [s.log_id for s in spans], [s.first for s in spans], [s.last for s in spans]
