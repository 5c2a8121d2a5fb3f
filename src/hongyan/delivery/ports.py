"""The ports of delivery: peers, conversation membership, and the routes between nodes."""

from collections.abc import Callable, Collection, Mapping
from typing import Protocol

from msgspec import Struct

from hongyan.domain.conversation.model import About
from hongyan.domain.log.model import Committed, Entry, Signal
from hongyan.kernel.ids import ConnectionId, ConversationId, DeviceId, UserId

from .delivery import Delivery


class Encoder(Protocol):
    """Turns an event into the bytes that go on the socket, in one protocol and format.

    Peers that share an encoder (the same object) share the bytes: an event is encoded once for
    all of them.
    """

    def encode(self, event: Entry | Signal, position: int = 0) -> bytes | None:
        """Return the complete frame, or None where this protocol has no word for the event.

        ``position`` is an entry's; 0 for a signal, and where it is not known. What it raises
        costs the peers that share it this event: they are asked to sync.
        """
        ...


class _Connected(Protocol):
    """One connected device. A device has at most one peer here."""

    user_id: UserId
    device_id: DeviceId
    connection_id: ConnectionId
    """As in the ``Actor`` of what it asks, or empty where it only listens."""

    def kick(self, reason: str) -> None:
        """Send the device the reason (a ``DeviceRemoved`` reason) and close."""
        ...

    def ask_to_sync(self) -> None:
        """Let the device ask for what it lacks: events may have been lost on their way to it."""
        ...

    def close(self) -> None:
        """Close, so that the device connects again and syncs: it cannot be served like this."""
        ...


class SharingPeer(_Connected, Protocol):
    """A peer that gets the same bytes as all others of its protocol and format."""

    @property
    def encoder(self) -> Encoder:
        """Shared with them: the same object."""
        ...

    def push(self, frame: bytes) -> None:
        """Queue a frame; returns at once. A peer that is closed or too slow drops it."""
        ...


class AddressedPeer(_Connected, Protocol):
    """A peer whose protocol names the recipient, or differs in another way by who gets it."""

    @property
    def encoder(self) -> None:
        """None, which distinguishes it from a ``SharingPeer``."""
        ...

    def deliver(self, delivery: Delivery) -> None:
        """Encode an event and queue it; returns at once.

        Called for the connection that asked as well (``Delivery.is_origin``), since some
        protocols inform a sender of the result by the same way. What it raises costs this
        peer alone the event: it is asked to sync, and closed when it fails again soon.
        """
        ...


Peer = SharingPeer | AddressedPeer
"""One connected device."""


class ConversationMembers(Protocol):
    """Finds the members of a conversation."""

    async def members(self, conversation_id: ConversationId) -> Collection[UserId]:
        """Return the active members; those who are connected here are enough for the hub."""
        ...


class UserConversations(Protocol):
    """Finds the conversations of a user."""

    async def conversations(self, user_id: UserId) -> Collection[ConversationId]:
        """Return the conversations in which the user is active."""
        ...


class Descriptions(Protocol):
    """Describes conversations, for peers whose protocol names them or who is in them."""

    async def describe(self, conversation_id: ConversationId) -> About:
        """Return what it is; of what is not known, nothing.

        Raises:
            Exception: nobody knows now.
        """
        ...


class UserConnections(Struct, frozen=True):
    """The connections of one user."""

    devices: tuple[DeviceId, ...] = ()
    """The connected devices, over all nodes."""
    last_seen_ms: int = 0
    """When the last device went; 0 when that is not known."""


class ConnectionRegistry(Protocol):
    """The connection registry: the connected devices of users, over all nodes."""

    async def note(
        self, user_id: UserId, node: str, devices: Collection[DeviceId], now_ms: int
    ) -> tuple[bool, bool]:
        """Take note of which devices of a user are connected to one node now.

        Returns:
            Whether the user was online before, on any node, and is online now.
        """
        ...

    async def of(self, user_ids: Collection[UserId]) -> Mapping[UserId, UserConnections]:
        """Return where these users are; who is not known is left out."""
        ...

    async def forget_lost(self, now_ms: int) -> Collection[UserId]:
        """Forget the nodes that are there no more; return who went offline with them."""
        ...


class PresenceSubscriptions(Protocol):
    """Presence subscriptions: who is notified when a user connects or disconnects."""

    async def add(
        self, watcher: UserId, device_id: DeviceId, user_ids: Collection[UserId], limit: int
    ) -> bool:
        """Let a device of the watcher watch these too.

        Returns:
            False, with nothing changed, when the watcher's devices would watch more than
            ``limit`` users.
        """
        ...

    async def remove(
        self, watcher: UserId, device_id: DeviceId, user_ids: Collection[UserId]
    ) -> None:
        """Let the device watch these no more."""
        ...

    async def end(self, watcher: UserId) -> None:
        """Let none of the watcher's devices watch anybody any more."""
        ...

    async def watchers(self, user_id: UserId) -> Collection[UserId]:
        """Return who watches this user."""
        ...


Event = Committed | Signal
"""An event, published by the process that commits to those that hold connections."""


class Publisher(Protocol):
    """The committing side of the routes: sends events to the nodes whose users they concern.

    An event reaches each such node at most once, and the events of one log from one publisher
    arrive in the order in which they were published. A commit to several logs may arrive as several
    events. Nothing is kept for nodes that are away: where an event may have been lost, the
    subscriber of that node calls ``on_possible_loss``.
    """

    async def start(self) -> None:
        """Begin to send; what was published before is kept until then.

        Raises:
            OSError: the transport cannot be reached.
        """
        ...

    def publish(self, event: Event) -> None:
        """Queue an event; returns at once and never raises.

        The events of one turn of the event loop travel together. The queue is bounded; what does
        not fit is counted and becomes a possible loss at the subscribers.
        """
        ...

    def request_resync(self) -> None:
        """Let all subscribers call ``on_possible_loss``, a moment later: something was not sent."""
        ...

    async def close(self) -> None:
        """Send what is queued, for a moment, and end."""
        ...


class Subscriber(Protocol):
    """A node's side of the routes: what concerns the users connected here arrives here.

    Where a user belongs the subscriber asks the ``UserConversations`` it was made with, once for
    each who comes; later joins and leaves it reads in the events.
    """

    async def start(
        self, on_event: Callable[[Event], None], on_possible_loss: Callable[[], None]
    ) -> None:
        """Begin to listen.

        Args:
            on_event: Called with each event, the events of a log in order.
            on_possible_loss: Called when events may have been lost on the way to this node (the
                broker was away, a queue ran over, a lease ended): sessions have to sync.

        Raises:
            OSError: what carries the events cannot be reached.
        """
        ...

    async def connected(self, user_id: UserId) -> None:
        """Listen for a user, whose first device is connected; again and again does no harm.

        When it returns, whatever is committed from now on and concerns the user reaches this
        node; so a session awaits it before its client may sync. While the broker is away it
        returns too: a resync follows when the broker is back.
        """
        ...

    def disconnected(self, user_id: UserId) -> None:
        """Listen no more for a user, whose last device is gone; unknown users are ignored."""
        ...

    async def close(self) -> None:
        """Take the node off the routes."""
        ...
