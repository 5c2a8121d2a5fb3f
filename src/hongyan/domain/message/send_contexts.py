"""Send contexts: one sender's standing in one conversation, cached.

A context is as true as its version: whoever commits on it names the version in a ``Precondition``,
so a context that others have changed meanwhile cannot let anything through. It is then loaded anew.
"""

from collections import OrderedDict

from msgspec import Struct

from hongyan.domain.group.commands import Dissolved, NotAMember
from hongyan.domain.group.model import Group, Member
from hongyan.domain.log.caches import Cache
from hongyan.domain.log.model import Committed, Missed
from hongyan.domain.log.ports import Log, Records
from hongyan.domain.relation.model import Relation
from hongyan.domain.user.model import USER_CHANGED, User
from hongyan.kernel.ids import ConversationId, Kind, LogId, UserId, kind_of, log_owner

CONTEXTS_KEPT = 100_000

Key = tuple[ConversationId, UserId]


class SendContext(Struct, frozen=True):
    """One sender's standing in one conversation, as of a version."""

    conversation_id: ConversationId
    kind: Kind
    version: int
    member: Member
    group: Group | None = None
    peer: UserId = UserId("")
    """The other one of a direct conversation; else empty."""
    blocked: bool = False
    """Direct only: one of the two has blocked the other, or the other's account is gone."""
    friends_only: bool = False
    """Direct only: the other one takes messages from friends and the sender is none."""


class SendContexts:
    """Loads contexts and keeps the latest used ones.

    ``cache`` is to be registered, so that a change of somebody's privacy is seen.
    """

    def __init__(self, log: Log, records: Records) -> None:
        self._log = log
        self._records = records
        self._contexts: OrderedDict[Key, SendContext] = OrderedDict()
        self._changes = 0
        """Grows when somebody's account changes: what was read before is not to be kept."""
        self.cache = Cache((USER_CHANGED,), self._committed, self._missed)

    def known(self, key: Key) -> SendContext | None:
        """Return the context if it is at hand."""
        context = self._contexts.get(key)
        if context is not None:
            self._contexts.move_to_end(key)
        return context

    def forget(self, key: Key) -> None:
        """Drop a context that has become stale."""
        self._contexts.pop(key, None)

    async def enter(self, conversation_id: ConversationId, user_id: UserId) -> SendContext:
        """Return the context, loading it where it is not at hand.

        Raises:
            NotAMember: the user is not an active member, or there is no such conversation.
            Dissolved: the group is no more.
        """
        key = (conversation_id, user_id)
        context = self.known(key)
        if context is None:
            changes = self._changes
            context = await self._load(conversation_id, user_id)
            if changes == self._changes or not context.peer:
                self._contexts[key] = context
                if len(self._contexts) > CONTEXTS_KEPT:
                    self._contexts.popitem(last=False)
        return context

    def _committed(self, event: Committed) -> None:
        """Drop the direct contexts that lead to a user whose account changed."""
        for entry in event.entries:
            if entry.kind == USER_CHANGED:
                self._changes += 1
                changed = log_owner(entry.log_id)
                for key in [
                    key for key, context in self._contexts.items() if context.peer == changed
                ]:
                    del self._contexts[key]

    def _missed(self, _event: Missed) -> None:
        """Drop the direct contexts: somebody's account may have changed."""
        self._changes += 1
        for key in [key for key, context in self._contexts.items() if context.peer]:
            del self._contexts[key]

    async def _load(self, conversation_id: ConversationId, user_id: UserId) -> SendContext:
        kind = kind_of(conversation_id)
        if kind is None:
            raise NotAMember
        log_id = LogId(conversation_id)
        version = (await self._log.states([log_id]))[log_id].version  # before the rows it guards
        member = await self._records.get(Member, conversation_id, user_id)
        group = None
        if kind in (Kind.GROUP, Kind.CHANNEL):
            group = await self._records.get(Group, conversation_id)
            if group is not None and group.dissolved:
                raise Dissolved
        if member is None or not member.active:
            raise NotAMember
        context = SendContext(conversation_id, kind, version, member, group)
        return await self._load_direct(context) if kind == Kind.DIRECT else context

    async def _load_direct(self, context: SendContext) -> SendContext:
        here = await self._records.keys(Member, context.conversation_id)
        me = context.member.user_id
        peer_id = next((user_id for _, user_id in here if user_id != me), me)
        relations = await self._records.get_many(Relation, [(me, peer_id), (peer_id, me)])
        mine, theirs = relations.get((me, peer_id)), relations.get((peer_id, me))
        peer = await self._records.get(User, peer_id)
        return SendContext(
            context.conversation_id,
            context.kind,
            context.version,
            context.member,
            peer=peer_id,
            blocked=peer is None
            or peer.state != "active"
            or (mine is not None and mine.blocked)
            or (theirs is not None and theirs.blocked),
            friends_only=peer is not None
            and peer.privacy.who_may_write == "friends"
            and not (theirs is not None and theirs.friend),
        )
