"""What delivery needs: peers to hand frames to, who belongs where, and the way between nodes."""

from collections.abc import Callable, Collection, Mapping
from typing import Protocol

from msgspec import Struct

from hongyan.domain.log.model import Committed, Entry, Signal
from hongyan.kernel.ids import ConnectionId, ConversationId, DeviceId, UserId


class Encoder(Protocol):
    """Turns a fact into the bytes that go on the socket, in one protocol and format.

    Peers that share an encoder (the same object) share the bytes: a fact is encoded once for
    all of them.
    """

    def encode(self, fact: Entry | Signal, position: int = 0) -> bytes | None:
        """Return the complete frame, or None where this protocol has no word for the fact.

        ``position`` is an entry's; 0 for a signal, and where it is not known.
        """
        ...


class Peer(Protocol):
    """One connected device. A device has at most one peer here."""

    user_id: UserId
    device_id: DeviceId
    connection_id: ConnectionId
    """As in the ``Actor`` of what it asks, or empty where it only listens."""
    encoder: Encoder

    def push(self, frame: bytes) -> None:
        """Queue a frame; returns at once. A peer that is closed or too slow drops it."""
        ...

    def kick(self, reason: str) -> None:
        """Tell the device why (a ``DeviceRemoved`` reason) and close."""
        ...

    def ask_to_sync(self) -> None:
        """Let the device ask for what it lacks: facts may have been lost on their way to it."""
        ...


class Audience(Protocol):
    """Who belongs where."""

    async def members(self, conversation_id: ConversationId) -> Collection[UserId]:
        """Return the active members."""
        ...

    async def conversations(self, user_id: UserId) -> Collection[ConversationId]:
        """Return the conversations in which the user is active."""
        ...


class Where(Struct, frozen=True):
    """Where a user is."""

    devices: tuple[DeviceId, ...] = ()
    """Those that are connected, to whichever node."""
    last_seen_ms: int = 0
    """When the last device went; 0 when that is not known."""


class Whereabouts(Protocol):
    """Which devices of whom are connected, on all nodes together."""

    async def note(
        self, user_id: UserId, node: str, devices: Collection[DeviceId], now_ms: int
    ) -> tuple[bool, bool]:
        """Take note of which devices of a user are connected to one node now.

        Returns:
            Whether the user was online before, on any node, and is online now.
        """
        ...

    async def of(self, user_ids: Collection[UserId]) -> Mapping[UserId, Where]:
        """Return where these users are; who is not known is left out."""
        ...

    async def forget_lost(self, now_ms: int) -> Collection[UserId]:
        """Forget the nodes that are there no more; return who went offline with them."""
        ...


class Watches(Protocol):
    """Who is to be told when somebody comes or goes."""

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


Fact = Committed | Signal
"""What is told from the process that commits to those that hold connections."""


class Teller(Protocol):
    """The committing side of the routes: tells facts to the nodes whose users they concern.

    A fact reaches each such node at most once, and the facts of one log that one teller tells
    arrive in the order in which they were told. A commit to several logs may arrive as several
    facts. Nothing is kept for nodes that are away: where a fact may have been lost, the station
    of that node tells ``on_doubt``.
    """

    async def start(self) -> None:
        """Begin to tell; what was told before is kept until then.

        Raises:
            OSError: what carries the facts cannot be reached.
        """
        ...

    def tell(self, fact: Fact) -> None:
        """Queue a fact; returns at once and never raises.

        The facts of one turn of the event loop travel together. The queue is bounded; what does
        not fit is counted and becomes doubt at the stations.
        """
        ...

    def doubt(self) -> None:
        """Let all stations tell ``on_doubt``, a moment later: something was not told."""
        ...

    async def close(self) -> None:
        """Tell what is queued, for a moment, and end."""
        ...


class Station(Protocol):
    """A node's side of the routes: what concerns the users connected here arrives here.

    Whose conversations are whose the station asks the ``Audience`` it was made with, once for
    each user who comes; later joins and leaves it reads in the facts.
    """

    async def start(self, on_fact: Callable[[Fact], None], on_doubt: Callable[[], None]) -> None:
        """Begin to listen.

        Args:
            on_fact: Called with each fact, the facts of a log in order.
            on_doubt: Called when facts may have been lost on the way to this node (the broker
                was away, a queue ran over, a lease ended): sessions have to sync.

        Raises:
            OSError: what carries the facts cannot be reached.
        """
        ...

    async def came(self, user_id: UserId) -> None:
        """Listen for a user, whose first device is connected; again and again does no harm.

        When it returns, whatever is committed from now on and concerns the user reaches this
        node; so a session awaits it before its client may sync. While the broker is away it
        returns too: doubt follows when the broker is back.
        """
        ...

    def went(self, user_id: UserId) -> None:
        """Listen no more for a user, whose last device is gone; unknown users are ignored."""
        ...

    async def close(self) -> None:
        """Take the node off the routes."""
        ...
