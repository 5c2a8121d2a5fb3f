"""Commands about a group itself; see also ``commands_members`` and ``commands_joining``.

"Group" means a group or a channel. Every command on one answers ``NotAMember`` to who is not
in it and, where it would change something, ``Dissolved`` once the group is no more.
"""

from typing import Literal

from msgspec import Struct

from hongyan.kernel.bus import Access, Command, Done
from hongyan.kernel.errors import Forbidden
from hongyan.kernel.ids import ClientId, ConversationId, UserId

from .model import Group, JoinPolicy, Member, Permissions

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

    conversation_id: ConversationId
    info: GroupInfo
    not_added: tuple[NotAdded, ...] = ()


class Groups(Struct, frozen=True):
    """Some groups; ``next_after`` is the next page's ``after``, empty at the end."""

    groups: tuple[GroupInfo, ...]
    next_after: str = ""


# --- the group ---


class CreateGroup(Command[Created], frozen=True, kw_only=True):
    """Make a group or a channel with the caller as its owner.

    Idempotent for ever: the same ``client_id`` again answers with the same group. In a
    channel only admins speak and invite, and the list of members is for admins.

    Raises:
        Invalid: the name is empty, or a number is outside its range.
        LimitReached: a text is too long, or more than 500 members are named.
        Forbidden: ``external_id`` is given by somebody else than an app server.
        Conflict: another group has this ``external_id``.
    """

    METHOD = "group.create"

    client_id: ClientId
    kind: Literal["group", "channel"] = "group"
    name: str
    """1 to 64 characters."""
    avatar: str = ""
    user_ids: tuple[UserId, ...] = ()
    """Users to add at once, at most 500; their blocks and privacy are respected."""
    join_policy: JoinPolicy = "invite"
    members_limit: int = 500
    """2 to 100,000."""
    external_id: str | None = None
    """The object of the business that the group belongs to, unique, at most 128 characters.
    For app servers only."""


class GetGroup(Command[GroupInfo], frozen=True, kw_only=True):
    """Return a group of which the caller is a member."""

    METHOD = "group.get"
    READS_ONLY = True

    conversation_id: ConversationId


class ListMyGroups(Command[Groups], frozen=True, kw_only=True):
    """List the groups of which the caller is a member.

    A page can hold fewer groups than ``limit``, even none, while ``next_after`` is not empty.

    Raises:
        Invalid: ``limit`` is not 1 to 500, or ``after`` is no place in this list.
    """

    METHOD = "group.mine"
    READS_ONLY = True

    after: str = ""
    limit: int = 100


class UpdateGroup(Command[GroupInfo], frozen=True, kw_only=True):
    """Change what is given and leave the rest; what is so already is not logged again.

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
    retention_days: int | None = None
    """0 (as long as the server keeps them) to 36,500 days after which messages are gone for
    everybody. The server may keep all conversations for a shorter time."""
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
    REPEATABLE = True

    user_id: UserId


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
