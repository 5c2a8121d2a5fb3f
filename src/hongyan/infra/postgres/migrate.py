"""Bringing a database's tables to what this release needs."""

import re
from collections.abc import Iterator, Sequence
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Literal

from msgspec import Struct

from hongyan.domain.log.model import Row
from hongyan.kernel.ids import new_token_id

from .connections import Connection
from .migrate_rows import finish_columns, prepare_tables

LOCK = 4_711_200_501
"""The advisory lock that whoever changes tables holds."""
RECORD = (
    "CREATE TABLE IF NOT EXISTS migration (name text PRIMARY KEY,"
    " done_at timestamptz NOT NULL DEFAULT now())"
)
RAISE_BASE = """
UPDATE feed SET base = newest.number + 1
FROM (SELECT max(position) >> 16 AS number FROM entry) AS newest
WHERE newest.number >= base + pg_snapshot_xmax(pg_current_snapshot())::text::bigint
"""
"""A dump was restored where transaction ids are lower: positions go on from the newest one."""
RENEW_GENERATION = """
UPDATE feed SET generation = $1, home = $2 WHERE home IS DISTINCT FROM $2
"""
"""A dump was restored here, or nothing was here before: what devices remember is of elsewhere."""
CLUSTER = "SELECT system_identifier::text FROM pg_control_system()"
TABLE = """
SELECT concat_ws(' ', pg_database.oid, 'feed'::regclass::oid)
FROM pg_database WHERE datname = current_database()
"""
FINISHED = "finished"
"""The mark in ``move`` of a move that has come to its end."""
Phase = Literal["pre", "post"]


class Migration(Struct, frozen=True):
    """One step."""

    name: str
    phase: Phase
    text: str


STEPS = files(f"{__package__}.migrations")


def migrations(folder: Traversable = STEPS) -> Iterator[Migration]:
    """Yield all steps in their order.

    Raises:
        ValueError: a file's name is not ``NNNN_name.pre.sql`` or ``NNNN_name.post.sql``.
    """
    names = sorted(one.name for one in folder.iterdir() if one.name.endswith(".sql"))
    for name in names:
        match = re.fullmatch(r"(\d{4}_\w+)\.(pre|post)\.sql", name)
        if match is None:
            raise ValueError(f"{name} is no name for a migration")
        text = (folder / name).read_text(encoding="utf-8")
        yield Migration(f"{match[1]}.{match[2]}", match[2], text)  # type: ignore[arg-type]


class MoveUnfinished(Exception):
    """Another database's content has come here in part only."""


async def check_moved(connection: Connection) -> None:
    """Check that no move to this database is under way.

    Raises:
        MoveUnfinished: one is.
    """
    marks = {part for (part,) in await connection.fetch("SELECT part FROM move")}
    if marks and FINISHED not in marks:
        raise MoveUnfinished("a move to this database was begun; run hongyan move to its end")


async def _home(connection: Connection) -> str:
    """Return what distinguishes this database from any that its content may be copied to."""
    may_ask = "SELECT has_function_privilege('pg_control_system()', 'execute')"
    cluster = await connection.fetchval(CLUSTER) if await connection.fetchval(may_ask) else ""
    return f"{cluster} {await connection.fetchval(TABLE)}"


async def renew_generation(connection: Connection) -> None:
    """Make a new generation: the database was put back to an earlier state where it is."""
    await connection.execute("UPDATE feed SET generation = $1", new_token_id())


async def migrate(
    connection: Connection,
    row_types: Sequence[type[Row]],
    phases: Sequence[Phase] = ("pre",),
    folder: Traversable = STEPS,
) -> list[str]:
    """Do the steps that were not done yet, and make the tables of rows what they are declared.

    Whoever else would do this meanwhile waits.

    Args:
        connection: The database.
        row_types: All rows of this release.
        phases: ``pre`` while servers of the release before may still run; ``post`` afterwards.
        folder: Where the steps are.

    Returns:
        The names of the steps.
    """
    await connection.execute("SET lock_timeout = 0")
    await connection.fetchval("SELECT pg_advisory_lock($1)", LOCK)
    try:
        await connection.execute(RECORD)
        done = {name for (name,) in await connection.fetch("SELECT name FROM migration")}
        new = [one for one in migrations(folder) if one.name not in done and one.phase in phases]
        for step in new:
            async with connection.transaction():
                await connection.execute(step.text)
                await connection.execute("INSERT INTO migration (name) VALUES ($1)", step.name)
        if "pre" in phases:
            await prepare_tables(connection, row_types)
            await connection.execute(RAISE_BASE)
            await connection.execute(RENEW_GENERATION, new_token_id(), await _home(connection))
        if "post" in phases:
            await finish_columns(connection, row_types)
    finally:
        await connection.fetchval("SELECT pg_advisory_unlock($1)", LOCK)
        await connection.execute("RESET lock_timeout")
    return [step.name for step in new]
