"""SQL made from the declarations of rows.

A table has a column for each key and index field, and the whole row as JSON beside them.
"""

import functools
from typing import Any, get_args

import msgspec

from hongyan.domain.log.model import Row, Table

encode_row = msgspec.json.Encoder().encode


@functools.cache
def columns(table: Table) -> tuple[str, ...]:
    """Return the fields that have a column of their own: the key's first."""
    names = list(table.key)
    for fields in (*table.indexes.values(), *table.unique.values()):
        names.extend(field for field in fields if field not in names)
    return tuple(names)


def create(table: Table) -> list[str]:
    """Return the statements that make the table and its indexes where they do not exist."""
    key = ", ".join(table.key)
    statements = [
        f'CREATE TABLE IF NOT EXISTS "{table.name}" ({", ".join(columns(table))}, '
        f"data BLOB NOT NULL, PRIMARY KEY ({key})) WITHOUT ROWID"
    ]
    for name, fields in table.indexes.items():
        statements.append(
            f'CREATE INDEX IF NOT EXISTS "{table.name}__{name}" ON "{table.name}" '
            f"({', '.join(ordering(table, fields))})"
        )
    for name, fields in table.unique.items():
        statements.append(
            f'CREATE UNIQUE INDEX IF NOT EXISTS "{table.name}__{name}" ON "{table.name}" '
            f"({', '.join(fields)})"
        )
    return statements


def ordering(table: Table, fields: tuple[str, ...]) -> tuple[str, ...]:
    """Return the full order of an index: its fields, then the key's that it lacks."""
    return (*fields, *(field for field in table.key if field not in fields))


@functools.cache
def put(table: Table) -> str:
    """Return the statement that inserts or replaces by key."""
    names = (*columns(table), "data")
    updates = ", ".join(f"{name} = excluded.{name}" for name in names if name not in table.key)
    return (
        f'INSERT INTO "{table.name}" ({", ".join(names)}) '
        f"VALUES ({', '.join('?' * len(names))}) "
        f"ON CONFLICT ({', '.join(table.key)}) DO UPDATE SET {updates}"
    )


def values(row: Row) -> tuple[Any, ...]:
    """Return what ``put`` binds."""
    return (*(getattr(row, name) for name in columns(row.TABLE)), encode_row(row))


@functools.cache
def drop(table: Table) -> str:
    """Return the statement that deletes by key."""
    return f'DELETE FROM "{table.name}" WHERE {" AND ".join(f"{k} = ?" for k in table.key)}'


@functools.cache
def get(table: Table) -> str:
    """Return the statement that reads one row by key."""
    return f'SELECT data FROM "{table.name}" WHERE {" AND ".join(f"{k} = ?" for k in table.key)}'


@functools.cache
def get_many(table: Table) -> str:
    """Return the statement that reads rows by a JSON array of keys (each an array)."""
    match = " AND ".join(
        f"t.{field} = json_extract(wanted.value, '$[{place}]')"
        for place, field in enumerate(table.key)
    )
    return f'SELECT data FROM json_each(?) AS wanted CROSS JOIN "{table.name}" AS t ON {match}'


@functools.cache
def nullable(row: type[Row]) -> frozenset[str]:
    """Return the fields that may be None."""
    found = msgspec.structs.fields(row)
    return frozenset(field.name for field in found if type(None) in get_args(field.type))


@functools.cache
def select(
    row: type[Row],
    by: str | None,
    bound: int,
    after: tuple[bool, ...] = (),
    newest: bool = False,
    what: str = "data",
) -> str:
    """Return the statement behind ``Records.scan``, ``keys`` and ``count``.

    Args:
        row: The type of the rows.
        by: The index, or None for the key.
        bound: How many leading fields are equal to given values.
        after: For each further field that the page's start names, whether it is None there.
        newest: Whether to walk backwards.
        what: ``data``, ``keys`` or ``count``.
    """
    table = row.TABLE
    order = table.key if by is None else ordering(table, table.index(by))
    conditions = [f"{field} IS ?{place}" for place, field in enumerate(order[:bound], 1)]
    rest = order[bound:]
    if after:
        names = rest[: len(after)]
        if any(after) or (newest and not nullable(row).isdisjoint(names)):
            conditions.append(_beyond(row, names, after, newest, bound + 1))
        else:
            marks = ", ".join(f"?{bound + place}" for place in range(1, len(after) + 1))
            conditions.append(f"({', '.join(names)}) {'<' if newest else '>'} ({marks})")
    where = f" WHERE {' AND '.join(conditions)}" if conditions else ""
    source = f'"{table.name}"' + (f' INDEXED BY "{table.name}__{by}"' if by else "")
    if what == "count":
        return f"SELECT count(*) FROM {source}{where}"
    what = ", ".join(table.key) if what == "keys" else what
    direction = " DESC" if newest else ""
    sorting = ", ".join(field + direction for field in (rest or order))
    limit = f"LIMIT ?{bound + len(after) + 1}"
    return f"SELECT {what} FROM {source}{where} ORDER BY {sorting} {limit}"


def _beyond(
    row: type[Row], names: tuple[str, ...], nulls: tuple[bool, ...], newest: bool, place: int
) -> str:
    """Return the condition "comes after" for fields that may be NULL, which sorts first."""
    name, null = names[0], nulls[0]
    if not newest:
        further = f"{name} IS NOT NULL" if null else f"{name} > ?{place}"
    elif null:
        further = "FALSE"
    else:
        further = f"{name} < ?{place}"
        if name in nullable(row):
            further += f" OR {name} IS NULL"
    if len(names) == 1:
        return f"({further})"
    rest = _beyond(row, names[1:], nulls[1:], newest, place + 1)
    return f"({further} OR ({name} IS ?{place} AND {rest}))"
