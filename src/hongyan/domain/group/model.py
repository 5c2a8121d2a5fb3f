"""Rows of groups and members, the permission table, and their kinds of entry.

Every kind of conversation has ``Member`` rows; only groups and channels have a ``Group``.
A commit that changes what a member may do raises the conversation's epoch
(``changes_rules``); a plain join or leave need not.
"""

from enum import StrEnum
from typing import ClassVar, Literal

from msgspec import Struct

from hongyan.domain.log.model import Row, Table
from hongyan.kernel.ids import ConversationId, Kind, UserId

CONVERSATION_CREATED = "conversation.created"
CONVERSATION_CHANGED = "conversation.changed"
CONVERSATION_DISSOLVED = "conversation.dissolved"
MEMBERS_JOINED = "members.joined"
"""Body: ``MembersJoined``. Delivery adds them to the audience."""
MEMBERS_LEFT = "members.left"
"""Body: ``MembersLeft``. Delivery tells them too, then drops them from the audience."""
MEMBER_CHANGED = "member.changed"

MEMBERS_MAX = 100_000


class Role(StrEnum):
    """What a member is, from least to most."""

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
    join_policy: Literal["free", "approval", "invite", "closed"] = "invite"
    join_question: str = ""
    permissions: Permissions = Permissions()
    muted_all: bool = False
    """Only admins and the owner may speak."""
    slow_mode_s: int = 0
    history_visible: bool = True
    """Whether newcomers see what was said before they joined."""
    members_limit: int = 500
    member_count: int = 0
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
        },
    )

    conversation_id: ConversationId
    user_id: UserId
    role: Role = Role.MEMBER
    rank: int = 0
    """``role.rank``, for finding a conversation's admins."""
    active: bool = True
    nickname: str = ""
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


class MembersJoined(Struct, frozen=True):
    """Who joined, and how."""

    user_ids: tuple[UserId, ...]
    how: Literal["created", "invited", "joined", "approved", "link", "added"] = "added"


class MembersLeft(Struct, frozen=True):
    """Who left, and why."""

    user_ids: tuple[UserId, ...]
    why: Literal["left", "kicked", "banned", "dissolved", "deleted"] = "left"
