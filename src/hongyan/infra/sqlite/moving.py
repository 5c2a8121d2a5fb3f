"""Reading a database from its begin to its end, page by page, to move it elsewhere."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import apsw

from hongyan.infra.sql.digest import TableDigest, TableHasher
from hongyan.infra.sql.parts import CURSOR, ENTRY, LOG, READER, DataTable

from .database import open_database

PRIVATE = {"entry_place", "entry_retry", "indexed", "generation"}
"""Tables that only find what others hold, and one that is moved by itself."""
_FROM = {
    LOG.name: "log",
    ENTRY.name: "(SELECT pos AS position, entry.*, log_id"
    " FROM entry CROSS JOIN log USING (log_key))",
    CURSOR.name: "(SELECT cursor.*, log_id FROM log CROSS JOIN cursor USING (log_key))",
    READER.name: "(SELECT name, CASE WHEN typeof(pos) = 'blob' THEN pos WHEN pos = 0 THEN x''"
    " ELSE unhex(printf('%016X', pos)) END AS place FROM reader)",
}

Record = tuple[Any, ...]


class SqliteSource:
    """A database that nobody writes to; close it in the end.

    Args:
        path: The database file, of this version of the server.
    """

    def __init__(self, path: Path) -> None:
        self._connection = open_database(path, read_only=True)
        self._connection.execute("BEGIN")

    def close(self) -> None:
        """Let it go."""
        self._connection.close()

    def tables(self) -> set[str]:
        """Return the names of the tables that hold something of their own."""
        found = self._connection.execute(
            "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite%'"
        )
        return {str(name) for (name,) in found} - PRIVATE

    def generation(self) -> str:
        """Return the generation of the logs; empty where the release before made the database."""
        (is_there,) = self._connection.execute(
            "SELECT count(*) FROM sqlite_schema WHERE name = 'generation'"
        ).fetchone() or (0,)
        found = self._connection.execute("SELECT name FROM generation") if is_there else ()
        return next((str(name) for (name,) in found), "")

    def count(self, part: DataTable) -> int:
        """Return how many rows a part has."""
        found = self._connection.execute(f'SELECT count(*) FROM "{part.name}"').fetchone() or (0,)
        return int(found[0])

    def page(self, part: DataTable, after: Sequence[Any] | None, limit: int) -> list[Record]:
        """Return the next rows behind the key ``after``; None begins."""
        return self._rows(part, after, limit).fetchall()

    def digest(self, part: DataTable) -> Iterator[TableDigest]:
        """Yield the digest of the part so far, every now and then and in the end."""
        hasher = TableHasher(part.name)
        rows = self._rows(part, None, -1)
        while page := [row for _, row in zip(range(10_000), rows, strict=False)]:
            hasher.add(page)
            yield hasher.digest
        yield hasher.digest

    def _rows(self, part: DataTable, after: Sequence[Any] | None, limit: int) -> apsw.Cursor:
        key = ", ".join(f'"{name}"' for name in part.key)
        names = ", ".join(f'"{name}"' for name in part.columns)
        marks = ", ".join("?" * len(part.key))
        where = f"WHERE ({key}) > ({marks}) " if after is not None else ""
        source = _FROM.get(part.name, f'"{part.name}"')
        return self._connection.execute(
            f"SELECT {names} FROM {source} {where}ORDER BY {key} LIMIT ?", (*(after or ()), limit)
        )
