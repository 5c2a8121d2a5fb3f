"""Keeping from newcomers what is about messages that they may not see.

A reaction, a vote, an edit or a pin names an older entry. In a conversation whose history was
never hidden everybody sees that one, and nothing is looked up after the first time. Elsewhere the
peers of those who do not see it get an entry without content in its place, so that their log has
no gap.
"""

from collections.abc import Collection, Iterable

from msgspec import Raw

from hongyan.domain.log.model import Entry, Signal
from hongyan.domain.message.model import MESSAGE
from hongyan.domain.visibility.commands import GetFirstSeen
from hongyan.domain.visibility.model import END, ENTRY_WITHHELD, about_seq
from hongyan.kernel.bus import ANONYMOUS, Caller
from hongyan.kernel.ids import SYSTEM, ClientId, ConversationId, Kind, UserId, kind_of

from .delivery import Delivery
from .ports import Peer

ASKED_AT_ONCE = 1_000


class Horizon:
    """From which seq on those see one conversation who are connected to it here.

    Args:
        is_open: Whether everybody is known to see everything.
    """

    __slots__ = ("_first", "is_open")

    def __init__(self, is_open: bool) -> None:
        self.is_open = is_open
        self._first: dict[UserId, int] = {}

    def about(self, event: Entry | Signal) -> int:
        """Return the seq that not everybody may see and that this is about; 0 for none."""
        if self.is_open or event.kind == MESSAGE or not isinstance(event, Entry):
            return 0
        return about_seq(event)

    def forget(self, user_id: UserId) -> None:
        """Look again from where on this user sees it."""
        self._first.pop(user_id, None)

    def unknown(self, peers: Iterable[Peer]) -> list[UserId]:
        """Return of which of these it is not known."""
        return list({peer.user_id for peer in peers if peer.user_id not in self._first})

    def blind(self, seq: int, peers: Iterable[Peer]) -> set[Peer]:
        """Return which of these may not see this seq."""
        return {peer for peer in peers if self._first.get(peer.user_id, END) > seq}

    def learn(self, first: dict[UserId, int] | None, user_ids: Collection[UserId]) -> None:
        """Take the answer to ``GetFirstSeen`` about these users."""
        if first is None:
            self.is_open = True
        else:
            self._first |= {user_id: first.get(user_id, END) for user_id in user_ids}


class Withholding:
    """Asks who sees what.

    Args:
        caller: Carries the questions.
    """

    def __init__(self, caller: Caller) -> None:
        self._caller = caller

    def horizon(self, conversation_id: ConversationId) -> Horizon:
        """Return what is known of a conversation of which nothing was asked yet."""
        return Horizon(is_open=kind_of(conversation_id) not in (Kind.GROUP, Kind.CHANNEL))

    async def look(
        self, conversation_id: ConversationId, horizon: Horizon, peers: Iterable[Peer]
    ) -> None:
        """Learn from where on these see it.

        Raises:
            Refusal: nobody knows now.
        """
        users = horizon.unknown(peers)
        for start in range(0, len(users), ASKED_AT_ONCE):
            some = tuple(users[start : start + ASKED_AT_ONCE])
            ask = GetFirstSeen(conversation_id=conversation_id, user_ids=some)
            horizon.learn((await self._caller.call(ANONYMOUS, ask)).first, some)
            if horizon.is_open:
                return


def withheld(delivery: Delivery) -> Delivery:
    """Return what is pushed in an entry's place: that it is there, and no more."""
    event = delivery.event
    if not isinstance(event, Entry):
        return delivery
    empty = Entry(
        event.log_id,
        event.seq,
        event.ordinal,
        ENTRY_WITHHELD,
        SYSTEM,
        ClientId(""),
        event.sent_at_ms,
        Raw(b"{}"),
    )
    return Delivery(empty, delivery.origin, delivery.position)
