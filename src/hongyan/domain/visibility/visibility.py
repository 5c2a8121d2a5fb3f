"""The one reader of who sees what. Its reads do not grow with users, entries or conversations."""

import asyncio
from collections.abc import Collection, Iterable, Mapping, Sequence

from hongyan.domain.group.model import Group, Member
from hongyan.domain.log.model import Entry
from hongyan.domain.log.ports import Records
from hongyan.kernel.bus import Actor, handles
from hongyan.kernel.ids import ConversationId, Kind, UserId, kind_of, log_owner

from .commands import FirstSeen, GetFirstSeen
from .model import HiddenMessage, Preference, Trim, Window, about_seq
from .ports import Position, Versions
from .rules import window

Place = tuple[ConversationId, int]
FEW = 10
"""Most messages that are looked up one by one, whether they are hidden."""
HIDDEN_SCANNED = 2_000
"""Of more messages, all that the user has hidden is read, if it is not more than this."""


class Visibility:
    """Judges what users see.

    What somebody *may* see follows from their place as a member. What is *shown* to them leaves
    out what they cleared or hid, too; where a method takes ``even_cleared``, it stays in.

    Args:
        records: Members, preferences and hidden messages.
        shown: The kinds of entry that stand as messages of their own.
        versions: What was said earlier.
    """

    def __init__(self, records: Records, shown: Sequence[str], versions: Versions) -> None:
        self._records = records
        self._versions = versions
        self.shown = tuple(shown)

    # --- one user's window ---

    async def windows(
        self, user_id: UserId, ids: Iterable[ConversationId], *, even_cleared: bool = False
    ) -> dict[ConversationId, Window]:
        """Return what the user sees of each conversation; three reads, or one."""
        ids = list(dict.fromkeys(ids))
        places = [(i, user_id) for i in ids]
        members = await self._records.get_many(Member, places) if ids else {}
        if even_cleared or not members:
            return {i: window(members.get((i, user_id))) for i in ids}
        kept, trims = await asyncio.gather(
            self._records.get_many(Preference, [(user_id, i) for i, _ in members]),
            self._records.get_many(Trim, [(i,) for i, _ in members]),
        )
        return {
            i: window(members.get((i, user_id)), kept.get((user_id, i)), trims.get(i)) for i in ids
        }

    async def window_of(self, member: Member) -> Window:
        """Return what this member sees; two reads."""
        kept, trim = await asyncio.gather(
            self._records.get(Preference, member.user_id, member.conversation_id),
            self._records.get(Trim, member.conversation_id),
        )
        return window(member, kept, trim)

    # --- which of these one user sees ---

    async def seqs(self, member: Member, seqs: Collection[int]) -> set[int]:
        """Return which of these seqs of one conversation this member sees; three reads."""
        conversation_id = member.conversation_id
        limits, hidden = await asyncio.gather(
            self.window_of(member),
            self.hidden(member.user_id, [(conversation_id, seq) for seq in seqs]),
        )
        return {seq for seq in seqs if limits.has(seq) and (conversation_id, seq) not in hidden}

    async def visible(
        self, user_id: UserId, entries: Sequence[Entry], *, even_cleared: bool = False
    ) -> list[Entry]:
        """Return those of these entries that the user sees, in their order, as the user sees them.

        They may be of many logs; of users' logs one sees one's own. Read the entries before you
        ask: then nobody gets what was written after they left.
        """
        by_conversation: dict[ConversationId, list[Entry]] = {}
        for entry in entries:
            if log_owner(entry.log_id) is None:
                by_conversation.setdefault(ConversationId(entry.log_id), []).append(entry)
        windows = await self.windows(user_id, by_conversation, even_cleared=even_cleared)
        found = await self.visible_in(user_id, by_conversation, windows, even_cleared=even_cleared)
        seen = {(e.log_id, e.seq): e for some in found.values() for e in some}
        seen |= {(e.log_id, e.seq): e for e in entries if log_owner(e.log_id) == user_id}
        return [seen[e.log_id, e.seq] for e in entries if (e.log_id, e.seq) in seen]

    async def visible_in(
        self,
        user_id: UserId,
        found: Mapping[ConversationId, Sequence[Entry]],
        windows: Mapping[ConversationId, Window],
        *,
        even_cleared: bool = False,
    ) -> dict[ConversationId, tuple[Entry, ...]]:
        """Return the same of entries whose windows are known; one read where nobody has left.

        What is about an entry that the user does not see (an edit has its new content) is
        not seen either.
        """
        abouts = [
            (conversation_id, entry, self._about(entry))
            for conversation_id, some in found.items()
            for entry in some
        ]
        named = {
            (conversation_id, seq)
            for conversation_id, entry, about in abouts
            for seq in (entry.seq, about)
        }
        hidden = set() if even_cleared else await self.hidden(user_id, named)
        seen: dict[ConversationId, list[Entry]] = {conversation_id: [] for conversation_id in found}
        for conversation_id, entry, about in abouts:
            is_hidden = (conversation_id, entry.seq) in hidden or (conversation_id, about) in hidden
            limits = windows[conversation_id]
            if limits.has(entry.seq) and limits.has(about) and not is_hidden:
                seen[conversation_id].append(entry)
        then = await self._as_of(seen, windows)
        return {
            conversation_id: tuple(then.get((e.log_id, e.seq), e) for e in entries)
            for conversation_id, entries in seen.items()
        }

    async def hidden(self, user_id: UserId, places: Collection[Place]) -> set[Place]:
        """Return which of these entries the user has hidden; one read, seldom two."""
        if not places:
            return set()
        keys = [(user_id, conversation_id, seq) for conversation_id, seq in places]
        if len(keys) <= FEW:
            rows = await self._records.get_many(HiddenMessage, keys)
            return {(row.conversation_id, row.seq) for row in rows.values()}
        found: Iterable[tuple[UserId, ConversationId, int]] = await self._records.keys(
            HiddenMessage, user_id, limit=HIDDEN_SCANNED
        )
        if len(list(found)) == HIDDEN_SCANNED:
            found = await self._records.get_many(HiddenMessage, keys)
        return {(conversation_id, seq) for _, conversation_id, seq in found}

    async def sees(self, user_id: UserId, places: Sequence[Position]) -> bool:
        """Return whether the user may see any of these seqs of these logs; one read.

        What the user cleared or hid counts: it is out of the way, not forbidden.
        """
        own = {log_id for log_id, _ in places if log_owner(log_id) is not None}
        ids = sorted({ConversationId(log_id) for log_id, _ in places if log_id not in own})
        windows = await self.windows(user_id, ids, even_cleared=True)
        return any(
            log_owner(log_id) == user_id
            if log_id in own
            else windows[ConversationId(log_id)].has(seq)
            for log_id, seq in places
        )

    # --- who of these sees one entry ---

    async def viewers(self, entry: Entry, user_ids: Sequence[UserId]) -> set[UserId]:
        """Return who of these may see an entry of a conversation, though cleared; one read."""
        keys = [(ConversationId(entry.log_id), user_id) for user_id in user_ids]
        members = await self._records.get_many(Member, keys)
        about = self._about(entry)
        return {
            member.user_id
            for member in members.values()
            if (limits := window(member)).has(entry.seq) and limits.has(about)
        }

    @handles(GetFirstSeen)
    async def first_seen(self, _actor: Actor, command: GetFirstSeen) -> FirstSeen:
        """Answer ``GetFirstSeen``."""
        conversation_id = command.conversation_id
        if kind_of(conversation_id) not in (Kind.GROUP, Kind.CHANNEL):
            return FirstSeen()
        group = await self._records.get(Group, conversation_id)
        if group is None or (group.history_visible and not group.history_was_hidden):
            return FirstSeen()
        keys = [(conversation_id, user_id) for user_id in command.user_ids]
        members = await self._records.get_many(Member, keys)
        return FirstSeen({m.user_id: window(m).first for m in members.values() if m.active})

    # --- inside ---

    def _about(self, entry: Entry) -> int:
        """Return the seq of the entry that this one is about: often its own."""
        return entry.seq if entry.kind in self.shown else about_seq(entry) or entry.seq

    async def _as_of(
        self,
        seen: Mapping[ConversationId, Sequence[Entry]],
        windows: Mapping[ConversationId, Window],
    ) -> Mapping[Position, Entry]:
        """Return what was rewritten after its reader had left, as it stood before."""
        wanted = [
            (entry, windows[conversation_id].last)
            for conversation_id, entries in seen.items()
            if windows[conversation_id].is_over
            for entry in entries
            if entry.kind in self.shown
        ]
        return await self._versions.as_of(wanted) if wanted else {}
