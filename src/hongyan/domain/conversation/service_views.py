"""Reading conversations as one user sees them: what the services here have in common."""

from collections.abc import Iterable, Mapping, Sequence

import msgspec
from msgspec import Struct, structs

from hongyan.domain.group.api import NotAMember
from hongyan.domain.group.model import Group, Member, Roll
from hongyan.domain.log.model import Cursor, Entry, Head, Span
from hongyan.domain.log.ports import Cursors, Log, Records
from hongyan.kernel.ids import ConversationId, Kind, LogId, UserId, kind_of

from .model import Conversation, HiddenMessage, Mention, Preference, Trim
from .rules import Sight, mentions_after, sight_of, trimmed, unread_after, unread_floor

CONVERSATIONS_MAX = 100_000
MENTIONS_MAX = 10_000
HIDDEN_SCANNED = 2_000
Place = tuple[ConversationId, int]


class _About(Struct):
    """What the bodies of entries about another entry have in common."""

    seq: int = 0


_decode_about = msgspec.json.Decoder(_About).decode


class Access:
    """Where one user stands in one conversation, as of ``head``."""

    __slots__ = ("head", "member", "preference", "sight")

    def __init__(self, member: Member, preference: Preference, head: Head) -> None:
        self.member = member
        self.preference = preference
        self.head = head
        self.sight = sight_of(member, preference, head)


class Views:
    """Reads conversations for a user, in a number of reads that does not grow with theirs.

    Args:
        log: The logs.
        records: The rows.
        cursors: The reading cursors.
        shown: The kinds of entry that stand as messages of their own.
    """

    def __init__(self, log: Log, records: Records, cursors: Cursors, shown: Sequence[str]) -> None:
        self.log = log
        self.records = records
        self.cursors = cursors
        self.shown = tuple(shown)

    async def access(
        self, user_id: UserId, conversation_id: ConversationId, *, active: bool = True
    ) -> Access:
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
        return Access(member, preference, (await self.log.heads([log_id]))[log_id])

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

    async def members_of(self, conversation_id: ConversationId) -> list[UserId]:
        """Return the conversation's active members, ascending."""
        found = await self.records.keys(Member, conversation_id, True, by="of_conversation")
        return [user_id for _, user_id in found]

    async def heads(self, ids: Sequence[ConversationId]) -> dict[ConversationId, Head]:
        """Return the conversations' heads."""
        found = await self.log.heads([LogId(i) for i in ids])
        return {ConversationId(log_id): head for log_id, head in found.items()}

    async def hidden(self, user_id: UserId, places: Sequence[Place]) -> set[Place]:
        """Return which of these entries the user has hidden."""
        if not places:
            return set()
        found: Iterable[tuple[UserId, ConversationId, int]] = await self.records.keys(
            HiddenMessage, user_id, limit=HIDDEN_SCANNED
        )
        if len(list(found)) == HIDDEN_SCANNED:
            keys = [(user_id, conversation_id, seq) for conversation_id, seq in places]
            found = await self.records.get_many(HiddenMessage, keys)
        return {(conversation_id, seq) for _, conversation_id, seq in found}

    async def sights_of(self, user_id: UserId) -> dict[ConversationId, Sight]:
        """Return what the user may see of each conversation that they are or were in."""
        members = {
            member.conversation_id: member
            for member in await self.records.scan(
                Member, user_id, by="of_user", limit=CONVERSATIONS_MAX
            )
        }
        ids = list(members)
        heads = await self.heads(ids)
        preferences = await self._preferences(user_id, ids)
        return {i: sight_of(members[i], preferences[i], heads[i]) for i in ids}

    async def _preferences(
        self, user_id: UserId, ids: Sequence[ConversationId]
    ) -> dict[ConversationId, Preference]:
        kept = await self.records.get_many(Preference, [(user_id, i) for i in ids])
        trims = await self.records.get_many(Trim, [(i,) for i in ids])
        return {
            i: trimmed(
                kept.get((user_id, i)) or Preference(user_id=user_id, conversation_id=i),
                trims.get(i),
            )
            for i in ids
        }

    async def seen(
        self,
        user_id: UserId,
        found: Mapping[ConversationId, Sequence[Entry]],
        sights: Mapping[ConversationId, Sight],
    ) -> dict[ConversationId, tuple[Entry, ...]]:
        """Return what the user may see of these entries of theirs.

        What is about an entry that the user does not see (an edit tells its new content) is
        not shown either.
        """
        abouts = [
            (place, entry, self._about(entry)) for place, some in found.items() for entry in some
        ]
        named = {(place, seq) for place, entry, about in abouts for seq in (entry.seq, about)}
        hidden = await self.hidden(user_id, list(named))
        seen: dict[ConversationId, list[Entry]] = {place: [] for place in found}
        for place, entry, about in abouts:
            is_hidden = (place, entry.seq) in hidden or (place, about) in hidden
            if sights[place].has(about) and not is_hidden:
                seen[place].append(entry)
        return {place: tuple(entries) for place, entries in seen.items()}

    def _about(self, entry: Entry) -> int:
        """Return the seq of the entry that this one is about: often its own."""
        if entry.kind in self.shown:
            return entry.seq
        try:
            return _decode_about(entry.body).seq or entry.seq
        except msgspec.MsgspecError:
            return entry.seq

    async def one(self, user_id: UserId, conversation_id: ConversationId) -> Conversation:
        """Return one conversation.

        Raises:
            NotAMember: the user is not in it.
        """
        for found in await self.many(user_id, await self.heads([conversation_id])):
            return found
        raise NotAMember

    async def many(
        self, user_id: UserId, heads: Mapping[ConversationId, Head]
    ) -> list[Conversation]:
        """Return the conversations in which the user is active, as of these heads."""
        members = await self._members(user_id, heads)
        ids = list(members)
        group_keys = [(i,) for i in ids if kind_of(i) in (Kind.GROUP, Kind.CHANNEL)]
        groups = await self.records.get_many(Group, group_keys)
        rolls = await self.records.get_many(Roll, group_keys)
        preferences = await self._preferences(user_id, ids)
        cursors = await self.cursors.of_user(user_id, [LogId(i) for i in ids])
        ordinals = await self._ordinals_before(members, preferences, cursors)
        mentions = await self._mentions(user_id)
        sights = {i: sight_of(members[i], preferences[i], heads[i]) for i in ids}
        last = await self._last(user_id, sights)
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
                    unread_floor(members[i], preferences[i], cursors[LogId(i)]),
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
        spans = [
            Span(LogId(i), member.visible_from - 1, member.visible_from - 1)
            for i, member in members.items()
            if member.visible_from - 1 > max(cursors[LogId(i)].read_seq, preferences[i].cleared_seq)
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
        self, user_id: UserId, sights: Mapping[ConversationId, Sight]
    ) -> dict[ConversationId, Entry]:
        """Return the newest message of each that the user has not hidden."""
        last: dict[ConversationId, Entry] = {}
        spans = [Span(LogId(i), s.first, s.last) for i, s in sights.items() if s.first <= s.last]
        limit = 1
        while spans:
            found = await self.log.tails(spans, limit, self.shown)
            places = [(ConversationId(i), e.seq) for i, es in found.items() for e in es]
            hidden = await self.hidden(user_id, places)
            below: list[Span] = []
            for span in spans:
                entries = found.get(span.log_id, [])
                place = ConversationId(span.log_id)
                seen = [e for e in entries if (place, e.seq) not in hidden]
                if seen:
                    last[place] = seen[-1]
                elif len(entries) == limit:
                    below.append(Span(span.log_id, span.first, entries[0].seq - 1))
            spans = below
            limit = min(limit * 10, 100)
        return last


def _public(group: Group) -> Group:
    """Return the group without what is its administrators' or the server's business."""
    if group.external_id is None and not group.mention_all_seqs:
        return group
    return structs.replace(group, external_id=None, mention_all_seqs=())
