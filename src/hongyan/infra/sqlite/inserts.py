"""Statements that insert many rows at once.

They cost less than many short ones, and let the other threads run while SQLite works.
"""

from collections.abc import Callable, Iterable, Sequence
from itertools import chain
from typing import Any

import apsw

CHUNKS = (256, 64, 8, 1)


def multi_insert(head: str, width: int, tail: str = "") -> Callable[[int], str]:
    """Return what gives the statement for so many rows of so many columns."""
    row = "(" + ", ".join("?" * width) + ")"
    texts = {size: f"{head} VALUES {', '.join([row] * size)} {tail}" for size in CHUNKS}
    return texts.__getitem__


def insert_many(
    connection: apsw.Connection, statement: Callable[[int], str], many: Sequence[tuple[Any, ...]]
) -> None:
    """Insert all the rows, in their order."""
    start = 0
    for size in CHUNKS:
        while len(many) - start >= size:
            part: Iterable[tuple[Any, ...]] = many[start : start + size]
            connection.execute(statement(size), tuple(chain.from_iterable(part)))
            start += size
