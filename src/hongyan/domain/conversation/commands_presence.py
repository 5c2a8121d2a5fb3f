"""Commands about presence, which delivery answers."""

from msgspec import Struct

from hongyan.kernel.bus import Access, Command, Done
from hongyan.kernel.errors import Conflict
from hongyan.kernel.ids import DeviceId, UserId


class NotConnected(Conflict):
    """Presence can be watched over a connection only."""

    code = "not_connected"
    message = "Connect first; presence is told to connected devices only."


class UserPresence(Struct, frozen=True):
    """One user's presence. Also the body of the signal ``presence``.

    Who hides their presence from the caller looks like one who was never there.
    """

    user_id: UserId
    online: bool = False
    platforms: tuple[str, ...] = ()
    """Platforms of the connected devices, such as ``web`` and ``android``."""
    last_seen_ms: int = 0
    """When their last device went; 0 while online, and when it is not known.

    Kept in memory only: a server that was started again does not know it.
    """


class Presences(Struct, frozen=True):
    """In the order in which they were asked for."""

    presences: tuple[UserPresence, ...]


class GetPresence(Command[Presences], frozen=True, kw_only=True):
    """Return who of these users is online.

    Raises:
        LimitReached: more than 500.
    """

    METHOD = "presence.get"
    READS_ONLY = True

    user_ids: tuple[UserId, ...]


class WatchPresence(Command[Presences], frozen=True, kw_only=True):
    """Return who is online, and push each change from now on, by the signal ``presence``.

    A change is pushed a moment later, so that one who only changes networks makes no noise.
    The watch ends with ``presence.unwatch`` or when the user's last device goes offline.

    Raises:
        LimitReached: the user's devices would watch more than 500 users.
        NotConnected: the caller has no connection that could be pushed to.
    """

    METHOD = "presence.watch"
    REPEATABLE = True

    user_ids: tuple[UserId, ...]


class UnwatchPresence(Command[Done], frozen=True, kw_only=True):
    """Watch these users no longer from this device.

    Raises:
        LimitReached: more than 500.
    """

    METHOD = "presence.unwatch"
    REPEATABLE = True

    user_ids: tuple[UserId, ...]


class NotePresence(Command[Done], frozen=True, kw_only=True):
    """Take note of which devices of a user are connected to a node now; none where it is empty."""

    METHOD = "presence.note"
    ACCESS = Access.INTERNAL
    REPEATABLE = True

    user_id: UserId
    node: str
    device_ids: tuple[DeviceId, ...]


class AskToSync(Command[Done], frozen=True, kw_only=True):
    """Ask every connected device to sync, some after the other; for a server that stands alone.

    After the database was changed behind the server's back, for example.
    """

    METHOD = "connection.ask_to_sync"
    ACCESS = Access.INTERNAL
