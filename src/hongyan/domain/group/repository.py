"""The repository of groups: a group as it stands, and one way to change it.

All commits of one group expect and touch its roll, so they happen one after the other; those
that write the ``Group`` row also expect the conversation's version, which they raise. See
docs/adr/0002-the-member-count-of-a-group.md.
"""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Any

from msgspec import Struct, structs

from hongyan.domain.log.deciding import decide
from hongyan.domain.log.model import (
    Advance,
    Append,
    Bump,
    Change,
    Commit,
    Precondition,
    Put,
    Row,
    encode_body,
)
from hongyan.domain.log.ports import Log, Records
from hongyan.domain.relation.model import Relation
from hongyan.domain.user.model import User
from hongyan.kernel.bus import Actor
from hongyan.kernel.clock import Clock
from hongyan.kernel.errors import LimitReached, NotFound
from hongyan.kernel.ids import ConversationId, Kind, LogId, UserId, kind_of, user_log
from hongyan.kernel.turns import Turns

from .commands import Dissolved, GroupInfo, NotAdded, NotAMember
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
    MemberCount,
    MembershipJoined,
    MembershipLeft,
    MembershipRole,
    MembersJoined,
    MembersLeft,
    Role,
    Why,
    member_count_log,
)
from .ports import Avatars
from .rules import why_not_added

NO_ONE = UserId("")
HERE = 2**53
"""A seq beyond any log's end, where cursors are clamped to."""
GROUP_KINDS = (Kind.GROUP, Kind.CHANNEL)


class GroupChange:
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
        self.preconditions: list[Precondition] = []
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

    def append(self, kind: str, body: Struct | None = None, rules: bool = False) -> None:
        """Append an entry to the group's log.

        Args:
            kind: The entry's kind.
            body: Its body; None for an empty one.
            rules: Whether it may make somebody's "you may" untrue.
        """
        encoded = encode_body({} if body is None else body)
        log_id, sender = self.log_id, self.actor.user_id
        self.appends.append(Append(log_id, kind, sender, encoded, self.now_ms, changes_rules=rules))

    def append_for_each(self, user_ids: Iterable[UserId], kind: str, body: Struct) -> None:
        """Append the same entry to the own log of each of these users."""
        encoded, sender = encode_body(body), self.actor.user_id
        self.appends += [
            Append(user_log(user_id), kind, sender, encoded, self.now_ms) for user_id in user_ids
        ]

    def put(self, row: Row, seq_field: str = "") -> None:
        """Store a row; ``seq_field`` gets the seq of the first entry."""
        self.changes.append(Put(row, seq_field))

    def add(self, beside: Commit) -> None:
        """Let this happen in the same transaction."""
        self.changes += beside.changes
        self.preconditions += beside.preconditions

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

    def add_member(
        self, places: Iterable[tuple[UserId, Member | None]], how: How, by: UserId = NO_ONE
    ) -> None:
        """Make these people members; log it before anything else.

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
        self.append(MEMBERS_JOINED, MembersJoined(tuple(joined), how))
        body = MembershipJoined(
            conversation_id=group.conversation_id, kind=group.kind, name=group.name, how=how
        )
        self.append_for_each(joined, MEMBERSHIP_JOINED, body)

    def remove_member(self, members: Sequence[Member], why: Why) -> None:
        """Let these members be no more; log it before anything else."""
        for member in members:
            gone = structs.replace(member, active=False, role=Role.MEMBER, rank=-1)
            self.put(gone, "visible_until")
        self.count -= len(members)
        group, gone_ids = self.group, tuple(member.user_id for member in members)
        self.append(MEMBERS_LEFT, MembersLeft(gone_ids, why), rules=True)
        body = MembershipLeft(
            conversation_id=group.conversation_id, kind=group.kind, name=group.name, why=why
        )
        self.append_for_each(gone_ids, MEMBERSHIP_LEFT, body)

    def give_role(self, member: Member, role: Role) -> Member:
        """Give a member another role and log it in the member's own log; return the member."""
        group, changed = self.group, structs.replace(member, role=role, rank=role.rank)
        self.put(changed)
        body = MembershipRole(
            conversation_id=group.conversation_id, kind=group.kind, name=group.name, role=role
        )
        self.append_for_each((member.user_id,), MEMBERSHIP_ROLE, body)
        return changed

    def commit(self, version: int, member_count_version: int) -> Commit:
        """Return the whole as one transaction; an empty one where nothing changes."""
        member_count_id = member_count_log(self.group.conversation_id)
        preconditions = [Precondition(member_count_id, member_count_version), *self.preconditions]
        changes = list(self.changes)
        if self.count != self._count_before:
            member_count = MemberCount(
                conversation_id=self.group.conversation_id, member_count=self.count
            )
            changes.append(Put(member_count))
        if self.group != self._before:
            changes.append(Put(self.group))
            preconditions.append(Precondition(self.log_id, version))
            if not any(append.changes_rules for append in self.appends):
                changes.append(Bump(self.log_id))
        if not changes and not self.appends:
            return Commit()
        changes.append(Bump(member_count_id))
        return Commit(
            tuple(self.appends), tuple(changes), tuple(preconditions), self.actor.connection_id
        )


class GroupRepository:
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

    async def load(self, actor: Actor, conversation_id: ConversationId) -> GroupChange:
        """Return a group as it stands.

        Raises:
            NotAMember: there is no such group.
        """
        if kind_of(conversation_id) not in GROUP_KINDS:
            raise NotAMember
        group = await self.records.get(Group, conversation_id)
        if group is None:
            raise NotAMember
        member_count = await self.records.get(MemberCount, conversation_id)
        mine = await self.records.get(Member, conversation_id, actor.user_id)
        count = 0 if member_count is None else member_count.member_count
        return GroupChange(group, count, mine, actor, self.clock.now_ms())

    async def change(
        self,
        actor: Actor,
        conversation_id: ConversationId,
        plan: Callable[[GroupChange], Awaitable[None]],
        even_dissolved: bool = False,
    ) -> GroupChange:
        """Let ``plan`` change the group until nobody else has changed it meanwhile.

        Raises:
            NotAMember: there is no such group.
            Dissolved: it is no more, and the change is not one for then.
        """
        member_count_id = member_count_log(conversation_id)
        log_id = LogId(conversation_id)
        change: GroupChange

        async def attempt() -> Commit:
            nonlocal change
            heads = await self.log.states([log_id, member_count_id])
            change = await self.load(actor, conversation_id)
            if change.group.dissolved and not even_dissolved:
                raise Dissolved
            await plan(change)
            return change.commit(heads[log_id].version, heads[member_count_id].version)

        async with self._turns.of(conversation_id):
            await decide(self.log, attempt)
        return change

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
        """Return who of these people can be added (with the place they had), and who cannot.

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
