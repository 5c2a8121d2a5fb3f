"""Reading and receiving: cursors, and who may know of them."""

from hongyan.domain.group.model import Member, MemberCount, Role
from hongyan.domain.log.deciding import decide
from hongyan.domain.log.model import (
    Advance,
    Append,
    Change,
    Commit,
    Drop,
    Entry,
    Precondition,
    Put,
    Signal,
    encode_body,
)
from hongyan.domain.relation.model import Relation
from hongyan.domain.user.model import User
from hongyan.domain.visibility.rules import window
from hongyan.kernel.bus import DONE, Actor, Done, EventPublisher, handles
from hongyan.kernel.clock import Clock
from hongyan.kernel.errors import Forbidden, Invalid, NotFound
from hongyan.kernel.ids import ConversationId, Kind, LogId, UserId, kind_of, user_log

from .commands import (
    GetCursors,
    GetReaders,
    MarkDelivered,
    MarkRead,
    MessageReader,
    MessageReaders,
    PeerCursors,
    ReadMark,
)
from .model import (
    CONVERSATION_READ,
    DELIVERED_RECEIPT,
    READ_RECEIPT,
    ConversationRead,
    Mention,
)
from .preferences import kept
from .queries import ConversationAccess, ConversationQueries
from .rules import RECEIPTS_MEMBERS_MAX, check_range, is_blocked, is_small

DROPPED_MAX = 1_000
WALKED = 500
SMALL_MAX = 2 * RECEIPTS_MEMBERS_MAX


class Reading:
    """Answers ``conversation.read``, ``delivered``, ``readers`` and ``cursors``.

    Args:
        queries: Reads conversations.
        clock: The time of day.
        publisher: Takes the read receipts.
    """

    def __init__(
        self, queries: ConversationQueries, clock: Clock, publisher: EventPublisher
    ) -> None:
        self._queries = queries
        self._clock = clock
        self._publisher = publisher

    @handles(MarkRead)
    async def read(self, actor: Actor, command: MarkRead) -> ReadMark:
        """Answer ``MarkRead``."""
        me, conversation_id = actor.user_id, command.conversation_id
        check_range("seq", command.seq, 0, 2**53)
        access = await self._queries.access(me, conversation_id)
        cursor = await self._queries.cursor(me, conversation_id)
        seq = min(command.seq, access.window.last)
        moved = seq > cursor.read_seq
        ordinal = cursor.read_ordinal
        if moved:
            ordinal = await self._ordinal(conversation_id, seq, access)
        if moved or access.preference.marked_unread:
            mark = ConversationRead(conversation_id, seq, ordinal) if moved else None
            await self._store(actor, conversation_id, mark)
        if moved and await self._discloses_reading(access):
            self._signal(actor, conversation_id, READ_RECEIPT, {"read_seq": seq})
        floor = max(ordinal, access.preference.cleared_ordinal)
        return ReadMark(max(seq, cursor.read_seq), ordinal, max(0, access.head.ordinal - floor))

    async def _ordinal(
        self, conversation_id: ConversationId, seq: int, access: ConversationAccess
    ) -> int:
        if seq == access.head.seq:
            return access.head.ordinal
        entries = await self._queries.log.read(LogId(conversation_id), seq, seq, 1)
        return entries[0].ordinal

    async def _store(
        self, actor: Actor, conversation_id: ConversationId, mark: ConversationRead | None
    ) -> None:
        """Move the cursor, drop the mentions that are read, and take the mark back."""
        me = actor.user_id
        appends: tuple[Append, ...] = ()
        changes: tuple[Change, ...] = ()
        if mark is not None:
            body, now_ms = encode_body(mark), self._clock.now_ms()
            appends = (Append(user_log(me), CONVERSATION_READ, me, body, now_ms),)
            changes = (
                Advance(LogId(conversation_id), me, mark.read_seq, mark.read_seq),
                *await self._read_mentions(me, conversation_id, mark.read_seq),
            )

        async def attempt() -> Commit:
            log_id = user_log(me)
            version = (await self._queries.log.states([log_id]))[log_id].version
            preference = await self._queries.preference(me, conversation_id)
            if not preference.marked_unread:
                return Commit(appends, changes, origin=actor.connection_id)
            append, new = kept(preference, self._clock.now_ms(), marked_unread=False)
            return Commit(
                (*appends, append),
                (*changes, Put(new)),
                (Precondition(log_id, version),),
                actor.connection_id,
            )

        await decide(self._queries.log, attempt)

    async def _read_mentions(
        self, me: UserId, conversation_id: ConversationId, seq: int
    ) -> tuple[Drop, ...]:
        mentions = await self._queries.records.keys(Mention, me, conversation_id, limit=DROPPED_MAX)
        return tuple(Drop(Mention, key) for key in mentions if key[2] <= seq)

    @handles(MarkDelivered)
    async def delivered(self, actor: Actor, command: MarkDelivered) -> Done:
        """Answer ``MarkDelivered``."""
        me, conversation_id = actor.user_id, command.conversation_id
        check_range("seq", command.seq, 0, 2**53)
        access = await self._queries.access(me, conversation_id)
        if kind_of(conversation_id) != Kind.DIRECT:
            return DONE
        seq = min(command.seq, access.window.last)
        if seq <= (await self._queries.cursor(me, conversation_id)).delivered_seq:
            return DONE
        advance = Advance(LogId(conversation_id), me, delivered_seq=seq)
        await self._queries.log.commit(Commit(changes=(advance,), origin=actor.connection_id))
        if await self._discloses(me, access.member.peer_id):
            self._signal(actor, conversation_id, DELIVERED_RECEIPT, {"delivered_seq": seq})
        return DONE

    @handles(GetCursors)
    async def peer_cursors(self, actor: Actor, command: GetCursors) -> PeerCursors:
        """Answer ``GetCursors``."""
        conversation_id = command.conversation_id
        access = await self._queries.access(actor.user_id, conversation_id)
        peer_id = access.member.peer_id
        if kind_of(conversation_id) != Kind.DIRECT:
            raise Invalid("Only direct conversations have a peer.")
        if not await self._discloses(peer_id, actor.user_id):
            return PeerCursors(peer_id)
        cursor = await self._queries.cursor(peer_id, conversation_id)
        return PeerCursors(peer_id, cursor.read_seq, cursor.delivered_seq)

    @handles(GetReaders)
    async def readers(self, actor: Actor, command: GetReaders) -> MessageReaders:
        """Answer ``GetReaders``."""
        conversation_id, limit = command.conversation_id, command.limit
        check_range("limit", limit, 1, 500)
        access = await self._queries.access(actor.user_id, conversation_id)
        if not access.window.has(command.seq):
            raise NotFound("There is no such message.")
        entry = (await self._queries.log.read(LogId(conversation_id), command.seq, command.seq, 1))[
            0
        ]
        small = kind_of(conversation_id) != Kind.CHANNEL and is_small(
            await self._queries.records.get(MemberCount, conversation_id)
        )
        if not small:
            if actor.user_id != entry.sender and access.member.role == Role.MEMBER:
                raise Forbidden("Only the sender and admins may ask in so large a group.")
            page, following = await self._readers(conversation_id, entry, command.after, limit)
            return MessageReaders(tuple(page), following)
        everybody, _ = await self._readers(conversation_id, entry, UserId(""), SMALL_MAX)
        page = [reader for reader in everybody if reader.user_id > command.after]
        members = await self._queries.records.scan(
            Member, conversation_id, True, by="of_conversation", limit=SMALL_MAX
        )
        asked = sum(_was_there(member, entry) for member in members)
        return MessageReaders(
            tuple(page[:limit]),
            page[limit - 1].user_id if len(page) > limit else None,
            read=len(everybody),
            unread=asked - len(everybody),
        )

    async def _readers(
        self, conversation_id: ConversationId, entry: Entry, after: UserId, limit: int
    ) -> tuple[list[MessageReader], UserId | None]:
        """Return a page of those who have read the entry and say so, and where it ended."""
        readers: list[MessageReader] = []
        while True:
            found = await self._queries.cursors.in_log(
                LogId(conversation_id), entry.seq, after, WALKED
            )
            disclosing = await self._disclosing(
                conversation_id, entry, [user_id for user_id, _ in found]
            )
            for user_id, cursor in found:
                if user_id in disclosing:
                    readers.append(MessageReader(user_id, cursor.read_seq))
                    if len(readers) == limit:
                        return readers, user_id
            if len(found) < WALKED:
                return readers, None
            after = found[-1][0]

    async def _disclosing(
        self, conversation_id: ConversationId, entry: Entry, user_ids: list[UserId]
    ) -> set[UserId]:
        """Return who of these was there for the entry and sends read receipts."""
        records = self._queries.records
        members = await records.get_many(
            Member, [(conversation_id, user_id) for user_id in user_ids]
        )
        there = [m.user_id for m in members.values() if m.active and _was_there(m, entry)]
        users = await records.get_many(User, [(user_id,) for user_id in there])
        return {u.user_id for u in users.values() if u.privacy.sends_receipts}

    async def _discloses_reading(self, access: ConversationAccess) -> bool:
        """Return whether the others learn what this member has read."""
        member = access.member
        kind = kind_of(member.conversation_id)
        if kind == Kind.GROUP:
            member_count = await self._queries.records.get(MemberCount, member.conversation_id)
            return is_small(member_count) and await self._discloses(member.user_id)
        return kind == Kind.DIRECT and await self._discloses(member.user_id, member.peer_id)

    async def _discloses(self, user_id: UserId, to: UserId | None = None) -> bool:
        """Return whether a user sends read receipts, and has no block between them and ``to``."""
        records = self._queries.records
        user = await records.get(User, user_id)
        if user is None or not user.privacy.sends_receipts:
            return False
        if to is None:
            return True
        relations = await records.get_many(Relation, [(user_id, to), (to, user_id)])
        return not is_blocked(relations.get((user_id, to)), relations.get((to, user_id)))

    def _signal(
        self, actor: Actor, conversation_id: ConversationId, kind: str, body: dict[str, int]
    ) -> None:
        self._publisher.publish(
            Signal(
                LogId(conversation_id), kind, actor.user_id, encode_body(body), actor.connection_id
            )
        )


def _was_there(member: Member, entry: Entry) -> bool:
    """Return whether somebody else's entry was made for this member to read."""
    return (
        member.user_id != entry.sender
        and window(member).has(entry.seq)
        and member.joined_at_ms <= entry.sent_at_ms
    )
