"""The parts of a move between databases: tables, by columns that every database has."""

from collections.abc import Iterator, Sequence

from msgspec import Struct

from hongyan.domain.log.model import Row

from .rows import columns


class DataTable(Struct, frozen=True):
    """One table.

    Args:
        name: The table's name.
        columns: Its columns.
        key: The columns by which its rows are ordered and named.
    """

    name: str
    columns: tuple[str, ...]
    key: tuple[str, ...]


LOG = DataTable("log", ("log_id", "seq", "ordinal", "epoch"), ("log_id",))
ENTRY = DataTable(
    "entry",
    (
        "position",
        "log_id",
        "seq",
        "ordinal",
        "kind",
        "sender",
        "client_id",
        "sent_at_ms",
        "body",
    ),
    ("position",),
)
CURSOR = DataTable(
    "cursor",
    ("log_id", "user_id", "read_seq", "read_ordinal", "delivered_seq", "sent_at_ms"),
    ("log_id", "user_id"),
)
READER = DataTable("reader", ("name", "place"), ("name",))


def parts(row_types: Sequence[type[Row]]) -> Iterator[DataTable]:
    """Yield all parts: what the logs are, then the tables of rows."""
    yield from (LOG, ENTRY, CURSOR, READER)
    for row in row_types:
        table = row.TABLE
        yield DataTable(table.name, (*columns(table), "data"), table.key)
