"""Rules of relations: pure functions."""

from msgspec import structs

from hongyan.domain.log.model import Change, Drop, Put
from hongyan.domain.user.model import User
from hongyan.kernel.errors import LimitReached, NotFound

from .commands import Blocked, BlockedByYou
from .model import Person, Relation

FRIENDS_MAX = 5_000
BLOCKED_MAX = 5_000
RELATIONS_MAX = 20_000
OPEN_REQUESTS_MAX = 100
MESSAGE_MAX = 200
REMARK_MAX = 64


def check_exists(user: User | None) -> None:
    """Refuse where there is no such active user.

    Raises:
        NotFound: there is none.
    """
    if user is None or user.state != "active":
        raise NotFound("There is no such user.")


def check_not_blocked(mine: Relation, theirs: Relation) -> None:
    """Refuse where one has blocked the other.

    Raises:
        Blocked, BlockedByYou: as ``RequestFriend``.
    """
    if theirs.blocked:
        raise Blocked
    if mine.blocked:
        raise BlockedByYou


def check_limit(count: int, most: int, what: str) -> None:
    """Refuse where one more would be too many.

    Raises:
        LimitReached: it would.
    """
    if count >= most:
        raise LimitReached(f"There can be at most {most} {what}.", limit=most)


def befriended(relation: Relation, now_ms: int) -> Relation:
    """Return the relation as a friendship; one that is a friendship stays as it is."""
    return relation if relation.friend else structs.replace(relation, friend=True, since_ms=now_ms)


def estranged(relation: Relation) -> Relation:
    """Return the relation without friendship."""
    return structs.replace(relation, friend=False, since_ms=0, remark="")


def stored(relation: Relation) -> Change:
    """Return the change that keeps the relation, or drops it where it says nothing."""
    if relation == Relation(user_id=relation.user_id, other_id=relation.other_id):
        return Drop(Relation, relation.key())
    return Put(relation)


def person(relation: Relation) -> Person:
    """Return the relation as ``user_id`` sees it."""
    return Person(
        relation.other_id,
        relation.friend,
        relation.blocked,
        relation.muted,
        relation.remark,
        relation.since_ms,
    )
