"""SQLite's own dialect of rows; the rest is in ``infra.sql.rows``."""

import functools

from hongyan.domain.log.model import Table
from hongyan.infra.sql.rows import Dialect, columns, index_name, ordering

SQLITE = Dialect("?", ' INDEXED BY "{index}"', "", " DESC")


def create(table: Table) -> list[str]:
    """Return the statements that make the table and its indexes where they do not exist."""
    key = ", ".join(table.key)
    statements = [
        f'CREATE TABLE IF NOT EXISTS "{table.name}" ({", ".join(columns(table))}, '
        f"data BLOB NOT NULL, PRIMARY KEY ({key})) WITHOUT ROWID"
    ]
    for name, fields in table.indexes.items():
        statements.append(
            f'CREATE INDEX IF NOT EXISTS "{index_name(table, name)}" ON "{table.name}" '
            f"({', '.join(ordering(table, fields))})"
        )
    for name, fields in table.unique.items():
        statements.append(
            f'CREATE UNIQUE INDEX IF NOT EXISTS "{index_name(table, name)}" ON "{table.name}" '
            f"({', '.join(fields)})"
        )
    return statements


@functools.cache
def get_many(table: Table) -> str:
    """Return the statement that reads rows by a JSON array of keys (each an array)."""
    match = " AND ".join(
        f"t.{field} = json_extract(wanted.value, '$[{index}]')"
        for index, field in enumerate(table.key)
    )
    return f'SELECT data FROM json_each(?) AS wanted CROSS JOIN "{table.name}" AS t ON {match}'
