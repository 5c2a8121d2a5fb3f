"""The part of ``hongyan doctor`` that looks into a data folder's database."""

import asyncio
from functools import partial
from pathlib import Path

import apsw

from hongyan.app.composition.objects import FOLDER
from hongyan.app.progress import ProgressBars
from hongyan.app.roles.embedded import DATABASE
from hongyan.domain.catalog import ROWS
from hongyan.domain.media.ports import Downloads
from hongyan.domain.message.model import MESSAGE
from hongyan.infra.objects.objects import FolderObjects
from hongyan.infra.sqlite.inspection import check_file, check_indexes, check_logs
from hongyan.infra.sqlite.snapshot import SqliteSnapshot

from .diagnostics import Diagnostic, fine, problem, troubles
from .rows import clock, examine_rows

MEND = "Restore the newest backup beside it (hongyan restore), and keep this folder to look into."


async def examine_database(
    folder: Path, deep: bool, progress: ProgressBars, downloads: Downloads | None = None
) -> list[Diagnostic]:
    """Look at the database as it stands now; a server may work on it meanwhile.

    Args:
        folder: The data folder.
        deep: Read everything.
        progress: Shows how far it is.
        downloads: Where the files are; None takes the data folder.
    """
    try:
        snapshot = await asyncio.to_thread(SqliteSnapshot, folder / DATABASE, ROWS)
    except apsw.Error as error:
        return [problem("database", f"{DATABASE} cannot be opened: {error}", MEND)]
    downloads = downloads or FolderObjects(folder / FOLDER)
    async with snapshot:
        try:
            diagnostics = await asyncio.to_thread(_file, snapshot.connection, deep, progress)
            again = partial(SqliteSnapshot, folder / DATABASE, ROWS)
            diagnostics += await examine_rows(snapshot, again, downloads, MEND, deep, progress)
        except apsw.Error as error:
            return [problem("database", f"{DATABASE} cannot be read: {error}", MEND)]
    return diagnostics


def _file(connection: apsw.Connection, deep: bool, progress: ProgressBars) -> list[Diagnostic]:
    found = list(check_file(connection, deep))
    if found:
        return troubles("database", found, "", MEND)
    logs = [*check_logs(connection, (MESSAGE,), progress.stage("entries"))]
    logs += check_indexes(connection, deep)
    (entries,) = connection.execute("SELECT count(*) FROM entry").fetchone() or (0,)
    diagnostics = [fine("database", "SQLite finds the file whole.")]
    diagnostics += troubles(
        "logs", logs, f"{entries} entries without gaps; ordinals, heads and cursors fit.", MEND
    )
    (newest,) = connection.execute(
        "SELECT max(sent_at_ms) FROM (SELECT sent_at_ms FROM entry ORDER BY pos DESC LIMIT 1000)"
    ).fetchone() or (None,)
    return [*diagnostics, clock(newest or 0)]
