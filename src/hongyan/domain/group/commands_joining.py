"""Commands about ways into a group: joining, requests to join, invite links."""

from typing import Literal

from msgspec import Struct

from hongyan.kernel.bus import Command, Done
from hongyan.kernel.errors import Conflict, Forbidden, NotFound
from hongyan.kernel.ids import ConversationId, Kind, UserId

from .model import InviteLink, JoinPolicy, JoinRequest


class GroupCard(Struct, frozen=True):
    """The public card of a group."""

    conversation_id: ConversationId
    kind: Kind
    name: str
    avatar: str
    member_count: int
    join_policy: JoinPolicy
    join_question: str
    joined: bool
    """Whether the caller is a member."""


class Joined(Struct, frozen=True):
    """The result of joining: the caller is a member, or has asked to become one."""

    conversation_id: ConversationId
    state: Literal["joined", "requested"]


class JoinRequests(Struct, frozen=True):
    """Some requests; ``next_after`` is the next page's ``after``, empty at the end."""

    requests: tuple[JoinRequest, ...]
    next_after: str = ""


class Links(Struct, frozen=True):
    """A group's invite links: at most 100, so there are no pages."""

    links: tuple[InviteLink, ...]


class PreviewGroup(Command[GroupCard], frozen=True, kw_only=True):
    """Look at a group that one may join, before joining.

    Raises:
        NotFound: there is none, or it is open to invited people only.
    """

    METHOD = "group.preview"
    READS_ONLY = True

    conversation_id: ConversationId


class JoinGroup(Command[Joined], frozen=True, kw_only=True):
    """Join a free group, or ask to join one that wants approval.

    Joining or asking again changes nothing; after a refusal it asks anew.

    Raises:
        NotAMember: there is no such group.
        JoinClosed: one cannot join this group without an invitation.
        Banned: an admin has banned the caller.
        Dissolved: the group is no more.
        LimitReached: the group is full or has 1,000 open requests, or the answer is longer
            than 200 characters.
    """

    METHOD = "group.join"

    conversation_id: ConversationId
    answer: str = ""
    """To the group's ``join_question``."""


class ListJoinRequests(Command[JoinRequests], frozen=True, kw_only=True):
    """List requests to join, the newest first.

    Raises:
        RoleTooLow: the caller is no admin.
        Invalid: ``limit`` is not 1 to 500, or ``after`` is no place in this list.
    """

    METHOD = "group.join_requests"
    READS_ONLY = True

    conversation_id: ConversationId
    state: Literal["open", "accepted", "refused"] = "open"
    after: str = ""
    limit: int = 100


class AnswerJoinRequest(Command[Done], frozen=True, kw_only=True):
    """Accept or refuse a request to join; the same answer again changes nothing.

    Raises:
        RoleTooLow: the caller is no admin.
        NotFound: there is no such request, or the account is gone.
        AlreadyAnswered: otherwise, by another admin.
        Banned: the user has been banned since.
        LimitReached: the group is full.
    """

    METHOD = "group.answer_request"

    conversation_id: ConversationId
    user_id: UserId
    accept: bool


class CreateLink(Command[InviteLink], frozen=True, kw_only=True):
    """Make a link by which whoever holds it may join, without approval.

    It works as long as the one who made it is a member who may invite.

    Raises:
        RoleTooLow: ``permissions.invite`` wants a higher role, or the group is closed and the
            caller no admin.
        LimitReached: the group has 100 links; revoke one.
        Invalid: a number is outside its range.
    """

    METHOD = "group.link_create"

    conversation_id: ConversationId
    expires_in_s: int = 7 * 86_400
    """0 (never) to 31,536,000 (a year)."""
    uses_max: int = 0
    """0 (as many as the group takes) to 100,000."""


class ListLinks(Command[Links], frozen=True, kw_only=True):
    """List a group's links: all of them for admins, their own for members."""

    METHOD = "group.link_list"
    READS_ONLY = True

    conversation_id: ConversationId


class RevokeLink(Command[Done], frozen=True, kw_only=True):
    """Take a link away; changes nothing where there is none in this group.

    Raises:
        RoleTooLow: the caller is no admin and did not make it.
    """

    METHOD = "group.link_revoke"

    conversation_id: ConversationId
    token: str


class PreviewLink(Command[GroupCard], frozen=True, kw_only=True):
    """Look at the group that a link leads to.

    Raises:
        LinkInvalid: there is no such link, or it works no more.
    """

    METHOD = "group.link_preview"
    READS_ONLY = True

    token: str


class JoinByLink(Command[Joined], frozen=True, kw_only=True):
    """Join the group that a link leads to; a member stays one, and uses nothing up.

    Raises:
        LinkInvalid: there is no such link, or it works no more.
        Banned: an admin has banned the caller.
        LimitReached: the group is full.
    """

    METHOD = "group.link_join"

    token: str


class JoinClosed(Forbidden):
    """One cannot join without an invitation."""

    code = "join_closed"
    message = "This group is for invited people only; ask a member to invite you."


class Banned(Forbidden):
    """An admin has banned the user from the group."""

    code = "banned"
    message = "An admin of this group has banned this account from it."


class LinkInvalid(NotFound):
    """The link is unknown, revoked, expired or used up."""

    code = "link_invalid"
    message = "This invite link does not work any more; ask for a new one."


class AlreadyAnswered(Conflict):
    """Another admin has answered the request otherwise."""

    code = "already_answered"
    message = "This request was answered already."
