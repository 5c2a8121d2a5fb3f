"""Copying a database that is being written to, as it stood at one moment."""

from pathlib import Path

import apsw

from .database import open_database
from .digest import Digests, Progress, digests_of

PAGES_AT_ONCE = 2_000


class BackupBroken(Exception):
    """A backup read back differs from what was written."""


def copy_database(source: Path, target: Path, copying: Progress, reading: Progress) -> Digests:
    """Copy the database and return the digests of what was copied. Blocks; takes a while.

    The source may be in use by a server: a transaction holds the moment, commits go on.

    Args:
        source: The database file.
        target: The file to be made: one file, without a write-ahead log.
        copying: Called with how many pages were copied.
        reading: Called with how many entries were hashed.
    """
    connection = open_database(source, read_only=True)
    try:
        connection.execute("BEGIN")
        connection.execute("SELECT count(*) FROM sqlite_schema").fetchall()
        _copy(connection, target, copying)
        return digests_of(connection, reading)
    finally:
        connection.close()


def _copy(source: apsw.Connection, target: Path, progress: Progress) -> None:
    connection = apsw.Connection(str(target))
    try:
        connection.execute("PRAGMA synchronous = OFF")
        with connection.backup("main", source, "main") as backup:
            while not backup.done:
                backup.step(PAGES_AT_ONCE)
                progress(backup.page_count - backup.remaining, backup.page_count)
        connection.execute("PRAGMA journal_mode = DELETE")
    finally:
        connection.close()


def renew_generation(path: Path) -> None:
    """Let a database that nobody uses be another generation of its logs when it is opened."""
    connection = apsw.Connection(str(path))
    try:
        connection.execute("DROP TABLE IF EXISTS generation")
    finally:
        connection.close()


def verify_database(path: Path, wanted: Digests | None, reading: Progress) -> Digests:
    """Check a database file that nobody uses, and return its digests; changes nothing.

    Raises:
        BackupBroken: SQLite finds it damaged, or it does not hold what is wanted.
    """
    connection = apsw.Connection(
        f"{path.absolute().as_uri()}?immutable=1",
        flags=apsw.SQLITE_OPEN_READONLY | apsw.SQLITE_OPEN_URI,
    )
    try:
        (verdict,) = connection.execute("PRAGMA quick_check(1)").fetchone() or ("no answer",)
        if verdict != "ok":
            raise BackupBroken(f"{path} is damaged: {verdict}")
        found = digests_of(connection, reading)
    except apsw.Error as error:
        raise BackupBroken(f"{path} cannot be read: {error}") from error
    finally:
        connection.close()
    if wanted is not None and found != wanted:
        raise BackupBroken(f"{path} does not hold what it should: {_difference(found, wanted)}")
    return found


def _difference(found: Digests, wanted: Digests) -> str:
    """Name the first thing that differs."""
    for kind, here, there in (
        ("log", {log.log_id: log for log in found.logs}, {log.log_id: log for log in wanted.logs}),
        ("table", {t.name: t for t in found.tables}, {t.name: t for t in wanted.tables}),
    ):
        for name in sorted(here.keys() | there.keys()):
            if here.get(name) != there.get(name):
                return f"{kind} {name}"
    return "another order"
