"""PostgreSQL's own dialect of rows; the rest is in ``infra.sql.rows``."""

import functools
from enum import Enum
from types import NoneType
from typing import Any, Literal, get_args, get_origin

import msgspec

from hongyan.domain.log.model import Row, Table
from hongyan.infra.sql.rows import Dialect, columns, index_name, nullable, ordering

POSTGRES = Dialect("$", "", " NULLS FIRST", " DESC NULLS LAST")
TEXT = 'text COLLATE "C"'


@functools.cache
def column_types(row: type[Row]) -> dict[str, str]:
    """Return the type of each column but ``data``, as PostgreSQL calls it."""
    types = {field.name: field.type for field in msgspec.structs.fields(row)}
    return {name: _sql_type(types[name]) for name in columns(row.TABLE)}


def _sql_type(annotation: Any) -> str:
    """Return the column's type for a field of this type.

    Raises:
        TypeError: such a field cannot be a key or in an index.
    """
    while hasattr(annotation, "__supertype__"):  # a NewType
        annotation = annotation.__supertype__
    if get_origin(annotation) is Literal:
        return TEXT
    options = [one for one in get_args(annotation) if one is not NoneType]
    if options:
        return _sql_type(options[0])
    if isinstance(annotation, type):
        if issubclass(annotation, bool):
            return "boolean"
        if issubclass(annotation, int):
            return "bigint"
        if issubclass(annotation, str | Enum):
            return TEXT
    raise TypeError(f"no column for {annotation!r}")


def create(row: type[Row]) -> list[tuple[str, str]]:
    """Return the names of the table and of its indexes, each with the statement that makes it."""
    table, may_be_null = row.TABLE, nullable(row)
    fields = [
        f"{name} {kind}{'' if name in may_be_null else ' NOT NULL'}"
        for name, kind in column_types(row).items()
    ]
    made = [
        (
            table.name,
            f'CREATE TABLE IF NOT EXISTS "{table.name}" ({", ".join(fields)}, '
            f"data bytea NOT NULL, PRIMARY KEY ({', '.join(table.key)}))",
        )
    ]
    for name, by in table.indexes.items():
        made.append(_index(table, name, "INDEX", ordering(table, by)))
    for name, by in table.unique.items():
        made.append(_index(table, name, "UNIQUE INDEX", by))
    return made


def _index(table: Table, name: str, kind: str, fields: tuple[str, ...]) -> tuple[str, str]:
    named = index_name(table, name)
    sorting = ", ".join(f"{field} NULLS FIRST" for field in fields)
    return named, f'CREATE {kind} IF NOT EXISTS "{named}" ON "{table.name}" ({sorting})'


@functools.cache
def get_many(row: type[Row]) -> str:
    """Return the statement that reads rows by arrays, one for each field of the key."""
    table, types = row.TABLE, column_types(row)
    arrays = ", ".join(
        f"${index}::{types[field].split()[0]}[]" for index, field in enumerate(table.key, 1)
    )
    match = " AND ".join(f"t.{field} = wanted.{field}" for field in table.key)
    names = ", ".join(table.key)
    return f'SELECT data FROM unnest({arrays}) AS wanted ({names}) JOIN "{table.name}" t ON {match}'
