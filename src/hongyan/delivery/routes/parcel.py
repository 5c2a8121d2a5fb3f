"""What travels between nodes: facts by log, many in one parcel, and the tellers' beats.

MessagePack arrays: field order is the format, so fields are only ever added at the end.
"""

from collections.abc import Iterator, Sequence

import msgspec
from msgspec import Raw, Struct

from hongyan.delivery.ports import Fact
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

TOLD_BYTES = 120
"""What a fact takes beside its body, about."""


GREETING = -1
"""The number of a parcel that greets a node which the teller did not know until now."""


class Told(Struct, frozen=True, array_like=True):
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
    """Who became a member by this entry, or left by it (``MEMBERS_LEFT``); of a conversation's
    first entry who is in it: no node follows a log that did not exist."""
    is_copy: bool = False
    """Sent for the sake of ``moved``, beside what is sent for the log."""
    devices: tuple[DeviceId, ...] = ()
    """Of a signal: which of the user's devices get it; empty for all."""
    position: int = 0
    """As in ``Committed``."""

    @property
    def size_bytes(self) -> int:
        """About what it takes on the way and in memory."""
        return TOLD_BYTES + len(self.body)

    @property
    def is_leave(self) -> bool:
        """Whether ``moved`` left."""
        return self.kind == MEMBERS_LEFT


class Parcel(Struct, frozen=True, array_like=True, tag=1):
    """Facts for one subject, in order."""

    teller: str
    """The teller's name, new each time it starts."""
    number: int
    """1 for the teller's first parcel to the subject, then one more each time. 0: not counted."""
    items: Sequence[Told]


class Beat(Struct, frozen=True, array_like=True, tag=2):
    """A teller's sign of life, and how far it has come: what did not arrive was lost."""

    teller: str
    numbers: dict[str, int]
    """Subject -> number of the last parcel, for those that got one since the last beat."""
    overflows: int
    """How often facts did not fit in the teller's queue, so far."""
    is_last: bool = False


class Presence(Struct, frozen=True, array_like=True, tag=3):
    """A node's sign of life, for tellers that must know all nodes."""

    node: str
    is_last: bool = False


Letter = Parcel | Beat | Presence

encode_letter = msgspec.msgpack.Encoder().encode
decode_letter = msgspec.msgpack.Decoder(Letter).decode
"""Raises ``msgspec.MsgspecError`` where the bytes are no letter."""

_joined = msgspec.json.Decoder(MembersJoined).decode
_left = msgspec.json.Decoder(MembersLeft).decode
_membership = msgspec.json.Decoder(MembershipJoined).decode


def told_of(fact: Fact) -> Iterator[Told]:
    """Yield what a fact tells, one for each entry."""
    if isinstance(fact, Signal):
        body, devices = bytes(fact.body), fact.devices
        yield Told(fact.log_id, 0, fact.kind, fact.sender, body, fact.origin, devices=devices)
        return
    members = _members(fact.entries) if any(entry.seq == 1 for entry in fact.entries) else {}
    for one in fact.split():
        (entry,) = one.entries
        yield Told(
            entry.log_id,
            entry.seq,
            entry.kind,
            entry.sender,
            bytes(entry.body),
            fact.origin,
            entry.ordinal,
            entry.client_id,
            entry.sent_at_ms,
            _moved(entry) or (members.get(entry.log_id, ()) if entry.seq == 1 else ()),
            position=one.position,
        )


def _members(entries: Sequence[Entry]) -> dict[LogId, tuple[UserId, ...]]:
    """Return who is told in their own log, beside these entries, to be in which conversation."""
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


def fact_of(told: Told) -> Fact:
    """Return the fact that was told."""
    if not told.seq:
        return Signal(told.log_id, told.kind, told.sender, told.body, told.origin, told.devices)
    entry = Entry(
        told.log_id,
        told.seq,
        told.ordinal,
        told.kind,
        told.sender,
        told.client_id,
        told.sent_at_ms,
        Raw(told.body),
    )
    return Committed((entry,), told.origin, told.position)
