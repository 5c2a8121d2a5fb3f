"""The part of ``hongyan doctor`` that looks into a data folder's database."""

import asyncio
from functools import partial
from pathlib import Path

import apsw

from hongyan.domain.catalog import ROWS
from hongyan.domain.media.ports import Downloads
from hongyan.domain.message.model import MESSAGE
from hongyan.infra.objects.objects import FolderObjects
from hongyan.infra.sqlite.inspection import check_file, check_indexes, check_logs
from hongyan.infra.sqlite.snapshot import SqliteSnapshot

from .bars import Bars
from .composition import DATABASE
from .doctor_rows import clock, examine_rows
from .findings import Finding, fine, problem, troubles
from .objects import FOLDER

MEND = "Restore the newest backup beside it (hongyan restore), and keep this folder to look into."


async def examine_database(
    folder: Path, deep: bool, bars: Bars, downloads: Downloads | None = None
) -> list[Finding]:
    """Look at the database as it stands now; a server may work on it meanwhile.

    Args:
        folder: The data folder.
        deep: Read everything.
        bars: Shows how far it is.
        downloads: Where the files are; None takes the data folder.
    """
    try:
        snapshot = await asyncio.to_thread(SqliteSnapshot, folder / DATABASE, ROWS)
    except apsw.Error as error:
        return [problem("database", f"{DATABASE} cannot be opened: {error}", MEND)]
    downloads = downloads or FolderObjects(folder / FOLDER)
    async with snapshot:
        try:
            findings = await asyncio.to_thread(_file, snapshot.connection, deep, bars)
            again = partial(SqliteSnapshot, folder / DATABASE, ROWS)
            findings += await examine_rows(snapshot, again, downloads, MEND, deep, bars)
        except apsw.Error as error:
            return [problem("database", f"{DATABASE} cannot be read: {error}", MEND)]
    return findings


def _file(connection: apsw.Connection, deep: bool, bars: Bars) -> list[Finding]:
    found = list(check_file(connection, deep))
    if found:
        return troubles("database", found, "", MEND)
    logs = [*check_logs(connection, (MESSAGE,), bars.stage("entries"))]
    logs += check_indexes(connection, deep)
    (entries,) = connection.execute("SELECT count(*) FROM entry").fetchone() or (0,)
    findings = [fine("database", "SQLite finds the file whole.")]
    findings += troubles(
        "logs", logs, f"{entries} entries without gaps; ordinals, heads and cursors fit.", MEND
    )
    (newest,) = connection.execute(
        "SELECT max(sent_at_ms) FROM (SELECT sent_at_ms FROM entry ORDER BY pos DESC LIMIT 1000)"
    ).fetchone() or (None,)
    return [*findings, clock(newest or 0)]
