"""What delivery needs: peers to hand frames to, and who belongs to a conversation."""

from collections.abc import Collection
from typing import Protocol

from hongyan.domain.log.model import Entry, Signal
from hongyan.kernel.ids import ConversationId, DeviceId, UserId


class Encoder(Protocol):
    """Turns a fact into the bytes that go on the socket, in one protocol and format.

    Peers that share an encoder (the same object) share the bytes: a fact is encoded once for
    all of them.
    """

    def encode(self, fact: Entry | Signal) -> bytes | None:
        """Return the complete frame, or None where this protocol has no word for the fact."""
        ...


class Peer(Protocol):
    """One connected device. A device has at most one peer here."""

    user_id: UserId
    device_id: DeviceId
    encoder: Encoder

    def push(self, frame: bytes) -> None:
        """Queue a frame; returns at once. A peer that is closed or too slow drops it."""
        ...

    def kick(self, reason: str) -> None:
        """Tell the device why (a ``DeviceRemoved`` reason) and close."""
        ...


class Audience(Protocol):
    """Who belongs where."""

    async def members(self, conversation_id: ConversationId) -> Collection[UserId]:
        """Return the active members."""
        ...

    async def conversations(self, user_id: UserId) -> Collection[ConversationId]:
        """Return the conversations in which the user is active."""
        ...
