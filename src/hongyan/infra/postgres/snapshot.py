"""The database as it stood at one moment, for who reads much of it beside a running cluster."""

import asyncio
from collections.abc import Sequence
from typing import Any

import asyncpg

from hongyan.domain.log.model import Commit, Entry, Row
from hongyan.kernel.errors import Unavailable

from .batch import SQL
from .connections import Connection, close, connect, refusal
from .reader import PostgresReader


class PostgresSnapshot(PostgresReader):
    """Log, Cursors, Feed and Records, frozen when it is entered; nothing can be committed.

    While it is open, the database keeps what is replaced and removed meanwhile. Use it with
    ``async with``.

    Args:
        dsn: See ``connect``; the tables are those of this version.
        row_types: All rows that will be read.

    Attributes:
        moment: Answers any other read of it.
    """

    def __init__(self, dsn: str, row_types: Sequence[type[Row]]) -> None:
        self.moment = Moment(dsn)
        super().__init__(self.moment, row_types)

    async def __aenter__(self) -> "PostgresSnapshot":
        await self.moment.open()
        ((self._base,),) = await self.moment.fetch(SQL["base"])
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.moment.close()

    async def commit(self, commit: Commit) -> tuple[Entry, ...]:
        """Refuse.

        Raises:
            Unavailable: always.
        """
        raise Unavailable("This is a snapshot; it cannot be changed.")


class Moment:
    """One connection, in a transaction that sees the moment at which it began.

    Args:
        dsn: See ``connect``.
    """

    def __init__(self, dsn: str) -> None:
        self._dsn = dsn
        self._turn = asyncio.Lock()
        self._connection: Connection | None = None

    async def open(self) -> None:
        """Begin the transaction; it may stand idle for as long as its reader likes.

        Raises:
            OSError, asyncpg.PostgresError: the database cannot be reached.
        """
        self._connection = await connect(self._dsn, "hongyan snapshot")
        await self._connection.execute("SET idle_in_transaction_session_timeout = 0")
        await self._connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")

    async def close(self) -> None:
        """Let the moment go."""
        if self._connection is not None:
            await close(self._connection)

    async def fetch(self, statement: str, *bindings: Any) -> list[asyncpg.Record]:
        """See ``Readers.fetch``; a broken connection is not made anew, for the moment is gone."""
        if self._connection is None:
            raise Unavailable
        async with self._turn:
            try:
                return await self._connection.fetch(statement, *bindings)
            except Exception as error:
                raise refusal(error) from error
