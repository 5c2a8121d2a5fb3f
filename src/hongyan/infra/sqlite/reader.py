"""Reading the file and the tail together: the ports but for commits."""

import asyncio
import threading
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import apsw
import msgspec

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
from hongyan.kernel.errors import Unavailable
from hongyan.kernel.ids import ClientId, LogId, UserId

from .batch import SQL
from .database import open_database
from .memtable import Memtable, union
from .rows import SQLITE, get_many

_json = msgspec.json.Encoder().encode
END = 2**63 - 1
_ARCHIVE = {"oldest": SQL["archive"], "newest": SQL["archive"].replace(" ASC ", " DESC ")}


class SqliteReader(SqlRecords, ByOrdinal):
    """The reading half of ``Log``, and ``Cursors``, ``ChangeStream``, ``Archive`` and ``Records``.

    Reads run on a few threads of their own.

    Args:
        path: The database file.
        row_types: All rows that will be read.
        memtable: The newest entries, which the indexes do not know yet.
        readers: Threads that read.
    """

    def __init__(
        self, path: Path, row_types: Sequence[type[Row]], memtable: Memtable, readers: int
    ) -> None:
        super().__init__(SQLITE, row_types)
        self._path = path
        self._memtable = memtable
        self._pool = ThreadPoolExecutor(readers, thread_name_prefix="sqlite-reader")
        self._local = threading.local()
        self._generation = ""
        self._closed = False
        self._readers: list[apsw.Connection] = []

    async def close(self) -> None:
        """Read no more."""
        self._closed = True
        self._pool.shutdown(wait=True)
        for connection in self._readers:
            connection.close()

    # --- Log ---

    async def find(self, log_id: LogId, sender: UserId, client_id: ClientId) -> Entry | None:
        """See ``Log.find``."""
        hot = self._memtable.find((log_id, sender, client_id))
        if hot is not None:
            return hot
        found = await self._read(SQL["find"], (log_id, sender, client_id))
        return read_entry(log_id, *found[0]) if found else None

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
        hot = _of_kinds(self._memtable.span(log_id, first, last), kinds)
        bindings = {
            "log_id": log_id,
            "first": first,
            "last": last,
            "limit": limit,
            "kinds": _text(kinds) if kinds else None,
        }
        cold = [read_entry(log_id, *found) for found in await self._read(SQL[order], bindings)]
        return union(hot, cold, limit, order == "newest")

    async def states(self, log_ids: Sequence[LogId]) -> dict[LogId, LogState]:
        """See ``Log.heads``."""
        found = await self._read(SQL["states"], (_text(log_ids),))
        heads = dict.fromkeys(log_ids, LogState())
        heads.update({log_id: LogState(*rest) for log_id, *rest in found})
        return heads

    async def tails(
        self, spans: Sequence[SeqRange], limit: int, kinds: Sequence[str] = ()
    ) -> dict[LogId, list[Entry]]:
        """See ``Log.tails``."""
        hot = {
            span.log_id: _of_kinds(self._memtable.span(span.log_id, span.first, span.last), kinds)
            for span in spans
        }
        wanted = [span for span in spans if len(hot[span.log_id]) < limit]
        bindings = {
            "spans": _text([(span.log_id, span.first, span.last) for span in wanted]),
            "limit": limit,
            "kinds": _text(kinds) if kinds else None,
        }
        cold: dict[LogId, list[Entry]] = {}
        for log_id, *rest in await self._read(SQL["tails"], bindings) if wanted else ():
            cold.setdefault(log_id, []).append(read_entry(log_id, *rest))
        tails = {
            i: union(entries, cold.get(i, ()), limit, newest=True) for i, entries in hot.items()
        }
        return {log_id: newest[::-1] for log_id, newest in tails.items() if newest}

    # --- Cursors ---

    async def of_user(self, user_id: UserId, log_ids: Sequence[LogId]) -> dict[LogId, Cursor]:
        """See ``Cursors.of_user``."""
        bindings = {"user_id": user_id, "log_ids": _text(log_ids)}
        cursors = dict.fromkeys(log_ids, Cursor())
        for log_id, *rest in await self._read(SQL["cursors_of_user"], bindings):
            cursors[log_id] = Cursor(*rest)
        return cursors

    async def in_log(
        self, log_id: LogId, at_least: int, after: UserId, limit: int
    ) -> list[tuple[UserId, Cursor]]:
        """See ``Cursors.in_log``."""
        bindings = {"log_id": log_id, "at_least": at_least, "after": after, "limit": limit}
        found = await self._read(SQL["cursors_in_log"], bindings)
        return [(user_id, Cursor(*rest)) for user_id, *rest in found]

    # --- Feed ---

    async def follow(
        self, after: int, limit: int, until: int = 0, kinds: Sequence[str] = ()
    ) -> list[Placed]:
        """See ``ChangeStream.follow``."""
        bindings = {
            "after": after,
            "limit": limit,
            "until": until,
            "kinds": _text(kinds) if kinds else None,
        }
        found = await self._read(SQL["follow"], bindings)
        return [(position, read_entry(*rest)) for position, *rest in found]

    async def tally(self, after: int, limit: int) -> tuple[int, list[Tally]]:
        """See ``ChangeStream.tally``."""
        found = await self._read(SQL["tally"], (after, limit))
        tallies = [Tally(kind, sender, day, count) for kind, sender, day, count, _ in found]
        return max((one[-1] for one in found), default=after), tallies

    async def end(self) -> int:
        """See ``ChangeStream.end``."""
        return int((await self._read(SQL["end"], ()))[0][0])

    async def offset(self, reader: str) -> bytes:
        """See ``ChangeStream.offset``."""
        found = await self._read(SQL["offset"], (reader,))
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
        before = before or END
        if after + 1 >= before:
            return []
        end = min(before - 1, self._memtable.end)
        found = {
            position: entry
            for span in spans
            for position, entry in self._memtable.span(span.log_id, span.first, span.last)
            if after < position <= end and (not kinds or entry.kind in kinds)
        }
        bindings = {
            "spans": _text([(span.log_id, span.first, span.last) for span in spans]),
            "bounds": _text((after + 1, before)),
            "limit": limit,
            "kinds": _text(kinds) if kinds else None,
        }
        for position, *rest in await self._read(_ARCHIVE[order], bindings):
            found[position] = read_entry(*rest)
        places = sorted(found, reverse=order == "newest")[:limit]
        return [(position, found[position]) for position in places]

    async def generation(self) -> str:
        """See ``Archive.generation``."""
        if not self._generation:
            self._generation = str((await self._read(SQL["generation"], ()))[0][0])
        return self._generation

    async def _seqs(
        self, log_id: LogId, ordinals: Sequence[int], first: int, last: int
    ) -> Mapping[int, int]:
        hot = self._memtable.span(log_id, first, last)
        bindings = {"log_id": log_id, "wanted": _text(list(ordinals)), "first": first, "last": last}
        found: dict[int, int] = dict(await self._read(SQL["seqs_of_ordinals"], bindings))
        for n in ordinals:
            at = bisect_left(hot, n, key=lambda placed: placed[1].ordinal)
            if n not in found and at < len(hot):
                found[n] = hot[at][1].seq
        return found

    async def _at(self, log_id: LogId, seqs: Sequence[int]) -> list[Entry]:
        hot = [entry for seq in seqs for _, entry in self._memtable.span(log_id, seq, seq)]
        found = await self._read(SQL["at_seqs"], {"log_id": log_id, "seqs": _text(seqs)})
        return union(hot, [read_entry(log_id, *row) for row in found], len(seqs))

    # --- for Records ---

    async def _read_many(self, row: type[Row], keys: Sequence[tuple[Any, ...]]) -> Sequence[Any]:
        return await self._read(get_many(row.TABLE), (_text(keys),))

    # --- on a reading thread ---

    async def _read(
        self, statement: str, bindings: Sequence[Any] | dict[str, Any]
    ) -> Sequence[tuple[Any, ...]]:
        if self._closed:
            raise Unavailable
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._pool, self._fetch, statement, bindings)

    def _fetch(
        self, statement: str, bindings: Sequence[Any] | dict[str, Any]
    ) -> Sequence[tuple[Any, ...]]:
        connection = getattr(self._local, "connection", None)
        if connection is None:
            connection = self._connect()
            self._local.connection = connection
            self._readers.append(connection)
        found = connection.execute(statement, bindings).fetchall()
        with self._memtable.settling:
            return found

    def _connect(self) -> apsw.Connection:
        return open_database(self._path, read_only=True)


def _of_kinds(placed: Sequence[Placed], kinds: Sequence[str]) -> list[Entry]:
    return [entry for _, entry in placed if not kinds or entry.kind in kinds]


def _text(value: Any) -> str:
    return _json(value).decode()
