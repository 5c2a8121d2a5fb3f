"""The group service, part one: a group from its creation to its end."""

import msgspec
from msgspec import structs

from hongyan.domain.log.model import (
    Append,
    Change,
    Commit,
    Duplicate,
    Expect,
    Put,
    Touch,
    encode_body,
)
from hongyan.domain.log.service import decide
from hongyan.kernel.bus import DONE, Actor, Done, handles
from hongyan.kernel.errors import Conflict, Forbidden
from hongyan.kernel.ids import ConversationId, Kind, LogId, UserId, group_id, kind_of, user_log
from hongyan.kernel.limits import CLIENT_ID_MAX, check_length, check_range
from hongyan.kernel.pages import check_page, read_place, write_place

from . import rules
from .api import (
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
    MembershipJoined,
    MembersJoined,
    Permissions,
    Role,
    Roll,
    roll_log,
)
from .service_desk import GROUP_KINDS, Desk, Scene

PAGE = 1_000
EXTERNAL_ID_MAX = 128


class GroupService:
    """Answers the commands about a group as a whole.

    Args:
        desk: Reads and changes groups; shared by the group services.
    """

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

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
        can, cannot = await self._desk.candidates(actor, made, invited)
        if await self._desk.records.get(Group, made) is None:
            await self._make(actor, command, made, [user_id for user_id, _ in can])
        seated = await self._seated(made)
        cannot += [NotAdded(user_id, "full") for user_id, _ in can]
        not_added = tuple(one for one in cannot if one.user_id not in seated)
        return Created(made, (await self._desk.look(actor, made)).info(), not_added)

    async def _seated(self, made: ConversationId) -> frozenset[UserId]:
        """Return who was in the group from the beginning."""
        joined = (await self._desk.log.read(LogId(made), 2, 2, 1))[0]
        return frozenset(msgspec.json.decode(joined.body, type=MembersJoined).user_ids)

    async def _make(
        self, actor: Actor, command: CreateGroup, made: ConversationId, invited: list[UserId]
    ) -> None:
        now_ms = self._desk.clock.now_ms()
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
            beside = await self._desk.avatar(actor.user_id, group, "")
            creation = _creation(actor, command, group, members)
            changes, expects = creation.changes + beside.changes, creation.expects + beside.expects
            return structs.replace(creation, changes=changes, expects=expects)

        try:
            await decide(self._desk.log, attempt)
        except Duplicate as error:
            raise Conflict("Another group has this external_id.") from error

    @handles(GetGroup)
    async def get(self, actor: Actor, command: GetGroup) -> GroupInfo:
        """Answer ``GetGroup``."""
        return (await self._desk.look(actor, command.conversation_id)).info()

    @handles(ListMyGroups)
    async def mine(self, actor: Actor, command: ListMyGroups) -> Groups:
        """Answer ``ListMyGroups``."""
        check_page(command.limit)
        records, place = self._desk.records, read_place(command.after, str)
        found = await records.scan(
            Member, actor.user_id, True, by="of_user", after=place, limit=command.limit + 1
        )
        page = {m.conversation_id: m for m in found[: command.limit]}
        keys = [(i,) for i in page if kind_of(i) in GROUP_KINDS]
        groups = await records.get_many(Group, keys)
        rolls = await records.get_many(Roll, keys)
        following = write_place(found[-2].conversation_id) if len(found) > command.limit else ""
        return Groups(
            tuple(GroupInfo(groups[i], rolls[i].member_count, page[i]) for (i,) in keys), following
        )

    @handles(UpdateGroup)
    async def update(self, actor: Actor, command: UpdateGroup) -> GroupInfo:
        """Answer ``UpdateGroup``."""
        rules.check_values(command)

        async def plan(scene: Scene) -> None:
            changed = rules.changed_fields(scene.group, command)
            rules.check_may_update(scene.group, scene.me, set(changed))
            if changed:
                hidden = scene.group.history_was_hidden or changed.get("history_visible") is False
                before = scene.group.avatar
                scene.set(**changed, history_was_hidden=hidden)
                scene.add(await self._desk.avatar(actor.user_id, scene.group, before))
                body = structs.replace(ConversationChanged(), **changed)
                scene.tell(CONVERSATION_CHANGED, body, rules=True)

        return (await self._desk.change(actor, command.conversation_id, plan)).info()

    @handles(DissolveGroup)
    async def dissolve(self, actor: Actor, command: DissolveGroup) -> Done:
        """Answer ``DissolveGroup``."""

        async def plan(scene: Scene) -> None:
            rules.check_role(scene.me, Role.OWNER)
            if not scene.group.dissolved:
                dissolve(scene)

        await self._desk.change(actor, command.conversation_id, plan, even_dissolved=True)
        return DONE

    @handles(TransferGroup)
    async def transfer(self, actor: Actor, command: TransferGroup) -> Done:
        """Answer ``TransferGroup``."""

        async def plan(scene: Scene) -> None:
            if scene.group.owner_id == command.user_id and scene.me.role == Role.ADMIN:
                return  # a repeat: the caller has handed the group over already
            rules.check_role(scene.me, Role.OWNER)
            heir = await self._desk.member(command.conversation_id, command.user_id)
            if heir.user_id != actor.user_id:
                crown(scene, heir)
                scene.give_role(scene.me, Role.ADMIN)

        await self._desk.change(actor, command.conversation_id, plan)
        return DONE

    @handles(ForgetUser)
    async def forget(self, actor: Actor, command: ForgetUser) -> Done:
        """Answer ``ForgetUser``."""
        gone = Actor(command.user_id, actor.device_id, connection_id=actor.connection_id)

        async def plan(scene: Scene) -> None:
            if scene.mine is None or not scene.mine.active:
                return
            scene.unseat((scene.mine,), "deleted")
            if scene.mine.role != Role.OWNER or scene.group.dissolved:
                return
            heir = await self._heir(scene)
            if heir is None:
                dissolve(scene)
            else:
                crown(scene, heir)

        keys = await self._desk.records.keys(Member, command.user_id, True, by="of_user")
        for conversation_id, _ in keys:
            if kind_of(conversation_id) in GROUP_KINDS:
                await self._desk.change(gone, conversation_id, plan, even_dissolved=True)
        return DONE

    async def _heir(self, scene: Scene) -> Member | None:
        """Return the longest-serving admin, else the longest-serving member. Reads them all."""
        group_id = scene.group.conversation_id
        best: Member | None = None
        for rank in (Role.ADMIN.rank, Role.MEMBER.rank):
            place: tuple[UserId, ...] = ()
            while page := await self._desk.records.scan(
                Member, group_id, rank, by="by_rank", after=place, limit=PAGE
            ):
                place = (page[-1].user_id,)
                others = [m for m in page if m.active and m.user_id != scene.actor.user_id]
                both = others if best is None else [best, *others]
                best = min(both, key=lambda m: (m.joined_at_ms, m.user_id), default=None)
            if best is not None:
                return best
        return None


def crown(scene: Scene, heir: Member) -> None:
    """Make a member the owner."""
    scene.set(owner_id=heir.user_id)
    scene.tell(CONVERSATION_CHANGED, ConversationChanged(owner_id=heir.user_id), rules=True)
    scene.give_role(heir, Role.OWNER)


def dissolve(scene: Scene) -> None:
    """End the group."""
    scene.set(dissolved=True)
    scene.tell(CONVERSATION_DISSOLVED, rules=True)


def _creation(actor: Actor, command: CreateGroup, group: Group, members: list[Member]) -> Commit:
    """Return the commit that makes a group, or is answered with the first try's entry."""
    made, now_ms = group.conversation_id, group.created_at_ms
    log_id = LogId(made)
    created = encode_body(ConversationCreated(group.kind, group.name))
    joined = encode_body(MembersJoined(tuple(m.user_id for m in members), "created"))
    changes: list[Change] = [Put(group), *(Put(member) for member in members)]
    changes.append(Put(Roll(conversation_id=made, member_count=len(members))))
    changes.append(Touch(roll_log(made)))
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
        (Expect(roll_log(made), 0),),
        actor.connection_id,
    )


def _membership(group: Group, member: Member, actor: Actor) -> Append:
    """Return what a member of a new group is told in their own log."""
    body = MembershipJoined(
        conversation_id=group.conversation_id,
        kind=group.kind,
        name=group.name,
        how="created",
        role=member.role,
    )
    log_id, now_ms = user_log(member.user_id), group.created_at_ms
    return Append(log_id, MEMBERSHIP_JOINED, actor.user_id, encode_body(body), now_ms)
