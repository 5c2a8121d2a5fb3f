"""Rows of groups and members, the permission table, and their kinds of entry.

Every kind of conversation has ``Member`` rows; only groups and channels have a ``Group`` and
a ``MemberCount``. What may make "you may" untrue (a leave, a kick, a mute, a role, any write of a
``Group``) raises the conversation's version. A join does not: it can only make "you may not"
untrue, so keep the first answer as long as the version stands, but never the second.
See docs/adr/0002-the-member-count-of-a-group.md.
"""

from enum import StrEnum
from typing import ClassVar, Literal

from msgspec import Struct

from hongyan.domain.log.model import Row, Table
from hongyan.kernel.ids import ConversationId, Kind, LogId, UserId

CONVERSATION_CREATED = "conversation.created"
"""Body: ``ConversationCreated``; the first entry of a group's log."""
CONVERSATION_CHANGED = "conversation.changed"
"""Body: ``ConversationChanged``."""
CONVERSATION_DISSOLVED = "conversation.dissolved"
"""The body is empty. Members keep their places, to read; nobody can write any more."""
MEMBERS_JOINED = "members.joined"
"""Body: ``MembersJoined``. Delivery adds them to the audience."""
MEMBERS_LEFT = "members.left"
"""Body: ``MembersLeft``. Delivery pushes it to them too, then drops them from the audience."""
MEMBER_CHANGED = "member.changed"
"""Body: ``MemberChanged``."""
JOIN_REQUESTED = "group.join_requested"
"""Body: ``JoinRequested``; in the user's own log of each who may answer."""
JOIN_ANSWERED = "group.join_answered"
"""Body: ``JoinAnswered``; in the logs of the one who asked and of those who may answer."""
MEMBERSHIP_JOINED = "membership.joined"
"""In the user's log: the user is a member from now on. Body: ``MembershipJoined``."""
MEMBERSHIP_LEFT = "membership.left"
"""In the user's log: the user is a member no more. Body: ``MembershipLeft``."""
MEMBERSHIP_ROLE = "membership.role"
"""In the user's log: the user has another role. Body: ``MembershipRole``."""

MEMBERS_MAX = 100_000

JoinPolicy = Literal["free", "approval", "invite", "closed"]
"""The ways in: for whoever wants, whom an admin lets in, who is invited, whom an admin adds."""


class Role(StrEnum):
    """A member's role, from least to most."""

    MEMBER = "member"
    ADMIN = "admin"
    OWNER = "owner"

    @property
    def rank(self) -> int:
        """0 for a member, 1 for an admin, 2 for the owner."""
        return (Role.MEMBER, Role.ADMIN, Role.OWNER).index(self)


class Permissions(Struct, frozen=True):
    """The least role that may do each thing."""

    invite: Role = Role.MEMBER
    speak: Role = Role.MEMBER
    add_files: Role = Role.MEMBER
    pin: Role = Role.ADMIN
    edit_info: Role = Role.ADMIN
    mention_all: Role = Role.ADMIN
    see_members: Role = Role.MEMBER


CHANNEL_PERMISSIONS = Permissions(
    invite=Role.ADMIN, speak=Role.ADMIN, add_files=Role.ADMIN, see_members=Role.ADMIN
)


class Group(Row, frozen=True, kw_only=True):
    """A group or a broadcast channel as it stands."""

    TABLE: ClassVar = Table(
        "groups", key=("conversation_id",), unique={"external": ("external_id",)}
    )

    conversation_id: ConversationId
    kind: Kind
    name: str
    avatar: str = ""
    notice: str = ""
    owner_id: UserId
    join_policy: JoinPolicy = "invite"
    join_question: str = ""
    permissions: Permissions = Permissions()
    muted_all: bool = False
    """Only admins and the owner may speak."""
    slow_mode_s: int = 0
    retention_days: int = 0
    """Days after which messages are gone for everybody; 0 keeps them as long as the server does."""
    history_visible: bool = True
    """Whether newcomers see what was said before they joined."""
    history_was_hidden: bool = False
    """Whether it ever was not visible: then some member may not read what others may."""
    members_limit: int = 500
    dissolved: bool = False
    mention_all_seqs: tuple[int, ...] = ()
    """The latest messages that mention everybody, oldest first, at most 20."""
    external_id: str | None = None
    created_at_ms: int = 0


class Member(Row, frozen=True, kw_only=True):
    """One user's place in one conversation; it stays, inactive, after the user left."""

    TABLE: ClassVar = Table(
        "member",
        key=("conversation_id", "user_id"),
        indexes={
            "of_user": ("user_id", "active"),
            "of_conversation": ("conversation_id", "active"),
            "by_rank": ("conversation_id", "rank"),
            "by_nickname": ("conversation_id", "active", "nickname_key"),
        },
    )

    conversation_id: ConversationId
    user_id: UserId
    role: Role = Role.MEMBER
    rank: int = 0
    """``role.rank``, for finding a conversation's admins; -1 once the member has left."""
    active: bool = True
    nickname: str = ""
    nickname_key: str = ""
    """The nickname with its case folded, for the search."""
    muted_until_ms: int = 0
    """May not speak until then; -1 means until unmuted."""
    visible_from: int = 1
    """The first seq that this member may read."""
    visible_until: int = 0
    """The last seq that this member may read; 0 means no end."""
    joined_at_ms: int = 0
    invited_by: UserId = UserId("")
    peer_id: UserId = UserId("")
    """The other one of a direct conversation; else empty."""


class MemberCount(Row, frozen=True, kw_only=True):
    """A group's count of active members. Kept apart from ``Group`` so that joins leave it be.

    Who writes it, or a ``Member``, ``Ban``, ``JoinRequest`` or ``InviteLink`` of the group,
    expects and touches ``member_count_log``.
    """

    TABLE: ClassVar = Table("roll", key=("conversation_id",))

    conversation_id: ConversationId
    member_count: int = 0


def member_count_log(conversation_id: ConversationId) -> LogId:
    """Return the log whose version guards a group's roll. It never holds an entry."""
    return LogId("%" + conversation_id)


class Ban(Row, frozen=True, kw_only=True):
    """Somebody who may not come (back) into a group."""

    TABLE: ClassVar = Table("ban", key=("conversation_id", "user_id"))

    conversation_id: ConversationId
    user_id: UserId
    banned_by: UserId
    reason: str = ""
    banned_at_ms: int = 0


class JoinRequest(Row, frozen=True, kw_only=True):
    """Somebody's request to join a group, or how it was answered."""

    TABLE: ClassVar = Table(
        "join_request",
        key=("conversation_id", "user_id"),
        indexes={"by_state": ("conversation_id", "state", "asked_at_ms"), "of_user": ("user_id",)},
    )

    conversation_id: ConversationId
    user_id: UserId
    answer: str = ""
    """The user's answer to the group's ``join_question``."""
    state: Literal["open", "accepted", "refused"] = "open"
    asked_at_ms: int = 0
    answered_at_ms: int = 0
    answered_by: UserId = UserId("")


class InviteLink(Row, frozen=True, kw_only=True):
    """A way into a group for whoever holds the token.

    The token itself is stored, not a hash: the link's maker and the admins may copy the link
    again at any time, so it is no secret from them; who reads the database reads the group.
    """

    TABLE: ClassVar = Table(
        "invite_link", key=("token",), indexes={"of_conversation": ("conversation_id",)}
    )

    token: str
    conversation_id: ConversationId
    created_by: UserId
    created_at_ms: int = 0
    expires_at_ms: int = 0
    """0 means never."""
    uses_max: int = 0
    """0 means as many as the group takes."""
    uses: int = 0


class ConversationCreated(Struct, frozen=True):
    """Counts of what was made."""

    kind: Kind
    name: str


class ConversationChanged(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """The changed fields of a conversation; None, or a missing field, says nothing.

    A new ``owner_id`` makes that member the owner and the one before an admin.
    """

    name: str | None = None
    avatar: str | None = None
    notice: str | None = None
    join_policy: JoinPolicy | None = None
    join_question: str | None = None
    permissions: Permissions | None = None
    muted_all: bool | None = None
    slow_mode_s: int | None = None
    retention_days: int | None = None
    history_visible: bool | None = None
    members_limit: int | None = None
    owner_id: UserId | None = None


class MemberChanged(Struct, frozen=True, omit_defaults=True):
    """The changed fields of a member; None, or a missing field, says nothing."""

    user_id: UserId
    role: Role | None = None
    muted_until_ms: int | None = None
    """0 when the member may speak again; -1 means until unmuted."""
    nickname: str | None = None


class JoinRequested(Struct, frozen=True):
    """Somebody asks to join."""

    conversation_id: ConversationId
    user_id: UserId
    answer: str


class JoinAnswered(Struct, frozen=True):
    """The answer to a request to join."""

    conversation_id: ConversationId
    user_id: UserId
    accepted: bool


How = Literal["created", "invited", "joined", "approved", "link", "added"]
Why = Literal["left", "kicked", "banned", "dissolved", "deleted"]


class MembersJoined(Struct, frozen=True):
    """The users who joined, and how."""

    user_ids: tuple[UserId, ...]
    how: How = "added"


class MembersLeft(Struct, frozen=True):
    """The users who left, and why."""

    user_ids: tuple[UserId, ...]
    why: Why = "left"


class MembershipJoined(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """The user is a member of a conversation now.

    ``name`` is the group's as of then; that it is called otherwise later stands in the group's
    own log alone. A group that is dissolved keeps its members, so it takes nobody's membership.
    """

    conversation_id: ConversationId
    kind: Kind
    name: str = ""
    """Empty where the conversation is no group and no channel."""
    how: How | Literal["opened"]
    """``opened``: no group; somebody opened it, or the server did."""
    role: Role = Role.MEMBER
    peer_id: UserId = UserId("")
    """The other one of a direct conversation; else empty."""


class MembershipLeft(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """The user is a member of a conversation no more, and why."""

    conversation_id: ConversationId
    kind: Kind
    name: str = ""
    why: Why


class MembershipRole(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """The user has another role in a conversation."""

    conversation_id: ConversationId
    kind: Kind
    name: str = ""
    role: Role
