"""Reading rows with SQL: the port ``Records``, but for how a database takes many keys at once."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

import msgspec

from hongyan.domain.log.model import Order, Row

from . import rows
from .rows import Dialect

R = TypeVar("R", bound=Row)


class SqlRecords(ABC):
    """The port ``Records`` over a database that speaks SQL.

    Args:
        dialect: How it wants to be spoken to.
        row_types: All rows that will be read.
    """

    def __init__(self, dialect: Dialect, row_types: Sequence[type[Row]]) -> None:
        self._dialect = dialect
        self._decoders: dict[type[Row], Callable[[bytes], Any]] = {
            row: msgspec.json.Decoder(row).decode for row in row_types
        }

    @abstractmethod
    async def _read(self, statement: str, bindings: Any) -> Sequence[Any]:
        """Return what a statement finds: for each row its columns, in order."""

    @abstractmethod
    async def _read_many(self, row: type[Row], keys: Sequence[tuple[Any, ...]]) -> Sequence[Any]:
        """Return the JSON of the rows that have one of these keys, in any order."""

    async def get(self, row: type[R], *key: Any) -> R | None:
        """See ``Records.get``."""
        found = await self._read(rows.get(row.TABLE, self._dialect), key)
        return self._decoders[row](found[0][0]) if found else None

    async def get_many(self, row: type[R], keys: Sequence[tuple[Any, ...]]) -> Mapping[Any, R]:
        """See ``Records.get_many``."""
        if not keys:
            return {}
        decode = self._decoders[row]
        decoded = [decode(data) for (data,) in await self._read_many(row, keys)]
        if len(row.TABLE.key) == 1:
            return {one.key()[0]: one for one in decoded}
        return {one.key(): one for one in decoded}

    async def scan(
        self,
        row: type[R],
        *prefix: Any,
        by: str | None = None,
        after: tuple[Any, ...] = (),
        limit: int = 1000,
        order: Order = "oldest",
    ) -> list[R]:
        """See ``Records.scan``."""
        nulls = (rows.nulls(prefix), rows.nulls(after))
        statement = rows.select(self._dialect, row, by, *nulls, order == "newest")
        bindings = rows.bound(*prefix, *after, limit)
        decode = self._decoders[row]
        return [decode(data) for (data,) in await self._read(statement, bindings)]

    async def keys(
        self, row: type[R], *prefix: Any, by: str | None = None, limit: int = 1_000_000
    ) -> list[tuple[Any, ...]]:
        """See ``Records.keys``."""
        statement = rows.select(self._dialect, row, by, rows.nulls(prefix), what="keys")
        bindings = rows.bound(*prefix, limit)
        return [tuple(found) for found in await self._read(statement, bindings)]

    async def count(self, row: type[R], *prefix: Any, by: str | None = None) -> int:
        """See ``Records.count``."""
        statement = rows.select(self._dialect, row, by, rows.nulls(prefix), what="count")
        return int((await self._read(statement, rows.bound(*prefix)))[0][0])
