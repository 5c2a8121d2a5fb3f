"""Messages between nodes: batches of events, and heartbeats.

MessagePack arrays: field order is the format, so fields are only ever added at the end.
"""

from collections.abc import Iterator, Sequence

import msgspec
from msgspec import Raw, Struct

from hongyan.delivery.ports import Event
from hongyan.domain.group.model import (
    MEMBERS_JOINED,
    MEMBERS_LEFT,
    MEMBERSHIP_JOINED,
    MembershipJoined,
    MembersJoined,
    MembersLeft,
)
from hongyan.domain.log.model import Committed, Entry, Signal
from hongyan.kernel.ids import ClientId, ConnectionId, DeviceId, LogId, UserId, log_owner

OVERHEAD_BYTES = 120
"""Bytes that an event takes beside its body, about."""


GREETING = -1
"""The number of a batch that greets a node which the publisher did not know until now."""


class RoutedEvent(Struct, frozen=True, array_like=True):
    """An entry or a signal on its way."""

    log_id: LogId
    seq: int
    """0 for a signal."""
    kind: str
    sender: UserId
    body: bytes
    origin: ConnectionId
    ordinal: int = 0
    client_id: ClientId = ClientId("")
    sent_at_ms: int = 0
    moved: tuple[UserId, ...] = ()
    """The users who became members by this entry, or left by it (``MEMBERS_LEFT``); of a
    conversation's first entry who is in it: no node follows a log that did not exist."""
    is_copy: bool = False
    """Sent for the sake of ``moved``, beside what is sent for the log."""
    devices: tuple[DeviceId, ...] = ()
    """Of a signal: which of the user's devices get it; empty for all."""
    position: int = 0
    """As in ``Committed``."""

    @property
    def size_bytes(self) -> int:
        """About what it takes on the way and in memory."""
        return OVERHEAD_BYTES + len(self.body)

    @property
    def is_leave(self) -> bool:
        """Whether ``moved`` left."""
        return self.kind == MEMBERS_LEFT


class EventBatch(Struct, frozen=True, array_like=True, tag=1):
    """Events for one subject, in order."""

    publisher: str
    """The publisher's name, new each time it starts."""
    number: int
    """1 for the publisher's first batch to the subject, then one more each time. 0: not counted."""
    items: Sequence[RoutedEvent]


class Heartbeat(Struct, frozen=True, array_like=True, tag=2):
    """A publisher's sign of life, and how far it has come: what did not arrive was lost."""

    publisher: str
    numbers: dict[str, int]
    """Subject -> number of the last batch, for those that got one since the last heartbeat."""
    overflows: int
    """Events that did not fit in the publisher's queue, so far."""
    is_last: bool = False


class NodeHeartbeat(Struct, frozen=True, array_like=True, tag=3):
    """A node's sign of life, for publishers that must know all nodes."""

    node: str
    is_last: bool = False


RouteMessage = EventBatch | Heartbeat | NodeHeartbeat

encode_message = msgspec.msgpack.Encoder().encode
decode_message = msgspec.msgpack.Decoder(RouteMessage).decode
"""Raises ``msgspec.MsgspecError`` where the bytes are no letter."""

_joined = msgspec.json.Decoder(MembersJoined).decode
_left = msgspec.json.Decoder(MembersLeft).decode
_membership = msgspec.json.Decoder(MembershipJoined).decode


def routed_events_of(event: Event) -> Iterator[RoutedEvent]:
    """Yield the routed events of an event, one for each entry."""
    if isinstance(event, Signal):
        body, devices = bytes(event.body), event.devices
        yield RoutedEvent(
            event.log_id, 0, event.kind, event.sender, body, event.origin, devices=devices
        )
        return
    members = _members(event.entries) if any(entry.seq == 1 for entry in event.entries) else {}
    for one in event.split():
        (entry,) = one.entries
        yield RoutedEvent(
            entry.log_id,
            entry.seq,
            entry.kind,
            entry.sender,
            bytes(entry.body),
            event.origin,
            entry.ordinal,
            entry.client_id,
            entry.sent_at_ms,
            _moved(entry) or (members.get(entry.log_id, ()) if entry.seq == 1 else ()),
            position=one.position,
        )


def _members(entries: Sequence[Entry]) -> dict[LogId, tuple[UserId, ...]]:
    """Return who has, beside these entries, a membership of which conversation in their own log."""
    found: dict[LogId, tuple[UserId, ...]] = {}
    for entry in entries:
        owner = log_owner(entry.log_id)
        if owner is not None and entry.kind == MEMBERSHIP_JOINED:
            log_id = LogId(_membership(entry.body).conversation_id)
            found[log_id] = (*found.get(log_id, ()), owner)
    return found


def _moved(entry: Entry) -> tuple[UserId, ...]:
    if entry.kind == MEMBERS_JOINED:
        return _joined(entry.body).user_ids
    if entry.kind == MEMBERS_LEFT:
        return _left(entry.body).user_ids
    return ()


def event_of(routed: RoutedEvent) -> Event:
    """Return the event that was published."""
    if not routed.seq:
        return Signal(
            routed.log_id, routed.kind, routed.sender, routed.body, routed.origin, routed.devices
        )
    entry = Entry(
        routed.log_id,
        routed.seq,
        routed.ordinal,
        routed.kind,
        routed.sender,
        routed.client_id,
        routed.sent_at_ms,
        Raw(routed.body),
    )
    return Committed((entry,), routed.origin, routed.position)
