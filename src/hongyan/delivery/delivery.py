"""An event on its way to the peers, with what it is about for those who encode it themselves."""

from collections.abc import Callable, Hashable

import msgspec
from msgspec import Struct, structs

from hongyan.domain.conversation.model import About
from hongyan.domain.group.model import CONVERSATION_CHANGED, ConversationChanged
from hongyan.domain.log.model import Entry, Signal
from hongyan.kernel.ids import ConnectionId, ConversationId, Kind, UserId, kind_of, log_owner

Made = bytes | None
"""Something that goes on a connection, or None where a protocol has no word for the event."""

_decode_changed = msgspec.json.Decoder(ConversationChanged).decode


class Delivery(Struct, eq=False):
    """One event, the same for all who get it; what differs for each they work out from it."""

    event: Entry | Signal
    """What is delivered."""
    origin: ConnectionId
    """The connection that asked for it, or empty."""
    position: int = 0
    """An entry's place among all; 0 for a signal, and where it is not known."""
    about: About | None = None
    """What the conversation is, once that is known; None for a user's own log."""
    _made: dict[Hashable, Made | Exception] | None = None

    @property
    def conversation_id(self) -> ConversationId | None:
        """The conversation; None for an event of a user's own log."""
        log_id = self.event.log_id
        return None if log_owner(log_id) is not None else ConversationId(log_id)

    @property
    def kind(self) -> Kind | None:
        """The kind of conversation; None for an event of a user's own log."""
        return kind_of(self.event.log_id)

    @property
    def name(self) -> str:
        """The name of the group or channel as of this event; empty where there is none."""
        return "" if self.about is None else self.about.name

    def other(self, user_id: UserId) -> UserId:
        """Return the one with whom this user has the direct conversation.

        Raises:
            LookupError: it is no direct conversation of this user's.
        """
        pair = () if self.about is None else self.about.pair
        if user_id not in pair:
            raise LookupError(f"{self.event.log_id} is no direct conversation of {user_id}")
        return pair[0] if pair[1] == user_id else pair[1]

    def is_own(self, user_id: UserId) -> bool:
        """Return whether this user did it: on their other devices it stands as sent by them."""
        return self.event.sender == user_id

    def is_origin(self, connection_id: ConnectionId) -> bool:
        """Return whether this connection asked for it, and gets an answer besides."""
        return bool(self.origin) and connection_id == self.origin

    def encoded(self, key: Hashable, make: Callable[[], Made]) -> Made:
        """Return what ``make`` makes; it is called once for each key, also where it fails.

        Args:
            key: Distinguishes what is not the same: the protocol and, where its bytes differ
                by user or by side, who.
            make: Encodes.

        Raises:
            Exception: what ``make`` raised, for each who asks.
        """
        if self._made is None:
            self._made = {}
        try:
            made = self._made[key]
        except KeyError:
            try:
                made = make()
            except Exception as error:
                made = error
            self._made[key] = made
        if isinstance(made, Exception):
            raise made.with_traceback(None)
        return made


def renamed(about: About, event: Entry | Signal) -> About:
    """Return what a conversation is from this event on."""
    if event.kind == CONVERSATION_CHANGED and isinstance(event, Entry):
        name = _decode_changed(event.body).name
        if name is not None:
            return structs.replace(about, name=name)
    return about
