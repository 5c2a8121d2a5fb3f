"""Commands about the members of a group, from the invitation to the ban."""

from typing import Literal

from msgspec import Struct

from hongyan.kernel.bus import Command, Done
from hongyan.kernel.errors import Conflict
from hongyan.kernel.ids import ConversationId, UserId

from .commands import NotAdded
from .model import Ban, Role


class Added(Struct, frozen=True):
    """The users added, and those who could not be."""

    added: tuple[UserId, ...]
    not_added: tuple[NotAdded, ...] = ()


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


class ListMembers(Command[Members], frozen=True, kw_only=True):
    """List members: the owner, then admins, then members, each by user id.

    With ``nickname_prefix`` only those whose nickname begins so (case is ignored), by
    nickname.

    Raises:
        RoleTooLow: the group shows its members to higher roles only.
        Invalid: ``limit`` is not 1 to 500, or ``after`` is no place in this list.
    """

    METHOD = "group.members"
    READS_ONLY = True

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
    REPEATABLE = True

    conversation_id: ConversationId
    user_id: UserId
    role: Literal["admin", "member"]


class SetNickname(Command[Done], frozen=True, kw_only=True):
    """Set the caller's name in this group; empty takes it away.

    Raises:
        LimitReached: it is longer than 64 characters.
    """

    METHOD = "group.set_nickname"
    REPEATABLE = True

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
    REPEATABLE = True

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
    READS_ONLY = True

    conversation_id: ConversationId
    after: str = ""
    limit: int = 100


class OwnerMustTransfer(Conflict):
    """The owner cannot leave others behind without an owner."""

    code = "owner_must_transfer"
    message = "Make another member the owner before you leave, or dissolve the group."
