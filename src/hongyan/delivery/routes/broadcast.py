"""Everything goes to every node, which leaves out what concerns nobody there."""

from collections.abc import Collection, Mapping, Sequence

from hongyan.kernel.ids import LogId

from .batch import RoutedEvent
from .subscriptions import Subscriptions

ALL = "facts"
"""The subject that every node listens to."""


class BroadcastAddressing:
    """One batch for all."""

    async def start(self) -> None:
        """See ``Addressing.start``."""

    async def address(self, batch: Sequence[RoutedEvent]) -> Mapping[str, Sequence[RoutedEvent]]:
        """See ``Addressing.address``."""
        return {ALL: batch}

    async def close(self) -> None:
        """See ``Addressing.close``."""


class BroadcastFollower:
    """Listens to all there is.

    Args:
        listening: What is listened to.
    """

    def __init__(self, listening: Subscriptions) -> None:
        self._listening = listening

    async def start(self) -> None:
        """See ``Follower.start``."""
        await self._listening.acquire((ALL,))

    async def follow(self, log_ids: Collection[LogId]) -> None:
        """See ``Follower.follow``."""

    def unfollow(self, log_ids: Collection[LogId]) -> None:
        """See ``Follower.unfollow``."""

    async def close(self) -> None:
        """See ``Follower.close``."""
