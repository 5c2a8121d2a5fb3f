"""Commands of the relation service, with answers and refusals."""

from typing import Literal

from msgspec import Struct

from hongyan.kernel.bus import Access, Command, Done
from hongyan.kernel.errors import Conflict, Forbidden
from hongyan.kernel.ids import UserId

from .model import Person


class People(Struct, frozen=True):
    """A page of people; ``next_after`` is the next page's ``after``, empty at the end."""

    people: tuple[Person, ...]
    next_after: str = ""


class FriendRequestInfo(Struct, frozen=True):
    """A friend request."""

    from_id: UserId
    to_id: UserId
    message: str
    state: Literal["open", "accepted", "refused"]
    asked_at_ms: int
    answered_at_ms: int = 0


class Requests(Struct, frozen=True):
    """A page of requests; ``next_after`` is the next page's ``after``, empty at the end."""

    requests: tuple[FriendRequestInfo, ...]
    next_after: str = ""


class Requested(Struct, frozen=True):
    """The result of a request: it waits for an answer, or the two are friends."""

    state: Literal["open", "friends"]


class RequestFriend(Command[Requested], frozen=True, kw_only=True):
    """Ask somebody to be friends.

    Who has an open request from that person accepts it by this. Asking again changes nothing;
    after a refusal it opens the request anew.

    Raises:
        NotFound: there is no such user.
        Blocked: that person has blocked the caller.
        BlockedByYou: the caller has blocked that person.
        LimitReached: the message is longer than 200 characters, the caller has 100 open
            requests, or one of the two has 5,000 friends.
        Invalid: the caller asks themselves.
    """

    METHOD = "relation.request"

    user_id: UserId
    message: str = ""


class ListRequests(Command[Requests], frozen=True, kw_only=True):
    """List friend requests, the newest first.

    Raises:
        Invalid: ``limit`` is not 1 to 500, or ``after`` is no place in this list.
    """

    METHOD = "relation.requests"
    READS_ONLY = True

    direction: Literal["incoming", "outgoing"] = "incoming"
    state: Literal["open", "accepted", "refused"] = "open"
    after: str = ""
    limit: int = 100


class AnswerRequest(Command[Done], frozen=True, kw_only=True):
    """Accept or refuse the request of ``user_id``; the same answer again changes nothing.

    Raises:
        NotFound: this person has not asked.
        Conflict: the request was answered otherwise.
        Blocked, BlockedByYou: one has blocked the other since.
        LimitReached: one of the two has 5,000 friends.
    """

    METHOD = "relation.answer"

    user_id: UserId
    accept: bool


class GetRelation(Command[Person], frozen=True, kw_only=True):
    """Return what this person is to the caller; a stranger is nothing of all."""

    METHOD = "relation.get"
    READS_ONLY = True

    user_id: UserId


class ListFriends(Command[People], frozen=True, kw_only=True):
    """List the caller's friends, by user id.

    Raises:
        Invalid: ``limit`` is not 1 to 500, or ``after`` is no place in this list.
    """

    METHOD = "relation.friends"
    READS_ONLY = True

    after: str = ""
    limit: int = 100


class SetRemark(Command[Done], frozen=True, kw_only=True):
    """Give a friend a name that only the caller sees; empty takes it away.

    Raises:
        NotAFriend: the two are not friends.
        LimitReached: the remark is longer than 64 characters.
    """

    METHOD = "relation.remark"
    REPEATABLE = True

    user_id: UserId
    remark: str


class DeleteFriend(Command[Done], frozen=True, kw_only=True):
    """End the friendship for both; changes nothing where there is none."""

    METHOD = "relation.delete"

    user_id: UserId


class BlockPerson(Command[Done], frozen=True, kw_only=True):
    """Block somebody: they can neither write, see presence, invite nor ask to be friends.

    Friendship stays, and works again after ``relation.unblock``. An open request of theirs is
    refused. Blocking again changes nothing. The blocked person is not notified.

    Raises:
        NotFound: there is no such user.
        LimitReached: the caller has blocked 5,000.
        Invalid: the caller blocks themselves.
    """

    METHOD = "relation.block"
    REPEATABLE = True

    user_id: UserId


class UnblockPerson(Command[Done], frozen=True, kw_only=True):
    """Take a block away; changes nothing where there is none."""

    METHOD = "relation.unblock"
    REPEATABLE = True

    user_id: UserId


class ListBlocked(Command[People], frozen=True, kw_only=True):
    """List whom the caller has blocked, by user id.

    Raises:
        Invalid: ``limit`` is not 1 to 500, or ``after`` is no place in this list.
    """

    METHOD = "relation.blocked"
    READS_ONLY = True

    after: str = ""
    limit: int = 100


class MutePerson(Command[Done], frozen=True, kw_only=True):
    """Let what somebody writes raise no notification, or let it again.

    Raises:
        NotFound: there is no such user.
        LimitReached: the caller keeps 20,000 relations.
        Invalid: the caller mutes themselves.
    """

    METHOD = "relation.mute"
    REPEATABLE = True

    user_id: UserId
    muted: bool = True


class ForgetRelations(Command[Done], frozen=True, kw_only=True):
    """Take a deleted user out of everybody's friends, and their requests away.

    One commit for each pair; when it fails half-way, call it again.
    """

    METHOD = "relation.forget_user"
    ACCESS = Access.INTERNAL
    REPEATABLE = True

    user_id: UserId


class Blocked(Forbidden):
    """The other one has blocked the caller; where one may write: either has blocked the other."""

    code = "blocked"
    message = "This person does not want to hear from you."


class BlockedByYou(Conflict):
    """The caller has blocked the other one."""

    code = "blocked_by_you"
    message = "You have blocked this person; unblock them first."


class NotAFriend(Forbidden):
    """The two are not friends."""

    code = "not_a_friend"
    message = "This person is not your friend; send a friend request first."
