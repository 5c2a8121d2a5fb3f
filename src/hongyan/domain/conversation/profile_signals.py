"""Signals of a changed name or avatar, to those who share a conversation with somebody.

A signal to each direct conversation and small group: nothing is stored, and who is away reads
profiles anew when it is back. It carries the profile, so that nobody has to ask for it. In
larger groups and in channels nothing is sent: there a change is seen at the next look.
"""

from collections.abc import Callable
from contextlib import suppress
from typing import Any

from hongyan.domain.group.model import Member, MemberCount
from hongyan.domain.log.model import Signal, encode_body
from hongyan.domain.log.ports import Records
from hongyan.domain.user.commands import ProfileChanged, profile_of
from hongyan.domain.user.model import User
from hongyan.kernel.background import Background
from hongyan.kernel.bus import EventPublisher
from hongyan.kernel.clock import Clock
from hongyan.kernel.errors import Refusal
from hongyan.kernel.ids import ConversationId, Kind, LogId, UserId, kind_of

from .model import PROFILE
from .rules import is_small

DELAY_S = 2.0
"""Changes that follow each other within this time are sent once."""
WAITING_MAX = 1_000
"""A change beyond so many at once (an import of a directory) is not sent."""
CONVERSATIONS_MAX = 500
"""A change is sent in so many of the user's conversations, direct ones first."""
NOTIFIED_AT_ONCE = 50


class ProfileSignals:
    """Takes ``ProfileChanged``, in the process that committed the change.

    Args:
        records: Users, members and the sizes of groups.
        publisher: Takes the signals.
        clock: The time of day, for statuses that end.
        later: Calls a function after so many seconds (``loop.call_later``).
        background: Sends behind the answer.
    """

    def __init__(
        self,
        records: Records,
        publisher: EventPublisher,
        clock: Clock,
        later: Callable[[float, Callable[[], None]], Any],
        background: Background,
    ) -> None:
        self._records = records
        self._publisher = publisher
        self._clock = clock
        self._later = later
        self._background = background
        self._waiting: set[UserId] = set()

    def changed(self, event: ProfileChanged) -> None:
        """Send it in a moment."""
        user_id = event.user_id
        if user_id not in self._waiting and len(self._waiting) < WAITING_MAX:
            self._waiting.add(user_id)
            self._later(DELAY_S, lambda: self._begin(user_id))

    def _begin(self, user_id: UserId) -> None:
        self._waiting.discard(user_id)
        self._background.begin(self._publish(user_id))

    async def _publish(self, user_id: UserId) -> None:
        with suppress(Refusal):  # the store is closed or away; clients look again anyway
            user = await self._records.get(User, user_id)
            if user is None:
                return
            body = encode_body(profile_of(user, self._clock.now_ms()))
            for number, conversation_id in enumerate(await self._conversations(user_id), start=1):
                self._publisher.publish(Signal(LogId(conversation_id), PROFILE, user_id, body))
                if number % NOTIFIED_AT_ONCE == 0:
                    await self._background.give_way()  # commits and answers go first

    async def _conversations(self, user_id: UserId) -> list[ConversationId]:
        """Return where it is sent."""
        keys = await self._records.keys(Member, user_id, True, by="of_user")
        conversations = [conversation_id for conversation_id, _ in keys]
        found = [place for place in conversations if kind_of(place) == Kind.DIRECT][
            :CONVERSATIONS_MAX
        ]
        groups = [place for place in conversations if kind_of(place) == Kind.GROUP]
        groups = groups[: CONVERSATIONS_MAX - len(found)]
        rolls = await self._records.get_many(MemberCount, [(place,) for place in groups])
        return found + [place for place in groups if is_small(rolls.get(place))]
