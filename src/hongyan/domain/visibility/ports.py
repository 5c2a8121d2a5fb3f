"""Ports of visibility to the services above it."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from hongyan.domain.log.model import Entry
from hongyan.kernel.ids import LogId

Position = tuple[LogId, int]
"""A log and a seq in it."""


class Versions(Protocol):
    """The earlier versions of entries; the message service keeps them."""

    async def as_of(self, wanted: Sequence[tuple[Entry, int]]) -> Mapping[Position, Entry]:
        """Return those of these entries that were rewritten later, as they stood then.

        Args:
            wanted: Entries, each with the seq that was the newest of its log then.

        Returns:
            By log and seq; of a version that is not kept, the entry without its content.
            At most two reads.
        """
        ...
