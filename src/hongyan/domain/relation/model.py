"""Rows of relations, and their kinds of entry in a user's log."""

from typing import ClassVar, Literal

from hongyan.domain.log.model import Row, Table
from hongyan.kernel.ids import UserId

RELATION_CHANGED = "relation.changed"
FRIEND_REQUESTED = "friend.requested"
FRIEND_ANSWERED = "friend.answered"


class Relation(Row, frozen=True, kw_only=True):
    """What ``other_id`` is to ``user_id``. Friendship has a row on either side."""

    TABLE: ClassVar = Table(
        "relation", key=("user_id", "other_id"), indexes={"by_other": ("other_id", "blocked")}
    )

    user_id: UserId
    other_id: UserId
    friend: bool = False
    blocked: bool = False
    muted: bool = False
    remark: str = ""
    since_ms: int = 0


class FriendRequest(Row, frozen=True, kw_only=True):
    """A request that ``to_id`` has not answered, or how it was answered."""

    TABLE: ClassVar = Table(
        "friend_request", key=("to_id", "from_id"), indexes={"by_sender": ("from_id",)}
    )

    to_id: UserId
    from_id: UserId
    message: str = ""
    state: Literal["open", "accepted", "refused"] = "open"
    asked_at_ms: int = 0
    answered_at_ms: int = 0
