"""The group service, part one: a group from its creation to its end."""

import msgspec
from msgspec import structs

from hongyan.domain.log.deciding import decide
from hongyan.domain.log.model import (
    Append,
    Bump,
    Change,
    Commit,
    Duplicate,
    Precondition,
    Put,
    encode_body,
)
from hongyan.kernel.bus import DONE, Actor, Done, handles
from hongyan.kernel.errors import Conflict, Forbidden
from hongyan.kernel.ids import ConversationId, Kind, LogId, UserId, group_id, kind_of, user_log
from hongyan.kernel.limits import CLIENT_ID_MAX, check_length, check_range
from hongyan.kernel.pages import check_page, read_page_token, write_page_token

from . import rules
from .commands import (
    Created,
    CreateGroup,
    DissolveGroup,
    ForgetUser,
    GetGroup,
    GroupInfo,
    Groups,
    ListMyGroups,
    NotAdded,
    TransferGroup,
    UpdateGroup,
)
from .model import (
    CHANNEL_PERMISSIONS,
    CONVERSATION_CHANGED,
    CONVERSATION_CREATED,
    CONVERSATION_DISSOLVED,
    MEMBERS_JOINED,
    MEMBERS_MAX,
    MEMBERSHIP_JOINED,
    ConversationChanged,
    ConversationCreated,
    Group,
    Member,
    MemberCount,
    MembershipJoined,
    MembersJoined,
    Permissions,
    Role,
    member_count_log,
)
from .repository import GROUP_KINDS, GroupChange, GroupRepository

PAGE = 1_000
EXTERNAL_ID_MAX = 128


class GroupService:
    """Answers the commands about a group as a whole.

    Args:
        repository: Reads and changes groups; shared by the group services.
    """

    def __init__(self, repository: GroupRepository) -> None:
        self._repository = repository

    @handles(CreateGroup)
    async def create(self, actor: Actor, command: CreateGroup) -> Created:
        """Answer ``CreateGroup``."""
        check_length("client_id", command.client_id, CLIENT_ID_MAX, least=1)
        check_length("name", command.name.strip(), rules.NAME_MAX, least=1)
        check_length("avatar", command.avatar, rules.AVATAR_MAX)
        check_length("user_ids", command.user_ids, rules.INVITED_MAX)
        check_range("members_limit", command.members_limit, 2, MEMBERS_MAX)
        if command.external_id is not None:
            check_length("external_id", command.external_id, EXTERNAL_ID_MAX, least=1)
            if not actor.key_id and not actor.admin:
                raise Forbidden("Only an app server names an external_id.")
        made = group_id(actor.user_id, command.client_id, Kind(command.kind))
        invited = [user_id for user_id in command.user_ids if user_id != actor.user_id]
        can, cannot = await self._repository.candidates(actor, made, invited)
        if await self._repository.records.get(Group, made) is None:
            await self._make(actor, command, made, [user_id for user_id, _ in can])
        members = await self._with_members(made)
        cannot += [NotAdded(user_id, "full") for user_id, _ in can]
        not_added = tuple(one for one in cannot if one.user_id not in members)
        return Created(made, (await self._repository.load(actor, made)).info(), not_added)

    async def _with_members(self, made: ConversationId) -> frozenset[UserId]:
        """Return who was in the group from the beginning."""
        joined = (await self._repository.log.read(LogId(made), 2, 2, 1))[0]
        return frozenset(msgspec.json.decode(joined.body, type=MembersJoined).user_ids)

    async def _make(
        self, actor: Actor, command: CreateGroup, made: ConversationId, invited: list[UserId]
    ) -> None:
        now_ms = self._repository.clock.now_ms()
        group = Group(
            conversation_id=made,
            kind=Kind(command.kind),
            name=command.name.strip(),
            avatar=command.avatar,
            owner_id=actor.user_id,
            join_policy=command.join_policy,
            permissions=CHANNEL_PERMISSIONS if command.kind == "channel" else Permissions(),
            members_limit=command.members_limit,
            external_id=command.external_id,
            created_at_ms=now_ms,
        )
        owner = Member(
            conversation_id=made,
            user_id=actor.user_id,
            role=Role.OWNER,
            rank=Role.OWNER.rank,
            joined_at_ms=now_ms,
        )
        members = [owner] + [
            Member(
                conversation_id=made, user_id=user_id, joined_at_ms=now_ms, invited_by=actor.user_id
            )
            for user_id in invited[: command.members_limit - 1]
        ]

        async def attempt() -> Commit:
            beside = await self._repository.avatar(actor.user_id, group, "")
            creation = _creation(actor, command, group, members)
            changes, preconditions = (
                creation.changes + beside.changes,
                creation.preconditions + beside.preconditions,
            )
            return structs.replace(creation, changes=changes, preconditions=preconditions)

        try:
            await decide(self._repository.log, attempt)
        except Duplicate as error:
            raise Conflict("Another group has this external_id.") from error

    @handles(GetGroup)
    async def get(self, actor: Actor, command: GetGroup) -> GroupInfo:
        """Answer ``GetGroup``."""
        return (await self._repository.load(actor, command.conversation_id)).info()

    @handles(ListMyGroups)
    async def mine(self, actor: Actor, command: ListMyGroups) -> Groups:
        """Answer ``ListMyGroups``."""
        check_page(command.limit)
        records, place = self._repository.records, read_page_token(command.after, str)
        found = await records.scan(
            Member, actor.user_id, True, by="of_user", after=place, limit=command.limit + 1
        )
        page = {m.conversation_id: m for m in found[: command.limit]}
        keys = [(i,) for i in page if kind_of(i) in GROUP_KINDS]
        groups = await records.get_many(Group, keys)
        rolls = await records.get_many(MemberCount, keys)
        following = (
            write_page_token(found[-2].conversation_id) if len(found) > command.limit else ""
        )
        return Groups(
            tuple(GroupInfo(groups[i], rolls[i].member_count, page[i]) for (i,) in keys), following
        )

    @handles(UpdateGroup)
    async def update(self, actor: Actor, command: UpdateGroup) -> GroupInfo:
        """Answer ``UpdateGroup``."""
        rules.check_values(command)

        async def plan(change: GroupChange) -> None:
            changed = rules.changed_fields(change.group, command)
            rules.check_may_update(change.group, change.me, set(changed))
            if changed:
                hidden = change.group.history_was_hidden or changed.get("history_visible") is False
                before = change.group.avatar
                change.set(**changed, history_was_hidden=hidden)
                change.add(await self._repository.avatar(actor.user_id, change.group, before))
                body = structs.replace(ConversationChanged(), **changed)
                change.append(CONVERSATION_CHANGED, body, rules=True)

        return (await self._repository.change(actor, command.conversation_id, plan)).info()

    @handles(DissolveGroup)
    async def dissolve(self, actor: Actor, command: DissolveGroup) -> Done:
        """Answer ``DissolveGroup``."""

        async def plan(change: GroupChange) -> None:
            rules.check_role(change.me, Role.OWNER)
            if not change.group.dissolved:
                dissolve(change)

        await self._repository.change(actor, command.conversation_id, plan, even_dissolved=True)
        return DONE

    @handles(TransferGroup)
    async def transfer(self, actor: Actor, command: TransferGroup) -> Done:
        """Answer ``TransferGroup``."""

        async def plan(change: GroupChange) -> None:
            if change.group.owner_id == command.user_id and change.me.role == Role.ADMIN:
                return  # a repeat: the caller has handed the group over already
            rules.check_role(change.me, Role.OWNER)
            successor = await self._repository.member(command.conversation_id, command.user_id)
            if successor.user_id != actor.user_id:
                transfer(change, successor)
                change.give_role(change.me, Role.ADMIN)

        await self._repository.change(actor, command.conversation_id, plan)
        return DONE

    @handles(ForgetUser)
    async def forget(self, actor: Actor, command: ForgetUser) -> Done:
        """Answer ``ForgetUser``."""
        gone = Actor(command.user_id, actor.device_id, connection_id=actor.connection_id)

        async def plan(change: GroupChange) -> None:
            if change.mine is None or not change.mine.active:
                return
            change.remove_member((change.mine,), "deleted")
            if change.mine.role != Role.OWNER or change.group.dissolved:
                return
            successor = await self._successor(change)
            if successor is None:
                dissolve(change)
            else:
                transfer(change, successor)

        keys = await self._repository.records.keys(Member, command.user_id, True, by="of_user")
        for conversation_id, _ in keys:
            if kind_of(conversation_id) in GROUP_KINDS:
                await self._repository.change(gone, conversation_id, plan, even_dissolved=True)
        return DONE

    async def _successor(self, change: GroupChange) -> Member | None:
        """Return the longest-serving admin, else the longest-serving member. Reads them all."""
        group_id = change.group.conversation_id
        best: Member | None = None
        for rank in (Role.ADMIN.rank, Role.MEMBER.rank):
            place: tuple[UserId, ...] = ()
            while page := await self._repository.records.scan(
                Member, group_id, rank, by="by_rank", after=place, limit=PAGE
            ):
                place = (page[-1].user_id,)
                others = [m for m in page if m.active and m.user_id != change.actor.user_id]
                both = others if best is None else [best, *others]
                best = min(both, key=lambda m: (m.joined_at_ms, m.user_id), default=None)
            if best is not None:
                return best
        return None


def transfer(change: GroupChange, successor: Member) -> None:
    """Make a member the owner."""
    change.set(owner_id=successor.user_id)
    change.append(CONVERSATION_CHANGED, ConversationChanged(owner_id=successor.user_id), rules=True)
    change.give_role(successor, Role.OWNER)


def dissolve(change: GroupChange) -> None:
    """End the group."""
    change.set(dissolved=True)
    change.append(CONVERSATION_DISSOLVED, rules=True)


def _creation(actor: Actor, command: CreateGroup, group: Group, members: list[Member]) -> Commit:
    """Return the commit that makes a group, or is answered with the first try's entry."""
    made, now_ms = group.conversation_id, group.created_at_ms
    log_id = LogId(made)
    created = encode_body(ConversationCreated(group.kind, group.name))
    joined = encode_body(MembersJoined(tuple(m.user_id for m in members), "created"))
    changes: list[Change] = [Put(group), *(Put(member) for member in members)]
    changes.append(Put(MemberCount(conversation_id=made, member_count=len(members))))
    changes.append(Bump(member_count_log(made)))
    return Commit(
        (
            Append(
                log_id,
                CONVERSATION_CREATED,
                actor.user_id,
                created,
                now_ms,
                command.client_id,
                changes_rules=True,
            ),
            Append(log_id, MEMBERS_JOINED, actor.user_id, joined, now_ms),
            *(_membership(group, member, actor) for member in members),
        ),
        tuple(changes),
        (Precondition(member_count_log(made), 0),),
        actor.connection_id,
    )


def _membership(group: Group, member: Member, actor: Actor) -> Append:
    """Return what a member of a new group gets in their own log."""
    body = MembershipJoined(
        conversation_id=group.conversation_id,
        kind=group.kind,
        name=group.name,
        how="created",
        role=member.role,
    )
    log_id, now_ms = user_log(member.user_id), group.created_at_ms
    return Append(log_id, MEMBERSHIP_JOINED, actor.user_id, encode_body(body), now_ms)
