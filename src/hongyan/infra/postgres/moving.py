"""Taking over what another database holds, page by page, so that it can be gone on with."""

from collections.abc import AsyncIterator, Sequence
from typing import Any

import asyncpg
import msgspec

from hongyan.domain.log.model import Row
from hongyan.infra.sql.digest import TableDigest, TableHasher
from hongyan.infra.sql.parts import ENTRY, LOG, DataTable, parts

from .batch import POSITION_BITS
from .connections import Connection, close, connect
from .migrate import FINISHED, migrate
from .rows import column_types

_DONE = (
    "INSERT INTO move (part, done) VALUES ($1, $2)"
    " ON CONFLICT (part) DO UPDATE SET done = excluded.done"
)
STARTED = "started"


class NotEmpty(Exception):
    """The database holds something that was not brought by an unfinished move."""


class AlreadyMoved(NotEmpty):
    """A move to this database was finished; servers may have worked on it since."""


class PostgresTarget:
    """A database that takes over what another one held. No server works on it meanwhile.

    Args:
        dsn: See ``connect``.
        row_types: All rows.
    """

    def __init__(self, dsn: str, row_types: Sequence[type[Row]]) -> None:
        self._dsn = dsn
        self._row_types = row_types
        self._connection: Connection
        self._booleans = {
            row.TABLE.name: [
                index for index, kind in enumerate(column_types(row).values()) if kind == "boolean"
            ]
            for row in row_types
        }

    async def open(self, restart: bool) -> None:
        """Connect, make the tables, and begin or go on.

        Args:
            restart: Throw away what an unfinished move has brought so far.

        Raises:
            AlreadyMoved: a move has come to its end here.
            NotEmpty: there is something else here.
        """
        self._connection = await connect(self._dsn, "hongyan move")
        await migrate(self._connection, self._row_types)
        marks = {part for (part,) in await self._connection.fetch("SELECT part FROM move")}
        names = [part.name for part in parts(self._row_types)]
        if FINISHED in marks:
            raise AlreadyMoved
        if not marks and await self._holds_something(names):
            raise NotEmpty
        async with self._connection.transaction():
            if restart:
                tables = ", ".join(f'"{name}"' for name in names)
                await self._connection.execute(f"TRUNCATE {tables}, move")
            await self._connection.execute(_DONE, STARTED, b"")

    async def _holds_something(self, names: Sequence[str]) -> bool:
        for name in names:
            if await self._connection.fetchval(f'SELECT EXISTS (SELECT * FROM "{name}")'):
                return True
        return False

    async def close(self) -> None:
        """Let it go."""
        await close(self._connection)

    async def last_key(self, part: DataTable) -> list[Any] | None:
        """Return the key of the last row of this part that was taken over."""
        done = await self._connection.fetchval("SELECT done FROM move WHERE part = $1", part.name)
        return msgspec.json.decode(done) if done else None

    async def take(self, part: DataTable, rows: Sequence[tuple[Any, ...]]) -> list[Any]:
        """Take over the next rows; return the key of the last one.

        One transaction: they are there with the mark that they are, or not at all.
        """
        columns = [*part.columns, "position"] if part.name == LOG.name else part.columns
        last = dict(zip(part.columns, rows[-1], strict=True))
        key = [last[name] for name in part.key]
        async with self._connection.transaction():
            await self._connection.copy_records_to_table(
                part.name, records=[self._record(part, row) for row in rows], columns=columns
            )
            await self._connection.execute(_DONE, part.name, msgspec.json.encode(key))
        return key

    def _record(self, part: DataTable, row: tuple[Any, ...]) -> tuple[Any, ...]:
        if part.name == LOG.name:
            return (*row, 0)
        changed = list(row)
        for index in self._booleans.get(part.name, ()):
            if row[index] is not None:
                changed[index] = bool(row[index])
        return tuple(changed)

    async def digest(self, part: DataTable) -> AsyncIterator[TableDigest]:
        """Yield the digest of the part so far, every now and then and in the end."""
        hasher = TableHasher(part.name)
        names = ", ".join(part.columns)
        async with self._connection.transaction():
            cursor = await self._connection.cursor(
                f'SELECT {names} FROM "{part.name}" ORDER BY {", ".join(part.key)}'
            )
            while page := await cursor.fetch(10_000):
                hasher.add([self._plain(part, row) for row in page])
                yield hasher.digest
        yield hasher.digest

    def _plain(self, part: DataTable, row: asyncpg.Record) -> list[Any]:
        plain = list(row)
        for index in self._booleans.get(part.name, ()):
            if row[index] is not None:
                plain[index] = int(row[index])
        return plain

    async def finish(self, generation: str) -> None:
        """Let servers work on it from now on: with the logs that they were, so devices go on.

        Args:
            generation: Of the logs; empty for a new one.
        """
        last = await self._connection.fetchval(f"SELECT max(position) FROM {ENTRY.name}") or 0
        async with self._connection.transaction():
            await self._connection.execute("UPDATE feed SET base = $1", (last >> POSITION_BITS) + 1)
            if generation:
                await self._connection.execute("UPDATE feed SET generation = $1", generation)
            await self._connection.execute(_DONE, FINISHED, b"")
        await self._connection.execute("ANALYZE")
