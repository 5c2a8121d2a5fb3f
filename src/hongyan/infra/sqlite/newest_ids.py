"""A filter for client ids that are new for sure, without asking the disk.

Clients mostly make ids that sort by the time of making. One that sorts behind all others of its
sender in its log is new; only the rest must be looked for. Nothing is promised to depend on it:
ids in any order are distinguished as well, at the cost of a look-up each.
"""

from collections.abc import Callable

PAIRS_KEPT = 200_000

Pair = tuple[int, str]
"""A log's key and a sender."""


class NewestIds:
    """Remembers the greatest client id of each sender in each log.

    What is remembered may be too great, after a transaction that was rolled back: then an id is
    looked for in vain. It is never too small.

    Args:
        on_disk: Returns the greatest id of a pair that the index on disk holds, or None.
    """

    def __init__(self, on_disk: Callable[[Pair], str | None]) -> None:
        self._on_disk = on_disk
        self._seen: dict[Pair, str] = {}
        """The greatest id since the index on disk was last complete, or since longer ago."""
        self._greatest: dict[Pair, str] = {}

    def see(self, pair: Pair, client_id: str) -> bool:
        """Take note of an id; return whether it is greater than all before it.

        At the first sight of a pair that is not known: it may be its only one, and asking for
        one pair costs more than looking many ids up at once.
        """
        greatest = self._greatest.get(pair)
        if greatest is None:
            seen = self._seen.get(pair)
            if seen is None:
                self._seen[pair] = client_id
                return False
            greatest = max(seen, self._on_disk(pair) or "")
            if client_id <= greatest:
                self._greatest[pair] = greatest
        if client_id <= greatest:
            return False
        self._greatest[pair] = client_id
        return True

    def trim(self) -> None:
        """Forget when too much is remembered; only while the index on disk is complete."""
        if len(self._seen) > PAIRS_KEPT:
            self._seen.clear()
            self._greatest.clear()
