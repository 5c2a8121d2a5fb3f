"""SQL made from the declarations of rows.

A table has a column for each key and index field, and the whole row as JSON beside them.
"""

import functools
from typing import Any

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
def select(
    table: Table, by: str | None, bound: int, after: int, newest: bool, what: str = "data"
) -> str:
    """Return the statement behind ``Records.scan``, ``keys`` and ``count``.

    Args:
        table: The table.
        by: The index, or None for the key.
        bound: How many leading fields are equal to given values.
        after: How many further fields the page's start names.
        newest: Whether to walk backwards.
        what: ``data``, ``keys`` or ``count``.
    """
    order = table.key if by is None else ordering(table, table.index(by))
    conditions = [f"{field} = ?" for field in order[:bound]]
    rest = order[bound:]
    if after:
        names = ", ".join(rest[:after])
        conditions.append(f"({names}) {'<' if newest else '>'} ({', '.join('?' * after)})")
    where = f" WHERE {' AND '.join(conditions)}" if conditions else ""
    if what == "count":
        return f'SELECT count(*) FROM "{table.name}"{where}'
    what = ", ".join(table.key) if what == "keys" else what
    direction = " DESC" if newest else ""
    sorting = ", ".join(field + direction for field in (rest or order))
    return f'SELECT {what} FROM "{table.name}"{where} ORDER BY {sorting} LIMIT ?'
