"""Commands that trace one message's way, without its content."""

from msgspec import Struct

from hongyan.kernel.bus import Access, Command
from hongyan.kernel.ids import ConversationId, DeviceId, UserId


class DevicePush(Struct, frozen=True):
    """A node handed the entry to one connected device."""

    user_id: UserId
    device_id: DeviceId
    node: str
    at_ms: int
    """When it was pushed; the device may have been cut off before it had read it."""
    is_connected: bool
    """Whether that connection is still open."""


class NodeTrace(Struct, frozen=True):
    """One node's knowledge of an entry. It knows of the newest some thousands."""

    node: str
    heard_at_ms: int = 0
    """When the event came there; 0 when it never did, or it is forgotten."""
    pushes: tuple[DevicePush, ...] = ()


class TracedDevice(Struct, frozen=True):
    """A message's progress to one device."""

    device_id: DeviceId
    platform: str
    seen_at_ms: int
    """When the device was last seen at all."""
    pushed_at_ms: int = 0
    """When it was handed to the device's connection; 0 when that is not known."""
    node: str = ""
    """By which node."""
    is_connected: bool = False
    """Whether that connection is still open."""


class TracedUser(Struct, frozen=True):
    """A message's progress to one member."""

    user_id: UserId
    may_see: bool
    """Whether the entry is within what this member may see of the conversation."""
    is_delivered: bool
    """Whether one of the user's devices has said that it has it, or was ahead of it."""
    is_read: bool
    """Whether the user's reading cursor is at it or behind it."""
    devices: tuple[TracedDevice, ...] = ()


class Traced(Struct, frozen=True, kw_only=True):
    """The way of one message. A time that nobody noted is 0."""

    conversation_id: ConversationId
    seq: int
    kind: str
    sender: UserId
    client_id: str
    accepted_at_ms: int
    """When the server judged it, just before it was stored."""
    is_stored: bool = True
    """Whether it is in the log: then it is on disk and is delivered by sync at the latest."""
    nodes: tuple[NodeTrace, ...] = ()
    """The nodes that received it."""
    users: tuple[TracedUser, ...] = ()
    """The members, by id; at most 200."""
    is_cut: bool = False
    """Whether there are more members."""


class TraceMessage(Command[Traced], frozen=True, kw_only=True):
    """Return how far a message has come: stored, received by which node, pushed, delivered, read.

    Either ``seq``, or ``sender`` and ``client_id`` as the sending device chose it.

    Raises:
        NotFound: nothing like it was ever stored: the server has not accepted it.
        Invalid: neither is given.
    """

    METHOD = "admin.trace"
    ACCESS = Access.ADMIN
    READS_ONLY = True

    conversation_id: ConversationId
    seq: int = 0
    sender: UserId = UserId("")
    client_id: str = ""
