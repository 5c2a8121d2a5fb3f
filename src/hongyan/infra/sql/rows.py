"""SQL made from the declarations of rows, for every store that speaks it.

A table has a column for each key and index field, and the whole row as JSON beside them.
Values that are None are written into the statements as NULL and not bound.
"""

import functools
from collections.abc import Sequence
from typing import Any, get_args

import msgspec
from msgspec import Struct

from hongyan.domain.log.model import Row, Table

encode_row = msgspec.json.Encoder().encode
Nulls = tuple[bool, ...]
"""For each value that a statement compares with, whether it is None."""


class Dialect(Struct, frozen=True):
    """The dialect of a database."""

    mark: str
    """The text before the number of a bound value."""
    index_hint: str
    """Names the index to be used, with ``{index}`` for its name; empty when that cannot be said."""
    ascending: str
    """Follows a field by which rows are sorted, NULL first."""
    descending: str
    """Follows a field by which rows are sorted the other way, NULL last."""


@functools.cache
def columns(table: Table) -> tuple[str, ...]:
    """Return the fields that have a column of their own: the key's first."""
    names = list(table.key)
    for fields in (*table.indexes.values(), *table.unique.values()):
        names.extend(field for field in fields if field not in names)
    return tuple(names)


def index_name(table: Table, name: str) -> str:
    """Return the name of an index, or of a unique constraint, in the database."""
    return f"{table.name}__{name}"


def ordering(table: Table, fields: tuple[str, ...]) -> tuple[str, ...]:
    """Return the full order of an index: its fields, then the key's that it lacks."""
    return (*fields, *(field for field in table.key if field not in fields))


def values(row: Row) -> tuple[Any, ...]:
    """Return what ``put`` binds."""
    return (*(getattr(row, name) for name in columns(row.TABLE)), encode_row(row))


def nulls(given: Sequence[Any]) -> Nulls:
    """Return which of the values are None."""
    return tuple([value is None for value in given])


def bound(*given: Any) -> tuple[Any, ...]:
    """Return the values that are bound: those that are not None."""
    return tuple([value for value in given if value is not None])


@functools.cache
def put(table: Table, dialect: Dialect) -> str:
    """Return the statement that inserts or replaces by key."""
    names = (*columns(table), "data")
    updates = ", ".join(f"{name} = excluded.{name}" for name in names if name not in table.key)
    return (
        f'INSERT INTO "{table.name}" ({", ".join(names)}) '
        f"VALUES ({', '.join(f'{dialect.mark}{index}' for index in range(1, len(names) + 1))}) "
        f"ON CONFLICT ({', '.join(table.key)}) DO UPDATE SET {updates}"
    )


@functools.cache
def drop(table: Table, dialect: Dialect) -> str:
    """Return the statement that deletes by key."""
    return f'DELETE FROM "{table.name}" WHERE {_is_key(table, dialect)}'


@functools.cache
def get(table: Table, dialect: Dialect) -> str:
    """Return the statement that reads one row by key."""
    return f'SELECT data FROM "{table.name}" WHERE {_is_key(table, dialect)}'


def _is_key(table: Table, dialect: Dialect) -> str:
    return " AND ".join(
        f"{field} = {dialect.mark}{index}" for index, field in enumerate(table.key, 1)
    )


@functools.cache
def nullable(row: type[Row]) -> frozenset[str]:
    """Return the fields that may be None."""
    found = msgspec.structs.fields(row)
    return frozenset(field.name for field in found if type(None) in get_args(field.type))


@functools.cache
def select(
    dialect: Dialect,
    row: type[Row],
    by: str | None,
    prefix: Nulls,
    after: Nulls = (),
    newest: bool = False,
    what: str = "data",
) -> str:
    """Return the statement behind ``Records.scan``, ``keys`` and ``count``.

    Args:
        dialect: The database's.
        row: The type of the rows.
        by: The index, or None for the key.
        prefix: For each leading field that is equal to a given value, whether that is None.
        after: For each further field that the page's start names, whether it is None there.
        newest: Whether to walk backwards.
        what: ``data``, ``keys`` or ``count``.
    """
    table = row.TABLE
    order = table.key if by is None else ordering(table, table.index(by))
    marks = _marks(dialect, (*prefix, *after))
    conditions = [_same(*pair) for pair in zip(order, marks[: len(prefix)], strict=False)]
    rest, starts = order[len(prefix) :], marks[len(prefix) :]
    if after:
        names = rest[: len(after)]
        if any(after) or (newest and not nullable(row).isdisjoint(names)):
            conditions.append(_beyond(row, names, starts, newest))
        else:
            compare = "<" if newest else ">"
            conditions.append(f"({', '.join(names)}) {compare} ({', '.join(map(str, starts))})")
    where = f" WHERE {' AND '.join(conditions)}" if conditions else ""
    source = f'"{table.name}"'
    if by:
        source += dialect.index_hint.format(index=index_name(table, by))
    if what == "count":
        return f"SELECT count(*) FROM {source}{where}"
    what = ", ".join(table.key) if what == "keys" else what
    direction = dialect.descending if newest else dialect.ascending
    if by is None:
        direction = " DESC" if newest else ""
    sorting = ", ".join(field + direction for field in (rest or order))
    limit = f"{dialect.mark}{sum(not null for null in (*prefix, *after)) + 1}"
    return f"SELECT {what} FROM {source}{where} ORDER BY {sorting} LIMIT {limit}"


def _marks(dialect: Dialect, values_are_null: Nulls) -> list[str | None]:
    """Return the mark of each value that is bound, and None for each NULL."""
    places = iter(range(1, len(values_are_null) + 1))
    return [None if null else f"{dialect.mark}{next(places)}" for null in values_are_null]


def _same(name: str, mark: str | None) -> str:
    return f"{name} IS NULL" if mark is None else f"{name} = {mark}"


def _beyond(
    row: type[Row], names: tuple[str, ...], starts: Sequence[str | None], newest: bool
) -> str:
    """Return the condition "comes after" for fields that may be NULL, which sorts first."""
    name, start = names[0], starts[0]
    if not newest:
        further = f"{name} IS NOT NULL" if start is None else f"{name} > {start}"
    elif start is None:
        further = "FALSE"
    else:
        further = f"{name} < {start}"
        if name in nullable(row):
            further += f" OR {name} IS NULL"
    if len(names) == 1:
        return f"({further})"
    rest = _beyond(row, names[1:], starts[1:], newest)
    return f"({further} OR ({_same(name, start)} AND {rest}))"
