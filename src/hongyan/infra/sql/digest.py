"""Digests of tables: equal hashes, equal content, whatever database holds them."""

import hashlib
from collections.abc import Iterable, Sequence
from typing import Any

import msgspec
from msgspec import Struct

_pack = msgspec.msgpack.Encoder().encode


class TableDigest(Struct, frozen=True):
    """One table: how many rows, and the hash of all of them in the order of their keys."""

    name: str
    rows: int
    sha256: str


class TableHasher:
    """Takes the rows of a table in the order of their keys.

    Args:
        name: The table's name.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._hash = hashlib.sha256()
        self._rows = 0

    def add(self, rows: Iterable[Sequence[Any]]) -> None:
        """Take more rows: what they hold of None, integers, texts and bytes."""
        for row in rows:
            self._hash.update(_pack(row))
            self._rows += 1

    @property
    def digest(self) -> TableDigest:
        """The digest of what was taken so far."""
        return TableDigest(self._name, self._rows, self._hash.hexdigest())
