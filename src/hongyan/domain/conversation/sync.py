"""Sync: "here are the seqs I have"."""

from collections.abc import Mapping, Sequence

from msgspec import Struct

from hongyan.domain.log.model import Entry, SeqRange
from hongyan.domain.log.ports import Archive
from hongyan.domain.visibility.model import Window
from hongyan.domain.visibility.rules import window
from hongyan.kernel.bus import Actor, handles
from hongyan.kernel.ids import ConversationId, LogId, UserId, user_log

from .commands import Sync, Synced
from .model import Conversation, SyncedConversation
from .queries import ConversationQueries
from .rules import ANSWER_BYTES, KNOWN_MAX, check_count, check_range, fitting

USER_ENTRIES_MAX = 500
ENTRIES_PER_PAGE = 5_000


class _Lack(Struct, frozen=True):
    """The part of a user's log that a device lacks."""

    seq: int = 0
    entries: tuple[Entry, ...] = ()
    truncated: bool = False


class Syncing:
    """Answers ``conversation.sync``.

    Args:
        queries: Reads conversations.
        archive: Knows which generation the logs are.
    """

    def __init__(self, queries: ConversationQueries, archive: Archive) -> None:
        self._queries = queries
        self._archive = archive

    @handles(Sync)
    async def sync(self, actor: Actor, command: Sync) -> Synced:
        """Answer ``Sync``.

        What is read later is never older than what was read before it, and the user's log is
        read first: whatever changes in between comes again, by a push or by the next sync.
        """
        _check(command)
        me, known = actor.user_id, command.known
        lack = _Lack()
        left: tuple[ConversationId, ...] = ()
        if not command.after:
            lack = await self._user_log(me, command.user_seq)
        ids = await self._queries.ids_of(me)
        if not command.after:
            left = tuple(sorted(known.keys() - set(ids)))
        heads = await self._queries.states([i for i in ids if i > command.after])
        due = [i for i, head in heads.items() if known.get(i, -1) != head.seq]
        page = due[: command.limit]
        found = await self._queries.many(me, {i: heads[i] for i in page})
        return Synced(
            conversations=await self._fill(me, found, command),
            next_after=page[-1] if len(due) > len(page) else None,
            left=left,
            user_seq=lack.seq,
            user_entries=lack.entries,
            user_log_truncated=lack.truncated,
            generation=await self._archive.generation(),
        )

    async def _user_log(self, user_id: UserId, have: int) -> _Lack:
        log_id = user_log(user_id)
        head = (await self._queries.log.states([log_id]))[log_id]
        if not 0 <= head.seq - have <= USER_ENTRIES_MAX:
            return _Lack(head.seq, truncated=True)
        if have == head.seq:
            return _Lack(head.seq)
        entries = await self._queries.log.read(log_id, have + 1, head.seq, USER_ENTRIES_MAX)
        return _Lack(head.seq, tuple(entries))

    async def _fill(
        self, me: UserId, conversations: Sequence[Conversation], command: Sync
    ) -> tuple[SyncedConversation, ...]:
        """Add to each conversation its newest entries that the device lacks."""
        windows = {
            c.conversation_id: window(c.member, c.preference, head=c.head) for c in conversations
        }
        spans = {i: _lacking(i, one, command) for i, one in windows.items()}
        wanted = [span for span in spans.values() if span.first <= span.last]
        limit = command.entries_per_conversation
        limit = min(limit, max(1, ENTRIES_PER_PAGE // max(1, len(wanted))))
        found = _fitting(await self._queries.log.tails(wanted, limit) if wanted and limit else {})
        seen = await self._queries.visibility.visible_in(me, found, windows)
        filled = []
        for conversation in conversations:
            conversation_id = conversation.conversation_id
            span = spans[conversation_id]
            from_seq = found[conversation_id][0].seq if conversation_id in found else span.last + 1
            filled.append(
                SyncedConversation(
                    conversation, seen.get(conversation_id, ()), from_seq, gap=from_seq > span.first
                )
            )
        return tuple(filled)


def _fitting(tails: Mapping[LogId, list[Entry]]) -> dict[ConversationId, list[Entry]]:
    """Return the newest entries of each log, as far as they fit into one answer."""
    budget_bytes = ANSWER_BYTES
    found: dict[ConversationId, list[Entry]] = {}
    for log_id, entries in tails.items():
        count = fitting(reversed(entries), budget_bytes)
        if count:
            found[ConversationId(log_id)] = entries[-count:]
            budget_bytes -= sum(len(entry.body) for entry in entries[-count:])
    return found


def _lacking(conversation_id: ConversationId, window: Window, command: Sync) -> SeqRange:
    """Return what may be seen and is not known; everything, where too much is known."""
    have = command.known.get(conversation_id, 0)
    first = max(window.first, have + 1) if have <= window.last else window.first
    return SeqRange(LogId(conversation_id), first, window.last)


def _check(command: Sync) -> None:
    check_count("known conversations", len(command.known), KNOWN_MAX)
    check_range("limit", command.limit, 1, 1000)
    check_range("entries_per_conversation", command.entries_per_conversation, 0, 50)
    check_range("user_seq", command.user_seq, 0, 2**53)
    for seq in command.known.values():
        check_range("A known seq", seq, 0, 2**53)
