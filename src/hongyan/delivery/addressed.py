"""The peers of one conversation that encode events for themselves.

What the conversation is, is asked for once, when the first of them is to get an event; what
comes meanwhile waits, and so do these peers alone. From then on the log says what changes.
"""

import asyncio
import logging

from hongyan.domain.conversation.model import About
from hongyan.kernel.ids import ConversationId

from .delivery import Delivery, renamed
from .failures import Failures
from .fanout import address
from .ports import AddressedPeer, Descriptions
from .resyncs import Resyncs

log = logging.getLogger(__name__)

HELD_MAX = 10_000


class Addressed:
    """The peers, and what their conversation is.

    Args:
        conversation_id: The conversation.
        descriptions: Says what it is.
        failures: Sees to peers that fail.
        resyncs: Asks those to sync that lose something.
    """

    def __init__(
        self,
        conversation_id: ConversationId,
        descriptions: Descriptions,
        failures: Failures,
        resyncs: Resyncs,
    ) -> None:
        self.peers: dict[AddressedPeer, None] = {}
        self._conversation_id = conversation_id
        self._descriptions = descriptions
        self._failures = failures
        self._resyncs = resyncs
        self._about: About | None = None
        self._held: list[tuple[Delivery, tuple[AddressedPeer, ...]]] = []
        self._asking: asyncio.Task[None] | None = None

    def deliver(self, delivery: Delivery, peers: tuple[AddressedPeer, ...]) -> None:
        """Hand an event to these of the peers; to none, it is only noted what it changes."""
        if self._asking is not None:
            if len(self._held) < HELD_MAX:  # beyond: peers see a gap in seq, and sync
                self._held.append((delivery, peers))
        elif self._about is not None:
            self._hand(delivery, peers)
        elif peers:
            self._held.append((delivery, peers))
            self._asking = asyncio.get_running_loop().create_task(self._ask())

    def _hand(self, delivery: Delivery, peers: tuple[AddressedPeer, ...]) -> None:
        if self._about is not None:
            self._about = delivery.about = renamed(self._about, delivery.event)
        failed = address(delivery, peers)
        if failed is not None:
            self._failures.note(delivery.event, failed)

    async def _ask(self) -> None:
        try:
            self._about = await self._descriptions.describe(self._conversation_id)
        except Exception:
            log.exception("cannot learn what %s is", self._conversation_id)
        self._asking = None
        held, self._held = self._held, []
        if self._about is None:  # tried again at the next event
            self._resyncs.ask(peer for _, peers in held for peer in peers)
            return
        for delivery, peers in held:
            self._hand(delivery, peers)
