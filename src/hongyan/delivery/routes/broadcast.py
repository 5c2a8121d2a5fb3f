"""Everything goes to every node, which leaves out what concerns nobody there."""

from collections.abc import Collection, Mapping, Sequence

from hongyan.kernel.ids import LogId

from .listening import Listening
from .parcel import Told

ALL = "facts"
"""The subject that every node listens to."""


class BroadcastAddressing:
    """One parcel for all."""

    async def start(self) -> None:
        """See ``Addressing.start``."""

    async def address(self, batch: Sequence[Told]) -> Mapping[str, Sequence[Told]]:
        """See ``Addressing.address``."""
        return {ALL: batch}

    async def close(self) -> None:
        """See ``Addressing.close``."""


class BroadcastFollower:
    """Listens to all there is.

    Args:
        listening: What is listened to.
    """

    def __init__(self, listening: Listening) -> None:
        self._listening = listening

    async def start(self) -> None:
        """See ``Follower.start``."""
        await self._listening.hold((ALL,))

    async def follow(self, log_ids: Collection[LogId]) -> None:
        """See ``Follower.follow``."""

    def unfollow(self, log_ids: Collection[LogId]) -> None:
        """See ``Follower.unfollow``."""

    async def close(self) -> None:
        """See ``Follower.close``."""
