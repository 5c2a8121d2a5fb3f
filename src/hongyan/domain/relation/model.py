"""Rows of relations, and their kinds of entry in a user's log.

Who writes the rows of a pair expects and touches the log of the pair's direct conversation:
the judgement of who may write there stands on them.
"""

from typing import ClassVar, Literal

from msgspec import Struct

from hongyan.domain.log.model import Row, Table
from hongyan.kernel.ids import UserId

RELATION_CHANGED = "relation.changed"
"""Body: ``Person``, as it is from now on."""
FRIEND_REQUESTED = "friend.requested"
"""Body: ``FriendRequested``; in the logs of both."""
FRIEND_ANSWERED = "friend.answered"
"""Body: ``FriendAnswered``; in the logs of both."""


class Relation(Row, frozen=True, kw_only=True):
    """The relation of ``user_id`` to ``other_id``. Friendship has a row on either side.

    ``blocked`` means that ``user_id`` has blocked ``other_id``.
    """

    TABLE: ClassVar = Table(
        "relation",
        key=("user_id", "other_id"),
        indexes={
            "by_other": ("other_id", "blocked"),
            "by_friend": ("user_id", "friend"),
            "by_blocked": ("user_id", "blocked"),
        },
    )

    user_id: UserId
    other_id: UserId
    friend: bool = False
    blocked: bool = False
    muted: bool = False
    """No notification of what this person writes."""
    remark: str = ""
    """The name that ``user_id`` gives this person."""
    since_ms: int = 0
    """When they became friends; 0 when they are not."""


class FriendRequest(Row, frozen=True, kw_only=True):
    """A request that ``to_id`` has not answered, or how it was answered."""

    TABLE: ClassVar = Table(
        "friend_request",
        key=("to_id", "from_id"),
        indexes={
            "by_recipient": ("to_id", "state", "asked_at_ms"),
            "by_sender": ("from_id", "state", "asked_at_ms"),
        },
    )

    to_id: UserId
    from_id: UserId
    message: str = ""
    state: Literal["open", "accepted", "refused"] = "open"
    asked_at_ms: int = 0
    answered_at_ms: int = 0


class Person(Struct, frozen=True):
    """A person's relation to the caller or, in an entry, to the log's owner."""

    user_id: UserId
    friend: bool = False
    blocked: bool = False
    muted: bool = False
    remark: str = ""
    since_ms: int = 0
    """When they became friends; 0 when they are not."""


class FriendRequested(Struct, frozen=True):
    """Somebody asks somebody; the log's owner is one of the two."""

    from_id: UserId
    to_id: UserId
    message: str


class FriendAnswered(Struct, frozen=True):
    """The answer to a request; the log's owner is one of the two."""

    from_id: UserId
    to_id: UserId
    accepted: bool
