"""The database as it stood at one moment, for who reads much of it beside a running server."""

from collections.abc import Sequence
from pathlib import Path

import apsw

from hongyan.domain.log.model import Commit, Entry, Row
from hongyan.infra.sql.entries import read_entry
from hongyan.kernel.errors import Unavailable

from .batch import SQL
from .database import open_database
from .memtable import Memtable
from .reader import SqliteReader


class SqliteSnapshot(SqliteReader):
    """Log, Cursors, Feed and Records, frozen when it is opened; nothing can be committed.

    While it is open, the write-ahead log of the running server cannot be cut short. Use it
    with ``async with``.

    Args:
        path: The database file, of this version of the server.
        row_types: All rows that will be read.
    """

    def __init__(self, path: Path, row_types: Sequence[type[Row]]) -> None:
        connection = open_database(path, read_only=True)
        connection.execute("BEGIN")
        memtable = Memtable()
        for position, _, log_id, *rest in connection.execute(SQL["unindexed"]):
            entry = read_entry(log_id, *rest)
            key = (entry.log_id, entry.sender, entry.client_id)
            memtable.add([(position, entry)], {key: entry} if entry.client_id else {})
        super().__init__(path, row_types, memtable, readers=1)
        self._frozen = connection

    @property
    def connection(self) -> apsw.Connection:
        """The connection whose transaction holds the moment; not while a read is under way."""
        return self._frozen

    async def __aenter__(self) -> "SqliteSnapshot":
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def commit(self, commit: Commit) -> tuple[Entry, ...]:
        """Refuse.

        Raises:
            Unavailable: always.
        """
        raise Unavailable("This is a snapshot; it cannot be changed.")

    async def close(self) -> None:
        """Let the moment go."""
        await super().close()
        self._frozen.close()

    def _connect(self) -> apsw.Connection:
        return self._frozen
