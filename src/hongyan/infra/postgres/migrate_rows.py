"""Making the tables of rows what the rows are declared to be, while servers write to them.

A new index may need a column that an older release does not fill. Until none of it runs, a
trigger fills the column from the row's JSON, which both releases write.
"""

from collections.abc import Sequence
from enum import Enum
from typing import Any

import msgspec

from hongyan.domain.log.model import Row
from hongyan.infra.sql.rows import nullable

from .connections import Connection
from .rows import column_types, create

FILLED_AT_ONCE = 2_000


async def prepare_tables(connection: Connection, row_types: Sequence[type[Row]]) -> None:
    """Make the tables, columns and indexes that are missing; readers and writers go on."""
    names = await _names(connection)
    missing = [
        statement
        for row in row_types
        if row.TABLE.name not in names
        for _, statement in create(row)
    ]
    if missing:
        async with connection.transaction():
            await connection.execute(";\n".join(missing))
    for row in row_types:
        if row.TABLE.name in names:
            await _prepare_table(connection, row, names)


async def _names(connection: Connection) -> set[str]:
    found = await connection.fetch(
        "SELECT relname FROM pg_class WHERE relnamespace = current_schema()::regnamespace"
    )
    return {name for (name,) in found}


async def _prepare_table(connection: Connection, row: type[Row], names: set[str]) -> None:
    table = row.TABLE.name
    types = column_types(row)
    new = sorted(set(types) - await _columns(connection, table))
    if new:
        async with connection.transaction():
            for name in new:
                await connection.execute(f'ALTER TABLE "{table}" ADD COLUMN {name} {types[name]}')
            await connection.execute(_fill(row, new))
        await _fill_old(connection, row)
    for index, statement in create(row)[1:]:
        if index not in names:
            concurrently = statement.replace("INDEX IF", "INDEX CONCURRENTLY IF", 1)
            await connection.execute(concurrently)


async def _columns(connection: Connection, table: str) -> set[str]:
    found = await connection.fetch(
        "SELECT attname FROM pg_attribute WHERE attnum > 0 AND NOT attisdropped"
        " AND attrelid = quote_ident($1)::regclass",
        table,
    )
    return {name for (name,) in found}


def _trigger(table: str) -> str:
    return f'"{table}__fill"'


def _fill(row: type[Row], names: Sequence[str]) -> str:
    """Return what makes the trigger that fills these columns from the JSON."""
    table, types = row.TABLE.name, column_types(row)
    defaults = {field.name: field.default for field in msgspec.structs.fields(row)}
    assignments = "".join(
        f"new.{name} := coalesce((told ->> '{name}')::{types[name].split()[0]},"
        f" {_literal(defaults[name])}); "
        for name in names
    )
    return (
        f"CREATE FUNCTION {_trigger(table)}() RETURNS trigger LANGUAGE plpgsql AS $$ DECLARE"
        " told jsonb := convert_from(new.data, 'UTF8')::jsonb;"
        f" BEGIN {assignments} RETURN new; END $$;"
        f' CREATE TRIGGER {_trigger(table)} BEFORE INSERT OR UPDATE ON "{table}"'
        f" FOR EACH ROW EXECUTE FUNCTION {_trigger(table)}()"
    )


def _literal(default: Any) -> str:
    if default is None or default is msgspec.NODEFAULT:
        return "NULL"
    value = default.value if isinstance(default, Enum) else default
    return str(value) if isinstance(value, bool | int) else "'" + value.replace("'", "''") + "'"


async def _fill_old(connection: Connection, row: type[Row]) -> None:
    """Let the trigger see all rows, some at a time so that nobody waits for long."""
    table, types, key = row.TABLE.name, column_types(row), ", ".join(row.TABLE.key)
    same = " AND ".join(f"t.{field} = page.{field}" for field in row.TABLE.key)
    after: list[Any] = []
    while True:
        marks = ", ".join(
            f"${index}::{types[field].split()[0]}" for index, field in enumerate(row.TABLE.key, 1)
        )
        where = f"WHERE ({key}) > ({marks}) " if after else ""
        page = await connection.fetch(
            f'WITH page AS (SELECT {key} FROM "{table}" {where}ORDER BY {key}'
            f' LIMIT {FILLED_AT_ONCE}), filled AS (UPDATE "{table}" AS t SET data = t.data'
            f" FROM page WHERE {same} RETURNING 1) SELECT {key} FROM page ORDER BY {key}",
            *after,
        )
        if not page:
            return
        after = list(page[-1])


async def finish_columns(connection: Connection, row_types: Sequence[type[Row]]) -> None:
    """Take the triggers away, and demand what every server fills now."""
    for row in row_types:
        table, may_be_null = row.TABLE.name, nullable(row)
        async with connection.transaction():
            await connection.execute(f"DROP FUNCTION IF EXISTS {_trigger(table)}() CASCADE")
            for name in column_types(row):
                if name not in may_be_null:
                    await connection.execute(
                        f'ALTER TABLE "{table}" ALTER COLUMN {name} SET NOT NULL'
                    )
