"""Peers of protocols that are not ours, as small as can be, and what stands behind all of them.

Each peer notes the bytes it would write. They are what the ports promise to XMPP, OpenIM
and others: to name the recipient, to mark what a user's other device sent, to differ by user.
"""

import asyncio
from typing import Any, ClassVar

from hongyan.access.native.mapper import NativeEncoder
from hongyan.delivery.delivery import Delivery
from hongyan.domain.log.model import Entry
from hongyan.wire.native.codec import JSON

NATIVE = NativeEncoder(JSON, lambda message: message)


class _Peer:
    """What all peers have in common."""

    def __init__(self, user_id: Any, device: str = "1") -> None:
        self.user_id = user_id
        self.device_id: Any = f"v-{user_id}-{device}"
        self.connection_id: Any = f"k-{user_id}-{device}"
        self.got: list[str] = []
        self.asked = self.closed = 0

    def kick(self, reason: str) -> None:
        self.closed += 1

    def ask_to_sync(self) -> None:
        self.asked += 1

    def close(self) -> None:
        self.closed += 1


class NativePeer(_Peer):
    """Shares its encoder with all of its kind."""

    encoder = NATIVE

    def push(self, frame: bytes) -> None:
        self.got.append(frame.decode())


class _ForeignPeer(_Peer):
    """A peer of another protocol; counts what was encoded for all of its kind."""

    encoder = None
    encodings = 0

    def deliver(self, delivery: Delivery) -> None:
        made = delivery.encoded(self.key(delivery), lambda: self._counted(delivery))
        if made is not None:
            self.got.append(made.decode())

    def _counted(self, delivery: Delivery) -> bytes | None:
        type(self).encodings += 1
        return self.encode(delivery)

    def key(self, delivery: Delivery) -> Any:
        raise NotImplementedError

    def encode(self, delivery: Delivery) -> bytes | None:
        raise NotImplementedError


class NamingPeer(_ForeignPeer):
    """Names the recipient: of a direct message the one who did not write it, else the group.

    Both sides get the same bytes of a message, so it is encoded once for all.
    """

    def key(self, delivery: Delivery) -> Any:
        return "naming"

    def encode(self, delivery: Delivery) -> bytes:
        sender = delivery.event.sender
        to = delivery.name if delivery.name else delivery.other(sender)
        return f"{delivery.event.kind} from={sender} to={to}".encode()


class CarbonPeer(_ForeignPeer):
    """Tells a user's devices what another of them sent, as sent by them, and to whom."""

    def key(self, delivery: Delivery) -> Any:
        return ("carbon", delivery.is_own(self.user_id))

    def deliver(self, delivery: Delivery) -> None:
        if not delivery.is_origin(self.connection_id):
            super().deliver(delivery)

    def encode(self, delivery: Delivery) -> bytes:
        if not delivery.is_own(self.user_id):
            return f"received from={delivery.event.sender}".encode()
        return f"sent to={delivery.name or delivery.other(self.user_id)}".encode()


class CountingPeer(_ForeignPeer):
    """Differs for each user: counts the messages that a user, not a device, was handed."""

    numbers: ClassVar[dict[str, int]] = {}

    def key(self, delivery: Delivery) -> Any:
        return ("counting", self.user_id)

    def encode(self, delivery: Delivery) -> bytes | None:
        if not isinstance(delivery.event, Entry):
            return None
        number = self.numbers[self.user_id] = self.numbers.get(self.user_id, 0) + 1
        return f"{self.user_id}#{number}".encode()


async def settle() -> None:
    for _ in range(20):
        await asyncio.sleep(0)
