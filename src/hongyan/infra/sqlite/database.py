"""Opening the file."""

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
