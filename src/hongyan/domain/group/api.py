"""What may be asked about a group itself and its members; ways in are in ``joining_api``.

"Group" means a group or a channel. Every command on one answers ``NotAMember`` to who is not
in it and, where it would change something, ``Dissolved`` once the group is no more.
"""

from typing import Literal

from msgspec import Struct

from hongyan.kernel.bus import Access, Command, Done
from hongyan.kernel.errors import Conflict, Forbidden
from hongyan.kernel.ids import ClientId, ConversationId, UserId

from .model import Ban, Group, JoinPolicy, Member, Permissions, Role

# --- answers ---


class GroupInfo(Struct, frozen=True):
    """A group as one of its members sees it."""

    group: Group
    member_count: int
    me: Member
    """The caller's own place in it."""


class NotAdded(Struct, frozen=True):
    """Somebody who could not be added, and why."""

    user_id: UserId
    reason: Literal["unknown", "blocked", "friends_only", "banned", "full"]
    """No such active user; has blocked the caller; is added by friends only; is banned from
    the group; the group is full."""


class Created(Struct, frozen=True):
    """The new group, and who of those named is not in it."""

    info: GroupInfo
    not_added: tuple[NotAdded, ...] = ()


class Added(Struct, frozen=True):
    """Who is a member since this command, and who could not be added."""

    added: tuple[UserId, ...]
    not_added: tuple[NotAdded, ...] = ()


class Groups(Struct, frozen=True):
    """Some groups; ``next_after`` is the next page's ``after``, empty at the end."""

    groups: tuple[GroupInfo, ...]
    next_after: str = ""


class MemberInfo(Struct, frozen=True, omit_defaults=True):
    """A member as the others see them."""

    user_id: UserId
    role: Role
    nickname: str = ""
    muted_until_ms: int = 0
    joined_at_ms: int = 0
    invited_by: UserId = UserId("")


class Members(Struct, frozen=True):
    """Some members; ``next_after`` is the next page's ``after``, empty at the end."""

    members: tuple[MemberInfo, ...]
    next_after: str = ""


class Bans(Struct, frozen=True):
    """Some bans, by user id; ``next_after`` is the next page's ``after``, empty at the end."""

    bans: tuple[Ban, ...]
    next_after: str = ""


# --- the group ---


class CreateGroup(Command[Created], frozen=True, kw_only=True):
    """Make a group or a channel with the caller as its owner.

    Idempotent for ever: the same ``client_id`` again answers with the same group. In a
    channel only admins speak and invite, and the list of members is for admins.

    Raises:
        Invalid: the name is empty, or a number is outside its range.
        LimitReached: a text is too long, or more than 500 members are named.
    """

    METHOD = "group.create"

    client_id: ClientId
    kind: Literal["group", "channel"] = "group"
    name: str
    """1 to 64 characters."""
    avatar: str = ""
    user_ids: tuple[UserId, ...] = ()
    """Whom to add at once, at most 500; their blocks and privacy are respected."""
    join_policy: JoinPolicy = "invite"
    members_limit: int = 500
    """2 to 100,000."""


class GetGroup(Command[GroupInfo], frozen=True, kw_only=True):
    """Return a group of which the caller is a member."""

    METHOD = "group.get"

    conversation_id: ConversationId


class ListMyGroups(Command[Groups], frozen=True, kw_only=True):
    """List the groups of which the caller is a member.

    A page can hold fewer groups than ``limit``, even none, while ``next_after`` is not empty.

    Raises:
        Invalid: ``limit`` is not 1 to 500, or ``after`` is no place in this list.
    """

    METHOD = "group.mine"

    after: str = ""
    limit: int = 100


class UpdateGroup(Command[GroupInfo], frozen=True, kw_only=True):
    """Change what is given and leave the rest; what is so already is not told again.

    Name, avatar and notice need the role that ``permissions.edit_info`` says; ``permissions``
    and ``members_limit`` need the owner; the others an admin.

    Raises:
        RoleTooLow: the caller's role does not allow one of the changes; none is made.
        Invalid: a number is outside its range, or the name is empty.
        LimitReached: a text is too long.
    """

    METHOD = "group.update"

    conversation_id: ConversationId
    name: str | None = None
    """1 to 64 characters."""
    avatar: str | None = None
    """A media id, at most 128 characters; empty takes it away."""
    notice: str | None = None
    """At most 4,000 characters."""
    join_policy: JoinPolicy | None = None
    join_question: str | None = None
    """At most 200 characters."""
    muted_all: bool | None = None
    slow_mode_s: int | None = None
    """0 (off) to 86,400 seconds between two messages of a member."""
    history_visible: bool | None = None
    """Concerns those who join from now on."""
    permissions: Permissions | None = None
    """The whole table."""
    members_limit: int | None = None
    """2 to 100,000; below the number of members nobody can join."""


class DissolveGroup(Command[Done], frozen=True, kw_only=True):
    """End a group for ever: nobody can write or join. Members may still read, and leave.

    Raises:
        RoleTooLow: the caller is not its owner.
    """

    METHOD = "group.dissolve"

    conversation_id: ConversationId


class TransferGroup(Command[Done], frozen=True, kw_only=True):
    """Make another member the owner; the caller becomes an admin.

    Raises:
        RoleTooLow: the caller is not the owner.
        NotFound: ``user_id`` is not a member.
    """

    METHOD = "group.transfer"

    conversation_id: ConversationId
    user_id: UserId


class ForgetUser(Command[Done], frozen=True, kw_only=True):
    """Take a deleted user out of all groups.

    What they own goes to the longest-serving admin, else to the longest-serving member; a
    group without any is dissolved. One commit for each group; when it fails half-way, call it
    again.
    """

    METHOD = "group.forget_user"
    ACCESS = Access.INTERNAL

    user_id: UserId


# --- its members ---


class ListMembers(Command[Members], frozen=True, kw_only=True):
    """List members: the owner, then admins, then members, each by user id.

    With ``nickname_prefix`` only those whose nickname begins so (case is ignored), by
    nickname.

    Raises:
        RoleTooLow: the group shows its members to higher roles only.
        Invalid: ``limit`` is not 1 to 500, or ``after`` is no place in this list.
    """

    METHOD = "group.members"

    conversation_id: ConversationId
    nickname_prefix: str = ""
    after: str = ""
    limit: int = 100


class InviteMembers(Command[Added], frozen=True, kw_only=True):
    """Add people to a group; those who cannot be added are named in the answer.

    Respects their blocks and who may invite them. Who is a member already is left out.

    Raises:
        RoleTooLow: ``permissions.invite`` wants a higher role, or the group is closed and the
            caller no admin.
        LimitReached: more than 500 are named.
    """

    METHOD = "group.invite"

    conversation_id: ConversationId
    user_ids: tuple[UserId, ...]


class AddMembers(Command[Added], frozen=True, kw_only=True):
    """As ``group.invite``, for admins, up to 1,000 at once.

    An administrator of the server who is an admin of the group adds people whatever their
    privacy says.

    Raises:
        RoleTooLow: the caller is not an admin.
        LimitReached: more than 1,000 are named.
    """

    METHOD = "group.add_members"

    conversation_id: ConversationId
    user_ids: tuple[UserId, ...]


class KickMembers(Command[Done], frozen=True, kw_only=True):
    """Remove members; who is none already is left out.

    Raises:
        RoleTooLow: the caller is no admin, or does not outrank one of them; none is removed.
        LimitReached: more than 100 are named.
        Invalid: the caller is among them.
    """

    METHOD = "group.kick"

    conversation_id: ConversationId
    user_ids: tuple[UserId, ...]


class LeaveGroup(Command[Done], frozen=True, kw_only=True):
    """Leave a group; who has left already stays so. With its last member a group dissolves.

    Raises:
        OwnerMustTransfer: the caller owns the group and is not alone in it.
    """

    METHOD = "group.leave"

    conversation_id: ConversationId


class SetRole(Command[Done], frozen=True, kw_only=True):
    """Make a member an admin, or an admin a member.

    Raises:
        RoleTooLow: the caller is not the owner.
        NotFound: ``user_id`` is not a member.
        Invalid: it is the owner, who uses ``group.transfer``.
        LimitReached: there are 100 admins.
    """

    METHOD = "group.set_role"

    conversation_id: ConversationId
    user_id: UserId
    role: Literal["admin", "member"]


class SetNickname(Command[Done], frozen=True, kw_only=True):
    """Set the caller's name in this group; empty takes it away.

    Raises:
        LimitReached: it is longer than 64 characters.
    """

    METHOD = "group.set_nickname"

    conversation_id: ConversationId
    nickname: str


class MuteMember(Command[Done], frozen=True, kw_only=True):
    """Forbid a member to speak until a time, or let them speak again.

    Raises:
        RoleTooLow: the caller is no admin, or does not outrank the member.
        NotFound: ``user_id`` is not a member.
        Invalid: ``until_ms`` is below -1.
    """

    METHOD = "group.mute_member"

    conversation_id: ConversationId
    user_id: UserId
    until_ms: int
    """Milliseconds since 1970; -1 for no end; 0, or a time that has passed, unmutes."""


class BanMember(Command[Done], frozen=True, kw_only=True):
    """Remove somebody, if they are a member, and let them neither join nor be invited.

    Raises:
        RoleTooLow: the caller is no admin, or does not outrank the member.
        NotFound: there is no such user.
        LimitReached: 10,000 are banned, or the reason is longer than 200 characters.
        Invalid: the caller bans themselves.
    """

    METHOD = "group.ban"

    conversation_id: ConversationId
    user_id: UserId
    reason: str = ""


class UnbanMember(Command[Done], frozen=True, kw_only=True):
    """Lift a ban; changes nothing where there is none.

    Raises:
        RoleTooLow: the caller is no admin.
    """

    METHOD = "group.unban"

    conversation_id: ConversationId
    user_id: UserId


class ListBans(Command[Bans], frozen=True, kw_only=True):
    """List bans, by user id.

    Raises:
        RoleTooLow: the caller is no admin.
        Invalid: ``limit`` is not 1 to 500, or ``after`` is no place in this list.
    """

    METHOD = "group.bans"

    conversation_id: ConversationId
    after: str = ""
    limit: int = 100


# --- refusals ---


class NotAMember(Forbidden):
    """The caller is not in the conversation; also said where it does not exist."""

    code = "not_a_member"
    message = "You are not in this conversation."


class Dissolved(Forbidden):
    """The group is no more."""

    code = "dissolved"
    message = "This group was dissolved."


class RoleTooLow(Forbidden):
    """The caller's role does not allow this; ``details["needs"]`` names the least that does."""

    code = "role_too_low"
    message = "Your role in this group does not allow this; ask an admin."


class OwnerMustTransfer(Conflict):
    """The owner cannot leave others behind without an owner."""

    code = "owner_must_transfer"
    message = "Make another member the owner before you leave, or dissolve the group."
