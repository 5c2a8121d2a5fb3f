"""The group service, part two: its members, from the invitation to the ban."""

from collections.abc import Sequence
from typing import Any

from msgspec import structs

from hongyan.domain.log.model import Drop
from hongyan.domain.user.model import User
from hongyan.kernel.bus import DONE, Actor, Done, handles
from hongyan.kernel.errors import Invalid, LimitReached, NotFound
from hongyan.kernel.ids import ConversationId, UserId
from hongyan.kernel.limits import check_length
from hongyan.kernel.pages import check_page, read_page_token, write_page_token

from . import rules
from .commands import NotAdded
from .commands_members import (
    Added,
    AddMembers,
    BanMember,
    Bans,
    InviteMembers,
    KickMembers,
    LeaveGroup,
    ListBans,
    ListMembers,
    MemberInfo,
    Members,
    MuteMember,
    OwnerMustTransfer,
    SetNickname,
    SetRole,
    UnbanMember,
)
from .groups import dissolve
from .model import MEMBER_CHANGED, Ban, How, Member, MemberChanged, Role
from .repository import GroupChange, GroupRepository


class MemberService:
    """Answers the commands about a group's members.

    Args:
        repository: Reads and changes groups; shared by the group services.
    """

    def __init__(self, repository: GroupRepository) -> None:
        self._repository = repository
        self._records = repository.records

    # --- coming in ---

    @handles(InviteMembers)
    async def invite(self, actor: Actor, command: InviteMembers) -> Added:
        """Answer ``InviteMembers``."""
        check_length("user_ids", command.user_ids, rules.INVITED_MAX)
        return await self._add(actor, command.conversation_id, command.user_ids, "invited")

    @handles(AddMembers)
    async def add(self, actor: Actor, command: AddMembers) -> Added:
        """Answer ``AddMembers``."""
        check_length("user_ids", command.user_ids, rules.ADDED_MAX)
        return await self._add(actor, command.conversation_id, command.user_ids, "added")

    async def _add(
        self, actor: Actor, conversation_id: ConversationId, user_ids: Sequence[UserId], how: How
    ) -> Added:
        added: tuple[UserId, ...] = ()
        not_added: list[NotAdded] = []

        async def plan(change: GroupChange) -> None:
            nonlocal added, not_added
            if how == "added":
                rules.check_role(change.me, Role.ADMIN)
            else:
                rules.check_may_invite(change.group, change.me)
            trusted = actor.admin and how == "added"
            can, not_added = await self._repository.candidates(
                actor, conversation_id, user_ids, trusted
            )
            room = max(change.group.members_limit - change.count, 0)
            not_added += [NotAdded(user_id, "full") for user_id, _ in can[room:]]
            added = tuple(user_id for user_id, _ in can[:room])
            if added:
                change.add_member(can[:room], how, actor.user_id)

        await self._repository.change(actor, conversation_id, plan)
        return Added(added, tuple(not_added))

    # --- going out ---

    @handles(LeaveGroup)
    async def leave(self, actor: Actor, command: LeaveGroup) -> Done:
        """Answer ``LeaveGroup``."""

        async def plan(change: GroupChange) -> None:
            if change.mine is not None and not change.mine.active:
                return
            is_open = not change.group.dissolved
            if change.me.role == Role.OWNER and is_open and change.count > 1:
                raise OwnerMustTransfer
            change.remove_member((change.me,), "left")
            if change.count == 0 and is_open:
                dissolve(change)

        await self._repository.change(actor, command.conversation_id, plan, even_dissolved=True)
        return DONE

    @handles(KickMembers)
    async def kick(self, actor: Actor, command: KickMembers) -> Done:
        """Answer ``KickMembers``."""
        check_length("user_ids", command.user_ids, rules.KICKED_MAX, least=1)
        if actor.user_id in command.user_ids:
            raise Invalid("Leave the group instead of removing yourself.", field="user_ids")
        keys = [(command.conversation_id, user_id) for user_id in dict.fromkeys(command.user_ids)]

        async def plan(change: GroupChange) -> None:
            rules.check_role(change.me, Role.ADMIN)
            places = await self._records.get_many(Member, keys)
            targets = [places[key] for key in keys if key in places and places[key].active]
            for target in targets:
                rules.check_outranks(change.me, target)
            if targets:
                change.remove_member(targets, "kicked")

        await self._repository.change(actor, command.conversation_id, plan)
        return DONE

    @handles(BanMember)
    async def ban(self, actor: Actor, command: BanMember) -> Done:
        """Answer ``BanMember``."""
        check_length("reason", command.reason, rules.REASON_MAX)
        if actor.user_id == command.user_id:
            raise Invalid("You cannot ban yourself.", field="user_id")
        key = (command.conversation_id, command.user_id)

        async def plan(change: GroupChange) -> None:
            rules.check_role(change.me, Role.ADMIN)
            target = await self._records.get(Member, *key)
            if target is not None and target.active:
                rules.check_outranks(change.me, target)
                change.remove_member((target,), "banned")
            if await self._records.get(Ban, *key) is not None:
                return
            if await self._records.get(User, command.user_id) is None:
                raise NotFound("There is no such user.")
            if await self._records.count(Ban, command.conversation_id) >= rules.BANS_MAX:
                raise LimitReached("Lift a ban first.", limit=rules.BANS_MAX)
            change.put(
                Ban(
                    conversation_id=command.conversation_id,
                    user_id=command.user_id,
                    banned_by=actor.user_id,
                    reason=command.reason,
                    banned_at_ms=change.now_ms,
                )
            )

        await self._repository.change(actor, command.conversation_id, plan)
        return DONE

    @handles(UnbanMember)
    async def unban(self, actor: Actor, command: UnbanMember) -> Done:
        """Answer ``UnbanMember``."""
        key = (command.conversation_id, command.user_id)

        async def plan(change: GroupChange) -> None:
            rules.check_role(change.me, Role.ADMIN)
            if await self._records.get(Ban, *key) is not None:
                change.changes.append(Drop(Ban, key))

        await self._repository.change(actor, command.conversation_id, plan)
        return DONE

    # --- what a member is ---

    @handles(SetRole)
    async def set_role(self, actor: Actor, command: SetRole) -> Done:
        """Answer ``SetRole``."""
        role = Role(command.role)

        async def plan(change: GroupChange) -> None:
            rules.check_role(change.me, Role.OWNER)
            target = await self._repository.member(command.conversation_id, command.user_id)
            if target.role == Role.OWNER:
                raise Invalid("Transfer the group to change its owner.", field="user_id")
            if role == Role.ADMIN != target.role:
                admins = await self._records.count(
                    Member, command.conversation_id, role.rank, by="by_rank"
                )
                if admins >= rules.ADMINS_MAX:
                    raise LimitReached("There are too many admins.", limit=rules.ADMINS_MAX)
            if role != target.role:
                change.append(MEMBER_CHANGED, MemberChanged(target.user_id, role=role), rules=True)
                change.give_role(target, role)

        await self._repository.change(actor, command.conversation_id, plan)
        return DONE

    @handles(SetNickname)
    async def set_nickname(self, actor: Actor, command: SetNickname) -> Done:
        """Answer ``SetNickname``."""
        nickname = command.nickname.strip()
        check_length("nickname", nickname, rules.NICKNAME_MAX)

        async def plan(change: GroupChange) -> None:
            _alter(change, change.me, nickname=nickname)

        await self._repository.change(actor, command.conversation_id, plan)
        return DONE

    @handles(MuteMember)
    async def mute(self, actor: Actor, command: MuteMember) -> Done:
        """Answer ``MuteMember``."""
        if command.until_ms < -1:
            raise Invalid("until_ms is -1, 0 or a time.", field="until_ms")

        async def plan(change: GroupChange) -> None:
            rules.check_role(change.me, Role.ADMIN)
            target = await self._repository.member(command.conversation_id, command.user_id)
            rules.check_outranks(change.me, target)
            until_ms = 0 if 0 < command.until_ms <= change.now_ms else command.until_ms
            _alter(change, target, muted_until_ms=until_ms)

        await self._repository.change(actor, command.conversation_id, plan)
        return DONE

    # --- lists ---

    @handles(ListMembers)
    async def members(self, actor: Actor, command: ListMembers) -> Members:
        """Answer ``ListMembers``."""
        check_page(command.limit)
        check_length("nickname_prefix", command.nickname_prefix, rules.NICKNAME_MAX)
        change = await self._repository.load(actor, command.conversation_id)
        rules.check_role(change.me, change.group.permissions.see_members)
        if command.nickname_prefix:
            found = await self._by_nickname(command)
        else:
            found = await self._by_rank(command)
        page = found[: command.limit]
        following = ""
        if len(found) > command.limit:
            last = page[-1]
            place = last.nickname_key if command.nickname_prefix else last.rank
            following = write_page_token(place, last.user_id)
        return Members(tuple(_info(member) for member in page), following)

    async def _by_rank(self, command: ListMembers) -> list[Member]:
        """Return one more than asked for, by rank from above, then by user id."""
        rank, last = read_page_token(command.after, int, str) or (Role.OWNER.rank, "")
        found: list[Member] = []
        while 0 <= rank <= Role.OWNER.rank and len(found) <= command.limit:
            found += await self._records.scan(
                Member,
                command.conversation_id,
                rank,
                by="by_rank",
                after=(last,),
                limit=command.limit + 1 - len(found),
            )
            rank, last = rank - 1, ""
        return found

    async def _by_nickname(self, command: ListMembers) -> list[Member]:
        """Return one more than asked for of those whose nickname begins so."""
        prefix = command.nickname_prefix.casefold()
        found = await self._records.scan(
            Member,
            command.conversation_id,
            True,
            by="by_nickname",
            after=read_page_token(command.after, str, str) or (prefix, ""),
            limit=command.limit + 1,
        )
        return [member for member in found if member.nickname_key.startswith(prefix)]

    @handles(ListBans)
    async def bans(self, actor: Actor, command: ListBans) -> Bans:
        """Answer ``ListBans``."""
        check_page(command.limit)
        place = read_page_token(command.after, str)
        rules.check_role(
            (await self._repository.load(actor, command.conversation_id)).me, Role.ADMIN
        )
        found = await self._records.scan(
            Ban, command.conversation_id, after=place, limit=command.limit + 1
        )
        page = found[: command.limit]
        following = write_page_token(page[-1].user_id) if len(found) > command.limit else ""
        return Bans(tuple(page), following)


def _alter(change: GroupChange, target: Member, **fields: Any) -> None:
    """Change one member and log it, where that makes a difference."""
    changed = structs.replace(target, **fields)
    if changed == target:
        return
    change.put(structs.replace(changed, nickname_key=changed.nickname.casefold()))
    body = structs.replace(MemberChanged(target.user_id), **fields)
    change.append(MEMBER_CHANGED, body, rules="nickname" not in fields)


def _info(member: Member) -> MemberInfo:
    return MemberInfo(
        member.user_id,
        member.role,
        member.nickname,
        member.muted_until_ms,
        member.joined_at_ms,
        member.invited_by,
    )
