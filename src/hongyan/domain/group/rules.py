"""Rules of a group: pure functions over rows."""

from typing import Literal, TypeAlias

from msgspec import structs

from hongyan.domain.relation.model import Relation
from hongyan.domain.user.model import User
from hongyan.kernel.errors import NotFound
from hongyan.kernel.limits import check_length, check_range

from .commands import RoleTooLow, UpdateGroup
from .model import MEMBERS_MAX, Group, InviteLink, JoinRequest, Member, Role

NAME_MAX = 64
AVATAR_MAX = 128
NOTICE_MAX = 4_000
ANSWER_MAX = 200
REASON_MAX = 200
NICKNAME_MAX = 64
SLOW_MODE_S_MAX = 86_400
RETENTION_DAYS_MAX = 36_500
INVITED_MAX = 500
ADDED_MAX = 1_000
KICKED_MAX = 100
ADMINS_MAX = 100
BANS_MAX = 10_000
OPEN_REQUESTS_MAX = 1_000
LINKS_MAX = 100
LINK_S_MAX = 365 * 86_400

Reason: TypeAlias = Literal["unknown", "blocked", "friends_only", "banned", "full"]
_OWNERS_FIELDS = ("permissions", "members_limit")
_INFO_FIELDS = ("name", "avatar", "notice")


def check_role(me: Member, least: Role) -> None:
    """Refuse where the member's role is lower.

    Raises:
        RoleTooLow: it is.
    """
    if me.role.rank < least.rank:
        raise RoleTooLow(needs=least)


def check_outranks(me: Member, target: Member) -> None:
    """Refuse where an admin would act on somebody who is not below them.

    Raises:
        RoleTooLow: the caller is no admin, or their role is not above the target's.
    """
    check_role(me, Role.ADMIN)
    if me.role.rank <= target.role.rank:
        raise RoleTooLow("You can do this only to members below your own role.", needs=Role.OWNER)


def check_may_invite(group: Group, me: Member) -> None:
    """Refuse where the member may not bring people in.

    Raises:
        RoleTooLow: the permission table says so, or the group is closed and this is no admin.
    """
    check_role(me, group.permissions.invite)
    if group.join_policy == "closed":
        check_role(me, Role.ADMIN)


def check_may_update(group: Group, me: Member, changed: set[str]) -> None:
    """Refuse where the member may not change one of these fields.

    Raises:
        RoleTooLow: as ``UpdateGroup``.
    """
    for field in sorted(changed):
        if field in _INFO_FIELDS:
            check_role(me, group.permissions.edit_info)
        else:
            check_role(me, Role.OWNER if field in _OWNERS_FIELDS else Role.ADMIN)


def check_values(command: UpdateGroup) -> None:
    """Refuse settings that are out of range.

    Raises:
        Invalid, LimitReached: as ``UpdateGroup``.
    """
    if command.name is not None:
        check_length("name", command.name.strip(), NAME_MAX, least=1)
    check_length("avatar", command.avatar or "", AVATAR_MAX)
    check_length("notice", command.notice or "", NOTICE_MAX)
    check_length("join_question", command.join_question or "", ANSWER_MAX)
    check_range("slow_mode_s", command.slow_mode_s or 0, 0, SLOW_MODE_S_MAX)
    check_range("retention_days", command.retention_days or 0, 0, RETENTION_DAYS_MAX)
    if command.members_limit is not None:
        check_range("members_limit", command.members_limit, 2, MEMBERS_MAX)


def changed_fields(group: Group, command: UpdateGroup) -> dict[str, object]:
    """Return the fields that the command would make different, with their new values."""
    wanted = structs.asdict(command)
    del wanted["conversation_id"]
    if command.name is not None:
        wanted["name"] = command.name.strip()
    return {
        field: value
        for field, value in wanted.items()
        if value is not None and value != getattr(group, field)
    }


def why_not_added(
    user: User | None, relation: Relation | None, banned: bool, trusted: bool
) -> Reason | None:
    """Return why this user cannot be added to a group, or None when they can.

    Args:
        user: The account.
        relation: What the one who adds is to that user.
        banned: Whether the group has banned the user.
        trusted: Whether the user's own wishes are passed over.
    """
    if user is None or user.state != "active":
        return "unknown"
    if banned:
        return "banned"
    if trusted:
        return None
    if relation is not None and relation.blocked:
        return "blocked"
    if user.privacy.who_may_invite == "friends" and not (relation is not None and relation.friend):
        return "friends_only"
    return None


def link_works(link: InviteLink, maker: Member | None, group: Group, now_ms: int) -> bool:
    """Return whether an invite link lets people in now."""
    if group.dissolved or (link.expires_at_ms and link.expires_at_ms <= now_ms):
        return False
    if link.uses_max and link.uses >= link.uses_max:
        return False
    if maker is None or not maker.active:
        return False
    least = Role.ADMIN if group.join_policy == "closed" else group.permissions.invite
    return maker.role.rank >= least.rank


def check_found(request: JoinRequest | None) -> JoinRequest:
    """Return the request, or refuse where there is none.

    Raises:
        NotFound: there is none.
    """
    if request is None:
        raise NotFound("This user has not asked to join.")
    return request
