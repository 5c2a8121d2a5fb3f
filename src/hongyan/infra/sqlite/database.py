"""Opening the file, and the named statements of a ``.sql`` file."""

import re
from importlib.resources import files
from pathlib import Path

import apsw

PAGE_CACHE_KIB = 32 * 1024
BUSY_MS = 5_000


def open_database(path: Path, *, read_only: bool = False) -> apsw.Connection:
    """Open the file in WAL mode, where every commit is on disk before it returns."""
    flags = apsw.SQLITE_OPEN_READWRITE | (0 if read_only else apsw.SQLITE_OPEN_CREATE)
    connection = apsw.Connection(str(path), flags=flags)
    connection.set_busy_timeout(BUSY_MS)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute(f"PRAGMA cache_size = -{PAGE_CACHE_KIB}")
    connection.execute("PRAGMA temp_store = MEMORY")
    if read_only:
        connection.execute("PRAGMA query_only = ON")
    return connection


def read_sql(name: str) -> str:
    """Return the text of a ``.sql`` file of this folder."""
    return (files(__package__) / name).read_text(encoding="utf-8")


def read_statements(name: str) -> dict[str, str]:
    """Return a file's statements by the ``-- name:`` line above each."""
    parts = re.split(r"^-- name: (\w+)\n", read_sql(name), flags=re.MULTILINE)
    return dict(zip(parts[1::2], (text.strip() for text in parts[2::2]), strict=True))
