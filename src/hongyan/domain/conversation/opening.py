"""Opening, getting and listing conversations."""

from hongyan.domain.group.model import (
    CONVERSATION_CREATED,
    MEMBERSHIP_JOINED,
    ConversationCreated,
    Member,
    MembershipJoined,
)
from hongyan.domain.log.model import Append, Commit, Put, encode_body
from hongyan.domain.relation.commands import Blocked
from hongyan.domain.relation.model import Relation
from hongyan.domain.user.model import User
from hongyan.kernel.bus import Actor, handles
from hongyan.kernel.clock import Clock
from hongyan.kernel.errors import NotFound
from hongyan.kernel.ids import (
    SYSTEM,
    ClientId,
    ConversationId,
    Kind,
    LogId,
    UserId,
    direct_id,
    kind_of,
    self_id,
    system_id,
    user_log,
)

from .commands import (
    Conversations,
    DescribeConversation,
    GetConversation,
    GetConversationsOf,
    ListConversations,
    OpenDirect,
    OpenSelf,
    OpenSystem,
)
from .model import About, Conversation
from .queries import ConversationQueries
from .rules import check_range

CREATED = ClientId("created")
"""Makes the entry that creates a conversation the only one, whoever opens it first."""


class Opening:
    """Answers ``conversation.open_*``, ``get``, ``list`` and what delivery asks.

    Args:
        queries: Reads conversations.
        clock: The time of day.
    """

    def __init__(self, queries: ConversationQueries, clock: Clock) -> None:
        self._queries = queries
        self._clock = clock

    @handles(OpenDirect)
    async def open_direct(self, actor: Actor, command: OpenDirect) -> Conversation:
        """Answer ``OpenDirect``."""
        me, peer = actor.user_id, command.user_id
        if peer == me:
            return await self._open(actor, self_id(me), {me: UserId("")}, me)
        conversation_id = direct_id(me, peer)
        if await self._queries.records.get(Member, conversation_id, me) is None:
            await self._check_user(peer)
            relation = await self._queries.records.get(Relation, peer, me)
            if relation is not None and relation.blocked:
                raise Blocked
        return await self._open(actor, conversation_id, {me: peer, peer: me}, me)

    @handles(OpenSelf)
    async def open_self(self, actor: Actor, command: OpenSelf) -> Conversation:
        """Answer ``OpenSelf``."""
        me = actor.user_id
        return await self._open(actor, self_id(me), {me: UserId("")}, me)

    @handles(OpenSystem)
    async def open_system(self, actor: Actor, command: OpenSystem) -> Conversation:
        """Answer ``OpenSystem``."""
        user_id = command.user_id
        await self._check_user(user_id)
        return await self._open(actor, system_id(user_id), {user_id: UserId("")}, user_id)

    @handles(GetConversation)
    async def get(self, actor: Actor, command: GetConversation) -> Conversation:
        """Answer ``GetConversation``."""
        return await self._queries.one(actor.user_id, command.conversation_id)

    @handles(ListConversations)
    async def list(self, actor: Actor, command: ListConversations) -> Conversations:
        """Answer ``ListConversations``."""
        check_range("limit", command.limit, 1, 1000)
        ids = [i for i in await self._queries.ids_of(actor.user_id) if i > command.after]
        page = ids[: command.limit]
        found = await self._queries.many(actor.user_id, await self._queries.states(page))
        return Conversations(tuple(found), page[-1] if len(ids) > len(page) else None)

    @handles(DescribeConversation)
    async def describe(self, actor: Actor, command: DescribeConversation) -> About:
        """Answer ``DescribeConversation``."""
        return await self._queries.about(command.conversation_id)

    @handles(GetConversationsOf)
    async def of_user(
        self, actor: Actor, command: GetConversationsOf
    ) -> tuple[ConversationId, ...]:
        """Answer ``GetConversationsOf``."""
        return tuple(await self._queries.ids_of(command.user_id))

    async def _check_user(self, user_id: UserId) -> None:
        user = await self._queries.records.get(User, user_id)
        if user is None or user.state != "active" or user_id == SYSTEM:
            raise NotFound("There is no such user.")

    async def _open(
        self,
        actor: Actor,
        conversation_id: ConversationId,
        members: dict[UserId, UserId],
        seen_by: UserId,
    ) -> Conversation:
        """Make the conversation where there is none; ``members`` maps each to the peer."""
        if await self._queries.records.get(Member, conversation_id, seen_by) is None:
            now_ms = self._clock.now_ms()
            kind = kind_of(conversation_id) or Kind.DIRECT
            body = encode_body(ConversationCreated(kind, ""))
            log_id = LogId(conversation_id)
            appends = [Append(log_id, CONVERSATION_CREATED, SYSTEM, body, now_ms, CREATED)]
            changes = []
            for user_id, peer_id in members.items():
                member = Member(
                    conversation_id=conversation_id,
                    user_id=user_id,
                    peer_id=peer_id,
                    joined_at_ms=now_ms,
                )
                changes.append(Put(member))
                appends.append(_membership(member, kind))
            origin = actor.connection_id
            await self._queries.log.commit(Commit(tuple(appends), tuple(changes), origin=origin))
        return await self._queries.one(seen_by, conversation_id)


def _membership(member: Member, kind: Kind) -> Append:
    """Return what a member of a new conversation gets in their own log."""
    body = MembershipJoined(
        conversation_id=member.conversation_id, kind=kind, how="opened", peer_id=member.peer_id
    )
    log_id, now_ms = user_log(member.user_id), member.joined_at_ms
    return Append(log_id, MEMBERSHIP_JOINED, SYSTEM, encode_body(body), now_ms)
