"""The relation service: friends, requests, blocks.

Every commit on a pair expects and touches the log of their direct conversation, so that a
pair's changes happen one after the other and the message service judges anew. Where a limit
counts somebody's rows, that user's log is expected and touched as well.
"""

from collections.abc import Awaitable, Callable

from msgspec import Struct, structs

from hongyan.domain.log.deciding import decide
from hongyan.domain.log.model import (
    Append,
    Bump,
    Change,
    Commit,
    Drop,
    Precondition,
    Put,
    encode_body,
)
from hongyan.domain.log.ports import Log, Records
from hongyan.domain.user.model import User
from hongyan.kernel.bus import DONE, Actor, Done, handles
from hongyan.kernel.clock import Clock
from hongyan.kernel.errors import Conflict, Invalid, NotFound
from hongyan.kernel.ids import LogId, UserId, direct_id, user_log
from hongyan.kernel.limits import check_length

from . import rules
from .commands import (
    AnswerRequest,
    BlockPerson,
    DeleteFriend,
    ForgetRelations,
    MutePerson,
    NotAFriend,
    Requested,
    RequestFriend,
    SetRemark,
    UnblockPerson,
)
from .model import (
    FRIEND_ANSWERED,
    FRIEND_REQUESTED,
    RELATION_CHANGED,
    FriendAnswered,
    FriendRequest,
    FriendRequested,
    Relation,
)

BATCH = 500


class Pair:
    """Two people as they stand, and what is to change between them.

    Args:
        me: Who asks.
        other: The other one.
        mine: What the other one is to me.
        theirs: What I am to the other one.
        now_ms: The time.
    """

    def __init__(
        self, me: UserId, other: UserId, mine: Relation, theirs: Relation, now_ms: int
    ) -> None:
        self.me = me
        self.other = other
        self.mine = mine
        self.theirs = theirs
        self.now_ms = now_ms
        self.appends: list[Append] = []
        self.changes: list[Change] = []
        self.counted: set[UserId] = set()
        """Users whose rows a limit has counted."""

    def append(self, user_id: UserId, kind: str, body: Struct) -> None:
        """Append to a user's log."""
        log_id = user_log(user_id)
        self.appends.append(Append(log_id, kind, self.me, encode_body(body), self.now_ms))

    def set(self, relation: Relation) -> None:
        """Keep one side's relation and notify that side, where it has changed."""
        if relation in (self.mine, self.theirs):
            return
        if relation.user_id == self.me:
            self.mine = relation
        else:
            self.theirs = relation
        self.changes.append(rules.stored(relation))
        self.append(relation.user_id, RELATION_CHANGED, rules.person(relation))


class RelationService:
    """Answers the commands that change relations.

    Args:
        log: Where changes go.
        records: Relations, requests and users.
        clock: The time of day.
    """

    def __init__(self, log: Log, records: Records, clock: Clock) -> None:
        self._log = log
        self._records = records
        self._clock = clock

    @handles(RequestFriend)
    async def request(self, actor: Actor, command: RequestFriend) -> Requested:
        """Answer ``RequestFriend``."""
        check_length("message", command.message, rules.MESSAGE_MAX)

        async def plan(pair: Pair) -> None:
            rules.check_exists(await self._records.get(User, pair.other))
            rules.check_not_blocked(pair.mine, pair.theirs)
            if pair.mine.friend and pair.theirs.friend:
                return
            theirs = await self._records.get(FriendRequest, pair.me, pair.other)
            if theirs is not None and theirs.state == "open":
                await self._accept(pair, theirs)
            else:
                await self._ask(pair, command.message)

        pair = await self._change(actor, command.user_id, plan)
        return Requested("friends" if pair.mine.friend and pair.theirs.friend else "open")

    @handles(AnswerRequest)
    async def answer(self, actor: Actor, command: AnswerRequest) -> Done:
        """Answer ``AnswerRequest``."""

        async def plan(pair: Pair) -> None:
            request = await self._records.get(FriendRequest, pair.me, pair.other)
            if request is None:
                raise NotFound("This person has not asked to be friends.")
            if request.state != "open":
                if command.accept != (request.state == "accepted"):
                    raise Conflict("This request was answered already.", state=request.state)
            elif command.accept:
                rules.check_exists(await self._records.get(User, pair.other))
                rules.check_not_blocked(pair.mine, pair.theirs)
                await self._accept(pair, request)
            else:
                _close(pair, request, accepted=False)

        await self._change(actor, command.user_id, plan)
        return DONE

    @handles(SetRemark)
    async def remark(self, actor: Actor, command: SetRemark) -> Done:
        """Answer ``SetRemark``."""
        check_length("remark", command.remark, rules.REMARK_MAX)

        async def plan(pair: Pair) -> None:
            if not pair.mine.friend:
                raise NotAFriend
            pair.set(structs.replace(pair.mine, remark=command.remark))

        await self._change(actor, command.user_id, plan)
        return DONE

    @handles(DeleteFriend)
    async def delete(self, actor: Actor, command: DeleteFriend) -> Done:
        """Answer ``DeleteFriend``."""

        async def plan(pair: Pair) -> None:
            pair.set(rules.estranged(pair.mine))
            pair.set(rules.estranged(pair.theirs))

        await self._change(actor, command.user_id, plan)
        return DONE

    @handles(BlockPerson)
    async def block(self, actor: Actor, command: BlockPerson) -> Done:
        """Answer ``BlockPerson``."""

        async def plan(pair: Pair) -> None:
            if pair.mine.blocked:
                return
            rules.check_exists(await self._records.get(User, pair.other))
            await self._count(pair, pair.me, rules.BLOCKED_MAX, "blocked people", "by_blocked")
            pair.set(structs.replace(pair.mine, blocked=True))
            request = await self._records.get(FriendRequest, pair.me, pair.other)
            if request is not None and request.state == "open":
                _close(pair, request, accepted=False)

        await self._change(actor, command.user_id, plan)
        return DONE

    @handles(UnblockPerson)
    async def unblock(self, actor: Actor, command: UnblockPerson) -> Done:
        """Answer ``UnblockPerson``."""

        async def plan(pair: Pair) -> None:
            pair.set(structs.replace(pair.mine, blocked=False))

        await self._change(actor, command.user_id, plan)
        return DONE

    @handles(MutePerson)
    async def mute(self, actor: Actor, command: MutePerson) -> Done:
        """Answer ``MutePerson``."""

        async def plan(pair: Pair) -> None:
            if command.muted and not pair.mine.muted:
                rules.check_exists(await self._records.get(User, pair.other))
                await self._count(pair, pair.me, rules.RELATIONS_MAX, "relations")
            pair.set(structs.replace(pair.mine, muted=command.muted))

        await self._change(actor, command.user_id, plan)
        return DONE

    @handles(ForgetRelations)
    async def forget(self, actor: Actor, command: ForgetRelations) -> Done:
        """Answer ``ForgetRelations``."""
        gone = Actor(command.user_id, actor.device_id, connection_id=actor.connection_id)

        async def plan(pair: Pair) -> None:
            pair.set(rules.estranged(pair.mine))
            pair.set(rules.estranged(pair.theirs))
            for key in ((pair.me, pair.other), (pair.other, pair.me)):
                pair.changes.append(Drop(FriendRequest, key))

        records, me = self._records, command.user_id
        while friends := await records.scan(Relation, me, True, by="by_friend", limit=BATCH):
            for friend in friends:
                await self._change(gone, friend.other_id, plan)
        while sent := await records.scan(FriendRequest, me, by="by_sender", limit=BATCH):
            for request in sent:
                await self._change(gone, request.to_id, plan)
        while received := await records.scan(FriendRequest, me, limit=BATCH):
            for request in received:
                await self._change(gone, request.from_id, plan)
        return DONE

    # --- what the commands share ---

    async def _change(
        self, actor: Actor, other: UserId, plan: Callable[[Pair], Awaitable[None]]
    ) -> Pair:
        """Let ``plan`` change the pair until nobody else has changed it meanwhile."""
        me = actor.user_id
        if other == me:
            raise Invalid("This is about another person, not yourself.", field="user_id")
        direct = LogId(direct_id(me, other))
        pair: Pair

        async def attempt() -> Commit:
            nonlocal pair
            heads = await self._log.states([direct, user_log(me), user_log(other)])
            rows = await self._records.get_many(Relation, [(me, other), (other, me)])
            mine = rows.get((me, other)) or Relation(user_id=me, other_id=other)
            theirs = rows.get((other, me)) or Relation(user_id=other, other_id=me)
            pair = Pair(me, other, mine, theirs, self._clock.now_ms())
            await plan(pair)
            if not pair.changes:
                return Commit()
            guards = (direct, *(user_log(user_id) for user_id in sorted(pair.counted)))
            return Commit(
                tuple(pair.appends),
                (*pair.changes, *(Bump(guard) for guard in guards)),
                tuple(Precondition(guard, heads[guard].version) for guard in guards),
                actor.connection_id,
            )

        await decide(self._log, attempt)
        return pair

    async def _count(
        self, pair: Pair, whose: UserId, most: int, what: str, by: str | None = None
    ) -> None:
        """Refuse where this user has ``most`` rows in the index, and let nobody add meanwhile."""
        prefix = (whose, True) if by else (whose,)
        rules.check_limit(await self._records.count(Relation, *prefix, by=by), most, what)
        pair.counted.add(whose)

    async def _ask(self, pair: Pair, message: str) -> None:
        request = await self._records.get(FriendRequest, pair.other, pair.me)
        if request is not None and request.state == "open":
            return
        count = await self._records.count(FriendRequest, pair.me, "open", by="by_sender")
        rules.check_limit(count, rules.OPEN_REQUESTS_MAX, "open requests")
        pair.counted.add(pair.me)
        request = FriendRequest(
            to_id=pair.other, from_id=pair.me, message=message, asked_at_ms=pair.now_ms
        )
        pair.changes.append(Put(request))
        body = FriendRequested(pair.me, pair.other, message)
        pair.append(pair.other, FRIEND_REQUESTED, body)
        pair.append(pair.me, FRIEND_REQUESTED, body)

    async def _accept(self, pair: Pair, request: FriendRequest) -> None:
        for relation in (pair.mine, pair.theirs):
            if not relation.friend:
                whose = relation.user_id
                await self._count(pair, whose, rules.FRIENDS_MAX, "friends", "by_friend")
        _close(pair, request, accepted=True)
        pair.set(rules.befriended(pair.mine, pair.now_ms))
        pair.set(rules.befriended(pair.theirs, pair.now_ms))


def _close(pair: Pair, request: FriendRequest, accepted: bool) -> None:
    state = "accepted" if accepted else "refused"
    closed = structs.replace(request, state=state, answered_at_ms=pair.now_ms)
    pair.changes.append(Put(closed))
    body = FriendAnswered(request.from_id, request.to_id, accepted)
    pair.append(request.to_id, FRIEND_ANSWERED, body)
    pair.append(request.from_id, FRIEND_ANSWERED, body)
