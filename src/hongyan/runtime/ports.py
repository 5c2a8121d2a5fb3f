"""Ports of the runtime."""

from collections.abc import Collection
from typing import Protocol

from hongyan.domain.log.ports import ChangeStream, Log, Records

TERM_S = 5.0
"""Seconds that a lease lasts without being renewed."""


class Store(Log, ChangeStream, Records, Protocol):
    """The store of entries, positions and rows."""


class Leases(Protocol):
    """Leases: one process at a time holds each work, until nobody renews its lease."""

    async def meet(self) -> list[str]:
        """Say to the others that this process takes part; return the names of all that do.

        Raises:
            OSError: nobody knows now.
        """
        ...

    async def claim(self, works: Collection[str]) -> set[str]:
        """Take these or renew them; return those that are this process's for another term.

        Raises:
            OSError: nobody knows now.
        """
        ...

    async def resign(self, works: Collection[str]) -> None:
        """Give back those that are ours; never raises."""
        ...

    async def leave(self) -> None:
        """Take part no more; never raises."""
        ...
