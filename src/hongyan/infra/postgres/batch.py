"""One transaction for many commits. Nothing here begins or ends it; ``writer.py`` does.

There are two ways. The *hopeful* one assumes what is nearly always so, that all commits are new
and expect the right versions: it raises the heads of the logs at once, which locks them, and then
sees by what it gets back whether it was right. The *careful* way locks, looks and then decides.
A hopeful batch that was wrong is rolled back and done carefully.

Each statement that is run for a log names this one log.
"""

from itertools import starmap

import asyncpg

from hongyan.domain.log.model import Commit, Drop, Duplicate, Entry, Put, VersionConflict
from hongyan.infra.sql import rows
from hongyan.infra.sql.entries import LogHead, RetryKey, read_entry, retry_key
from hongyan.infra.sql.statements import read_statements
from hongyan.kernel.ids import LogId

from .connections import Connection
from .plan import BatchPlan, raises
from .rows import POSTGRES

SQL = read_statements(__package__, "log.sql")
POSITION_BITS = 16
ENTRIES_MAX = 1 << POSITION_BITS
"""More entries than this have no room among the positions of one transaction."""

Answer = tuple[Entry, ...] | Exception
Answers = list[tuple[Answer, int]]
"""For each commit its entries or its refusal, and the position of the first entry; 0 where nothing
was appended now."""


class Misjudged(Exception):
    """A hopeful batch was wrong: roll back and do it carefully."""


class Overtaken(Exception):
    """A later transaction has written to one of the logs before this one could lock it.

    Positions would go back in that log: roll back and begin again, with a later id.
    """


def is_guarded(commit: Commit) -> bool:
    """Return whether a unique constraint may refuse the commit; then it is a batch of its own."""
    return any(isinstance(c, Put) and c.row.TABLE.unique for c in commit.changes)


async def write(
    connection: Connection, commits: list[Commit], base: int, careful: bool
) -> tuple[Answers, bool]:
    """Write the commits in the running transaction; return the answers and whether it changed.

    Args:
        connection: Where the transaction runs.
        commits: In the order in which they take effect; a guarded one alone.
        base: What is added to transaction ids, see ``feed`` in the schema.
        careful: Which way.

    Raises:
        Misjudged, Overtaken: nothing was decided; roll back and try again.
        Duplicate: the guarded commit is refused; roll back.
    """
    deltas = raises(commits)
    if careful:
        heads, position = await _lock_heads(connection, sorted(deltas), base)
        plan = BatchPlan(heads, await _look_up(connection, commits))
    else:
        heads, position = await _raise_heads(connection, deltas, base)
        plan = BatchPlan(heads, {})
    answers, changes = _planned(plan, commits, position)
    if not careful and changes < len(commits):
        raise Misjudged
    if len(plan.entries) > ENTRIES_MAX:
        raise ValueError(f"a transaction has room for {ENTRIES_MAX} entries")
    changed = changes > 0
    if changed:
        if careful:
            await _set_heads(connection, heads, position)
        await _write_plan(connection, plan, position, careful, any(map(is_guarded, commits)))
    return answers, changed


def _planned(plan: BatchPlan, commits: list[Commit], position: int) -> tuple[Answers, int]:
    """Plan the commits; return the answers, and how many were neither stale nor repeats."""
    answers: Answers = []
    changes = 0
    for commit in commits:
        place = position + len(plan.entries)
        try:
            entries, repeated = plan.add(commit)
        except VersionConflict as stale:
            answers.append((stale, 0))
            continue
        answers.append((entries, place if entries and not repeated else 0))
        changes += not repeated
    return answers, changes


async def _raise_heads(
    connection: Connection, deltas: dict[LogId, list[int]], base: int
) -> tuple[dict[str, LogHead], int]:
    """Raise the heads, and return what they were."""
    if not deltas:
        return {}, 0
    wanted = [(log_id, *deltas[log_id], base) for log_id in sorted(deltas)]
    found = await connection.fetchmany(SQL["raise_head"], wanted)
    if len(found) < len(wanted):
        raise Overtaken
    heads = {}
    for log_id, seq, ordinal, version, _ in found:
        delta = deltas[log_id]
        heads[log_id] = LogHead(log_id, seq - delta[0], ordinal - delta[1], version - delta[2])
    return heads, found[0][-1]


async def _lock_heads(
    connection: Connection, log_ids: list[str], base: int
) -> tuple[dict[str, LogHead], int]:
    """Lock the heads, in the order in which everybody does, and return them."""
    if not log_ids:
        return {}, 0
    found = await connection.fetchmany(SQL["lock_head"], [(log_id,) for log_id in log_ids])
    if len(found) < len(log_ids):
        missing = sorted(set(log_ids) - {log_id for log_id, *_ in found})
        await connection.executemany(SQL["make_head"], [(log_id,) for log_id in missing])
        found = await connection.fetchmany(SQL["lock_head"], [(log_id,) for log_id in log_ids])
    position = await connection.fetchval(SQL["this_position"], base)
    if any(one[-1] > position for one in found):
        raise Overtaken
    return {log_id: LogHead(log_id, *rest) for log_id, *rest, _ in found}, position


async def _set_heads(connection: Connection, heads: dict[str, LogHead], position: int) -> None:
    if heads:
        await connection.executemany(
            SQL["set_head"],
            [(h.log_id, h.seq, h.ordinal, h.version, position) for h in heads.values()],
        )


async def _look_up(connection: Connection, commits: list[Commit]) -> dict[RetryKey, Entry]:
    """Return what the database has under the client ids of these commits."""
    keys = {key for commit in commits if (key := retry_key(commit)) is not None}
    if not keys:
        return {}
    found = starmap(read_entry, await connection.fetchmany(SQL["find"], sorted(keys)))
    return {(entry.log_id, entry.sender, entry.client_id): entry for entry in found}


async def _write_plan(
    connection: Connection, plan: BatchPlan, position: int, careful: bool, guarded: bool
) -> None:
    if plan.entries:
        try:
            await connection.executemany(SQL["append"], _entry_rows(plan.entries, position))
        except asyncpg.UniqueViolationError as repeated:
            if careful:
                raise
            raise Misjudged from repeated
    if plan.rewrites:
        rewrites = [(*place, body) for place, body in sorted(plan.rewrites.items())]
        await connection.executemany(SQL["rewrite"], rewrites)
    if plan.wrote:
        wrote = [(*place, *value) for place, value in sorted(plan.wrote.items())]
        await connection.executemany(SQL["wrote"], wrote)
    if plan.advances:
        advances = [(*place, *value) for place, value in sorted(plan.advances.items())]
        await connection.executemany(SQL["advance"], advances)
    if guarded:
        await _write_guarded(connection, plan.rows)
    elif plan.rows:
        await _write_rows(connection, plan.rows)
    if plan.offsets:
        await connection.executemany(SQL["save_offset"], sorted(plan.offsets.items()))


def _entry_rows(entries: list[Entry], position: int) -> list[tuple[object, ...]]:
    return [
        (
            entry.log_id,
            entry.seq,
            entry.ordinal,
            entry.kind,
            entry.sender,
            entry.client_id or None,
            entry.sent_at_ms,
            bytes(entry.body),
            place,
        )
        for place, entry in enumerate(entries, position)
    ]


async def _write_guarded(connection: Connection, changes: list[Put | Drop]) -> None:
    """Write one by one, in their order.

    Raises:
        Duplicate: a unique constraint is broken.
    """
    for change in changes:
        try:
            if isinstance(change, Put):
                statement = rows.put(change.row.TABLE, POSTGRES)
                await connection.execute(statement, *rows.values(change.row))
            else:
                await connection.execute(rows.drop(change.row.TABLE, POSTGRES), *change.key)
        except asyncpg.UniqueViolationError as error:
            table = change.row.TABLE
            for name in table.unique:
                if rows.index_name(table, name) == error.constraint_name:
                    raise Duplicate(table.name, name) from error
            raise


async def _write_rows(connection: Connection, changes: list[Put | Drop]) -> None:
    """Write what each row comes to, in the order in which everybody writes them."""
    last: dict[tuple[str, tuple[object, ...]], Put | Drop] = {}
    for change in changes:
        key = change.row.key() if isinstance(change, Put) else change.key
        last[(change.row.TABLE.name, key)] = change
    statements: dict[str, list[tuple[object, ...]]] = {}
    for (_, key), change in sorted(last.items(), key=lambda one: one[0]):
        if isinstance(change, Put):
            statement = rows.put(change.row.TABLE, POSTGRES)
            statements.setdefault(statement, []).append(rows.values(change.row))
        else:
            statements.setdefault(rows.drop(change.row.TABLE, POSTGRES), []).append(key)
    for statement, bindings in statements.items():
        await connection.executemany(statement, bindings)
