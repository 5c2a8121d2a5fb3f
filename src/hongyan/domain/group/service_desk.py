"""What the group services share: a group as it stands, and one way to change it.

All commits of one group expect and touch its roll, so they happen one after the other; those
that write the ``Group`` row also expect the conversation's epoch, which they raise. See
docs/adr/0002-the-roll-of-a-group.md.
"""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Any

from msgspec import Struct, structs

from hongyan.domain.log.model import (
    Advance,
    Append,
    Change,
    Commit,
    Expect,
    Put,
    Row,
    Touch,
    encode_body,
)
from hongyan.domain.log.ports import Log, Records
from hongyan.domain.log.service import decide
from hongyan.domain.relation.model import Relation
from hongyan.domain.user.model import User
from hongyan.kernel.bus import Actor
from hongyan.kernel.clock import Clock
from hongyan.kernel.errors import LimitReached, NotFound
from hongyan.kernel.ids import ConversationId, Kind, LogId, UserId, kind_of, user_log
from hongyan.kernel.turns import Turns

from .api import Dissolved, GroupInfo, NotAdded, NotAMember
from .model import (
    MEMBERS_JOINED,
    MEMBERS_LEFT,
    MEMBERSHIP_JOINED,
    MEMBERSHIP_LEFT,
    MEMBERSHIP_ROLE,
    Ban,
    Group,
    How,
    Member,
    MembershipJoined,
    MembershipLeft,
    MembershipRole,
    MembersJoined,
    MembersLeft,
    Role,
    Roll,
    Why,
    roll_log,
)
from .ports import Avatars
from .rules import why_not_added

NO_ONE = UserId("")
HERE = 2**53
"""A seq beyond any log's end, where cursors are clamped to."""
GROUP_KINDS = (Kind.GROUP, Kind.CHANNEL)


class Scene:
    """A group as it stands, and what is to change in it.

    Args:
        group: The group.
        count: How many members it has.
        mine: The caller's place in it, if they ever had one.
        actor: The caller.
        now_ms: The time.
    """

    def __init__(
        self, group: Group, count: int, mine: Member | None, actor: Actor, now_ms: int
    ) -> None:
        self.group = group
        self.count = count
        self.mine = mine
        self.actor = actor
        self.now_ms = now_ms
        self.appends: list[Append] = []
        self.changes: list[Change] = []
        self.expects: list[Expect] = []
        self.log_id = LogId(group.conversation_id)
        self._before = group
        self._count_before = count

    @property
    def me(self) -> Member:
        """The caller, who is a member.

        Raises:
            NotAMember: or is not.
        """
        if self.mine is None or not self.mine.active:
            raise NotAMember
        return self.mine

    def info(self) -> GroupInfo:
        """Return the group as the caller sees it."""
        return GroupInfo(self.group, self.count, self.me)

    def tell(self, kind: str, body: Struct | None = None, rules: bool = False) -> None:
        """Append an entry to the group's log.

        Args:
            kind: The entry's kind.
            body: Its body; None for an empty one.
            rules: Whether it may make somebody's "you may" untrue.
        """
        encoded = encode_body({} if body is None else body)
        log_id, sender = self.log_id, self.actor.user_id
        self.appends.append(Append(log_id, kind, sender, encoded, self.now_ms, changes_rules=rules))

    def tell_each(self, user_ids: Iterable[UserId], kind: str, body: Struct) -> None:
        """Append the same entry to the own log of each of these users."""
        encoded, sender = encode_body(body), self.actor.user_id
        self.appends += [
            Append(user_log(user_id), kind, sender, encoded, self.now_ms) for user_id in user_ids
        ]

    def put(self, row: Row, seq_field: str = "") -> None:
        """Store a row; ``seq_field`` gets the seq of the first entry told."""
        self.changes.append(Put(row, seq_field))

    def add(self, beside: Commit) -> None:
        """Let this happen in the same transaction."""
        self.changes += beside.changes
        self.expects += beside.expects

    def set(self, **fields: Any) -> None:
        """Give fields of the group new values."""
        self.group = structs.replace(self.group, **fields)

    def check_not_full(self) -> None:
        """Refuse where nobody more may join.

        Raises:
            LimitReached: the group is full.
        """
        if self.count >= self.group.members_limit:
            raise LimitReached("This group is full.", limit=self.group.members_limit)

    def seat(
        self, places: Iterable[tuple[UserId, Member | None]], how: How, by: UserId = NO_ONE
    ) -> None:
        """Make these people members; tell it before anything else.

        What was said before they came is not unread to them, though they may see it.

        Args:
            places: Who, and the place they had before, if any: mutes outlive an absence.
            how: How they came in.
            by: Who brought them in.
        """
        group, seq_field = self.group, "" if self.group.history_visible else "visible_from"
        joined = []
        for user_id, before in places:
            member = before or Member(conversation_id=group.conversation_id, user_id=user_id)
            member = structs.replace(
                member,
                active=True,
                rank=member.role.rank,
                visible_from=1,
                visible_until=0,
                joined_at_ms=self.now_ms,
                invited_by=by,
            )
            self.put(member, seq_field)
            self.changes.append(Advance(self.log_id, user_id, read_seq=HERE))
            joined.append(user_id)
        self.count += len(joined)
        self.tell(MEMBERS_JOINED, MembersJoined(tuple(joined), how))
        body = MembershipJoined(
            conversation_id=group.conversation_id, kind=group.kind, name=group.name, how=how
        )
        self.tell_each(joined, MEMBERSHIP_JOINED, body)

    def unseat(self, members: Sequence[Member], why: Why) -> None:
        """Let these members be no more; tell it before anything else."""
        for member in members:
            gone = structs.replace(member, active=False, role=Role.MEMBER, rank=-1)
            self.put(gone, "visible_until")
        self.count -= len(members)
        group, gone_ids = self.group, tuple(member.user_id for member in members)
        self.tell(MEMBERS_LEFT, MembersLeft(gone_ids, why), rules=True)
        body = MembershipLeft(
            conversation_id=group.conversation_id, kind=group.kind, name=group.name, why=why
        )
        self.tell_each(gone_ids, MEMBERSHIP_LEFT, body)

    def give_role(self, member: Member, role: Role) -> Member:
        """Give a member another role and tell it in the member's own log; return the member."""
        group, changed = self.group, structs.replace(member, role=role, rank=role.rank)
        self.put(changed)
        body = MembershipRole(
            conversation_id=group.conversation_id, kind=group.kind, name=group.name, role=role
        )
        self.tell_each((member.user_id,), MEMBERSHIP_ROLE, body)
        return changed

    def commit(self, epoch: int, roll_epoch: int) -> Commit:
        """Return the whole as one transaction; an empty one where nothing changes."""
        roll_id = roll_log(self.group.conversation_id)
        expects = [Expect(roll_id, roll_epoch), *self.expects]
        changes = list(self.changes)
        if self.count != self._count_before:
            roll = Roll(conversation_id=self.group.conversation_id, member_count=self.count)
            changes.append(Put(roll))
        if self.group != self._before:
            changes.append(Put(self.group))
            expects.append(Expect(self.log_id, epoch))
            if not any(append.changes_rules for append in self.appends):
                changes.append(Touch(self.log_id))
        if not changes and not self.appends:
            return Commit()
        changes.append(Touch(roll_id))
        return Commit(tuple(self.appends), tuple(changes), tuple(expects), self.actor.connection_id)


class Desk:
    """Reads groups and changes them.

    Args:
        log: Where changes go.
        records: Groups, members, users and relations.
        clock: The time of day.
        avatars: Keeps pictures; None lets groups name pictures that nobody keeps.
    """

    def __init__(
        self, log: Log, records: Records, clock: Clock, avatars: Avatars | None = None
    ) -> None:
        self._avatars = avatars
        self.log = log
        self.records = records
        self.clock = clock
        self._turns = Turns()

    async def look(self, actor: Actor, conversation_id: ConversationId) -> Scene:
        """Return a group as it stands.

        Raises:
            NotAMember: there is no such group.
        """
        if kind_of(conversation_id) not in GROUP_KINDS:
            raise NotAMember
        group = await self.records.get(Group, conversation_id)
        if group is None:
            raise NotAMember
        roll = await self.records.get(Roll, conversation_id)
        mine = await self.records.get(Member, conversation_id, actor.user_id)
        count = 0 if roll is None else roll.member_count
        return Scene(group, count, mine, actor, self.clock.now_ms())

    async def change(
        self,
        actor: Actor,
        conversation_id: ConversationId,
        plan: Callable[[Scene], Awaitable[None]],
        even_dissolved: bool = False,
    ) -> Scene:
        """Let ``plan`` change the group until nobody else has changed it meanwhile.

        Raises:
            NotAMember: there is no such group.
            Dissolved: it is no more, and the change is not one for then.
        """
        roll_id = roll_log(conversation_id)
        log_id = LogId(conversation_id)
        scene: Scene

        async def attempt() -> Commit:
            nonlocal scene
            heads = await self.log.heads([log_id, roll_id])
            scene = await self.look(actor, conversation_id)
            if scene.group.dissolved and not even_dissolved:
                raise Dissolved
            await plan(scene)
            return scene.commit(heads[log_id].epoch, heads[roll_id].epoch)

        async with self._turns.of(conversation_id):
            await decide(self.log, attempt)
        return scene

    async def avatar(self, user_id: UserId, group: Group, old: str) -> Commit:
        """Return what a commit must hold beside that gives a group the avatar it has now.

        Raises:
            NoSuchMedia: it is no picture of this user's.
        """
        if self._avatars is None:
            return Commit()
        log_id = LogId(group.conversation_id)
        return await self._avatars.change_avatar(user_id, log_id, old, group.avatar)

    async def member(self, conversation_id: ConversationId, user_id: UserId) -> Member:
        """Return an active member.

        Raises:
            NotFound: this user is none.
        """
        member = await self.records.get(Member, conversation_id, user_id)
        if member is None or not member.active:
            raise NotFound("This user is not a member.")
        return member

    async def candidates(
        self,
        actor: Actor,
        conversation_id: ConversationId,
        user_ids: Sequence[UserId],
        trusted: bool = False,
    ) -> tuple[list[tuple[UserId, Member | None]], list[NotAdded]]:
        """Tell who of these people can be added (with the place they had), and who cannot.

        Members are in neither list. Four reads, however many are named.
        """
        here = [(conversation_id, user_id) for user_id in dict.fromkeys(user_ids)]
        places = await self.records.get_many(Member, here)
        here = [key for key in here if key not in places or not places[key].active]
        users = await self.records.get_many(User, [(user_id,) for _, user_id in here])
        bans = await self.records.get_many(Ban, here)
        pairs = [(user_id, actor.user_id) for _, user_id in here]
        relations = await self.records.get_many(Relation, pairs)
        can: list[tuple[UserId, Member | None]] = []
        cannot: list[NotAdded] = []
        for key, pair in zip(here, pairs, strict=True):
            user_id = key[1]
            reason = why_not_added(users.get(user_id), relations.get(pair), key in bans, trusted)
            if reason is None:
                can.append((user_id, places.get(key)))
            else:
                cannot.append(NotAdded(user_id, reason))
        return can, cannot
