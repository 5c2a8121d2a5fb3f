"""Reading conversations as one user sees them: what the services here have in common."""

from collections.abc import Iterable, Mapping, Sequence

from msgspec import structs

from hongyan.domain.group.commands import NotAMember
from hongyan.domain.group.model import Group, Member, MemberCount
from hongyan.domain.log.model import Cursor, Entry, LogState, SeqRange
from hongyan.domain.log.ports import Cursors, Log, Records
from hongyan.domain.visibility.model import Preference, Trim, Window
from hongyan.domain.visibility.rules import begins_after, trimmed, window
from hongyan.domain.visibility.visibility import Visibility
from hongyan.kernel.ids import ConversationId, Kind, LogId, UserId, kind_of

from .model import About, Conversation, Mention
from .rules import mentions_after, unread_after, unread_floor

CONVERSATIONS_MAX = 100_000
MENTIONS_MAX = 10_000


class ConversationAccess:
    """One user's access to one conversation, as of ``head``."""

    __slots__ = ("head", "member", "preference", "window")

    def __init__(self, member: Member, preference: Preference, head: LogState) -> None:
        self.member = member
        self.preference = preference
        self.head = head
        self.window = window(member, preference, head=head)


class ConversationQueries:
    """Reads conversations for a user, in a number of reads that does not grow with theirs.

    Args:
        log: The logs.
        records: The rows.
        cursors: The reading cursors.
        visibility: Who sees what.
    """

    def __init__(
        self, log: Log, records: Records, cursors: Cursors, visibility: Visibility
    ) -> None:
        self.log = log
        self.records = records
        self.cursors = cursors
        self.visibility = visibility
        self.shown = visibility.shown

    async def access(
        self, user_id: UserId, conversation_id: ConversationId, *, active: bool = True
    ) -> ConversationAccess:
        """Return where the user stands.

        Args:
            user_id: Who.
            conversation_id: Where.
            active: False lets those in who have left.

        Raises:
            NotAMember: the user is not in it.
        """
        member = await self.records.get(Member, conversation_id, user_id)
        if member is None or (active and not member.active):
            raise NotAMember
        preference = await self.preference(user_id, conversation_id)
        log_id = LogId(conversation_id)
        return ConversationAccess(member, preference, (await self.log.states([log_id]))[log_id])

    async def preference(self, user_id: UserId, conversation_id: ConversationId) -> Preference:
        """Return how the user keeps the conversation; the defaults where nothing was set."""
        found = await self.records.get(Preference, user_id, conversation_id)
        kept = found or Preference(user_id=user_id, conversation_id=conversation_id)
        return trimmed(kept, await self.records.get(Trim, conversation_id))

    async def cursor(self, user_id: UserId, conversation_id: ConversationId) -> Cursor:
        """Return the user's cursor in the conversation."""
        log_id = LogId(conversation_id)
        return (await self.cursors.of_user(user_id, [log_id]))[log_id]

    async def ids_of(self, user_id: UserId) -> list[ConversationId]:
        """Return the conversations in which the user is active, ascending."""
        found = await self.records.keys(
            Member, user_id, True, by="of_user", limit=CONVERSATIONS_MAX
        )
        return [conversation_id for conversation_id, _ in found]

    async def about(self, conversation_id: ConversationId) -> About:
        """Return what the conversation is; of one that is not known, nothing."""
        if kind_of(conversation_id) is Kind.DIRECT:
            pair = await self.records.keys(Member, conversation_id)
            return About(pair=tuple(user_id for _, user_id in pair))
        group = await self.records.get(Group, conversation_id)
        return About() if group is None else About(group.name)

    async def states(self, ids: Sequence[ConversationId]) -> dict[ConversationId, LogState]:
        """Return the conversations' heads."""
        found = await self.log.states([LogId(i) for i in ids])
        return {ConversationId(log_id): head for log_id, head in found.items()}

    async def one(self, user_id: UserId, conversation_id: ConversationId) -> Conversation:
        """Return one conversation.

        Raises:
            NotAMember: the user is not in it.
        """
        for found in await self.many(user_id, await self.states([conversation_id])):
            return found
        raise NotAMember

    async def many(
        self, user_id: UserId, heads: Mapping[ConversationId, LogState]
    ) -> list[Conversation]:
        """Return the conversations in which the user is active, as of these heads."""
        members = await self._members(user_id, heads)
        ids = list(members)
        group_keys = [(i,) for i in ids if kind_of(i) in (Kind.GROUP, Kind.CHANNEL)]
        groups = await self.records.get_many(Group, group_keys)
        rolls = await self.records.get_many(MemberCount, group_keys)
        kept = await self.records.get_many(Preference, [(user_id, i) for i in ids])
        trims = await self.records.get_many(Trim, [(i,) for i in ids])
        preferences = {
            i: trimmed(
                kept.get((user_id, i)) or Preference(user_id=user_id, conversation_id=i),
                trims.get(i),
            )
            for i in ids
        }
        cursors = await self.cursors.of_user(user_id, [LogId(i) for i in ids])
        ordinals = await self._ordinals_before(members, preferences, cursors)
        mentions = await self._mentions(user_id)
        windows = {i: window(members[i], preferences[i], head=heads[i]) for i in ids}
        last = await self._last(user_id, windows)
        return [
            Conversation(
                conversation_id=i,
                kind=kind_of(i) or Kind.GROUP,
                head=heads[i],
                member=members[i],
                peer_id=members[i].peer_id,
                group=_public(groups[i]) if i in groups else None,
                member_count=rolls[i].member_count if i in rolls else 0,
                preference=preferences[i],
                cursor=cursors[LogId(i)],
                unread=unread_after(
                    heads[i], cursors[LogId(i)], preferences[i], ordinals.get(i, 0)
                ),
                mentions=mentions_after(
                    unread_floor(windows[i], cursors[LogId(i)]),
                    heads[i],
                    groups.get(i),
                    mentions.get(i, ()),
                ),
                last=last.get(i),
            )
            for i in ids
        ]

    async def _members(
        self, user_id: UserId, ids: Iterable[ConversationId]
    ) -> dict[ConversationId, Member]:
        found = await self.records.get_many(Member, [(i, user_id) for i in ids])
        members = ((i, found.get((i, user_id))) for i in ids)
        return {i: member for i, member in members if member is not None and member.active}

    async def _ordinals_before(
        self,
        members: Mapping[ConversationId, Member],
        preferences: Mapping[ConversationId, Preference],
        cursors: Mapping[LogId, Cursor],
    ) -> dict[ConversationId, int]:
        """Return the ordinals at which newcomers begin who have not read so far yet."""
        before = {i: begins_after(member, preferences[i]) for i, member in members.items()}
        spans = [
            SeqRange(LogId(i), seq, seq)
            for i, seq in before.items()
            if seq > cursors[LogId(i)].read_seq
        ]
        found = await self.log.tails(spans, 1) if spans else {}
        return {ConversationId(i): entries[0].ordinal for i, entries in found.items()}

    async def _mentions(self, user_id: UserId) -> dict[ConversationId, list[int]]:
        mentions: dict[ConversationId, list[int]] = {}
        for _, conversation_id, seq in await self.records.keys(
            Mention, user_id, limit=MENTIONS_MAX
        ):
            mentions.setdefault(conversation_id, []).append(seq)
        return mentions

    async def _last(
        self, user_id: UserId, windows: Mapping[ConversationId, Window]
    ) -> dict[ConversationId, Entry]:
        """Return the newest message of each that the user has not hidden."""
        last: dict[ConversationId, Entry] = {}
        spans = [
            SeqRange(LogId(i), w.first, w.last) for i, w in windows.items() if w.first <= w.last
        ]
        limit = 1
        while spans:
            found = await self.log.tails(spans, limit, self.shown)
            by_conversation = {ConversationId(log_id): entries for log_id, entries in found.items()}
            visible = await self.visibility.visible_in(user_id, by_conversation, windows)
            below: list[SeqRange] = []
            for span in spans:
                entries = found.get(span.log_id, [])
                conversation_id = ConversationId(span.log_id)
                seen = visible.get(conversation_id)
                if seen:
                    last[conversation_id] = seen[-1]
                elif len(entries) == limit:
                    below.append(SeqRange(span.log_id, span.first, entries[0].seq - 1))
            spans = below
            limit = min(limit * 10, 100)
        return last


def _public(group: Group) -> Group:
    """Return the group without what is its administrators' or the server's business."""
    if group.external_id is None and not group.mention_all_seqs:
        return group
    return structs.replace(group, external_id=None, mention_all_seqs=())
