"""A user's own changes of a conversation: preferences, drafts, clearing, hiding."""

from collections import Counter
from collections.abc import Callable
from typing import Any

from msgspec import structs

from hongyan.domain.log.deciding import decide
from hongyan.domain.log.model import Append, Commit, Drop, Precondition, Put, encode_body
from hongyan.domain.visibility.model import HiddenMessage, Preference
from hongyan.kernel.bus import DONE, Actor, Done, handles
from hongyan.kernel.clock import Clock
from hongyan.kernel.errors import LimitReached, NotFound
from hongyan.kernel.ids import ConversationId, user_log

from .commands import (
    ClearConversation,
    Folder,
    Folders,
    HideMessages,
    ListFolders,
    SetDraft,
    SetPreference,
)
from .model import (
    MESSAGES_HIDDEN,
    PREFERENCE_CHANGED,
    Mention,
    MessagesHidden,
)
from .queries import ConversationQueries
from .rules import DRAFT_MAX, HIDE_MAX, check_count, check_preference

PREFERENCES_MAX = 100_000
DROPPED_MAX = 1_000


def kept(preference: Preference, now_ms: int, **changes: Any) -> tuple[Append, Preference]:
    """Return the entry and the row of a changed preference.

    The entry raises the version of the user's log, so that two devices that change one
    preference at the same time do not undo each other.
    """
    changed = structs.replace(preference, **changes)
    me = changed.user_id
    body = encode_body(changed)
    entry = Append(user_log(me), PREFERENCE_CHANGED, me, body, now_ms, changes_rules=True)
    return entry, changed


class Preferences:
    """Answers ``conversation.preference``, ``draft``, ``clear``, ``hide_messages``, ``folders``.

    Args:
        queries: Reads conversations.
        clock: The time of day.
    """

    def __init__(self, queries: ConversationQueries, clock: Clock) -> None:
        self._queries = queries
        self._clock = clock

    @handles(SetPreference)
    async def set(self, actor: Actor, command: SetPreference) -> Preference:
        """Answer ``SetPreference``."""
        check_preference(command)
        conversation_id = command.conversation_id
        access = await self._queries.access(actor.user_id, conversation_id, active=False)
        given = {
            field: value
            for field, value in structs.asdict(command).items()
            if field != "conversation_id" and value is not None
        }
        if command.hidden is not None:
            given["hidden_seq"] = access.head.seq if command.hidden else 0
        return await self._change(actor, conversation_id, lambda _: given)

    @handles(SetDraft)
    async def draft(self, actor: Actor, command: SetDraft) -> Preference:
        """Answer ``SetDraft``."""
        if len(command.text) > DRAFT_MAX:
            raise LimitReached("The draft is too long.", limit=DRAFT_MAX)
        await self._queries.access(actor.user_id, command.conversation_id)
        now_ms = self._clock.now_ms()

        def written(old: Preference) -> dict[str, Any]:
            return (
                {} if command.text == old.draft else {"draft": command.text, "draft_at_ms": now_ms}
            )

        return await self._change(actor, command.conversation_id, written)

    @handles(ClearConversation)
    async def clear(self, actor: Actor, command: ClearConversation) -> Preference:
        """Answer ``ClearConversation``."""
        me, conversation_id = actor.user_id, command.conversation_id
        head = (await self._queries.access(me, conversation_id, active=False)).head
        mentions = await self._queries.records.keys(Mention, me, conversation_id, limit=DROPPED_MAX)
        drops = tuple(Drop(Mention, key) for key in mentions if key[2] <= head.seq)

        def cleared(old: Preference) -> dict[str, Any]:
            if old.cleared_seq >= head.seq:
                return {}
            return {
                "cleared_seq": head.seq,
                "cleared_ordinal": head.ordinal,
                "marked_unread": False,
            }

        return await self._change(actor, conversation_id, cleared, drops)

    @handles(HideMessages)
    async def hide(self, actor: Actor, command: HideMessages) -> Done:
        """Answer ``HideMessages``."""
        me, conversation_id = actor.user_id, command.conversation_id
        check_count("messages", len(command.seqs), HIDE_MAX)
        access = await self._queries.access(me, conversation_id, active=False)
        if not all(access.window.has(seq) for seq in command.seqs):
            raise NotFound("There is no such message.")
        hidden = await self._queries.visibility.hidden(
            me, [(conversation_id, seq) for seq in command.seqs]
        )
        seqs = tuple(sorted({seq for seq in command.seqs if (conversation_id, seq) not in hidden}))
        if not seqs:
            return DONE
        body = encode_body(MessagesHidden(conversation_id, seqs))
        append = Append(user_log(me), MESSAGES_HIDDEN, me, body, self._clock.now_ms())
        keys = [(me, conversation_id, seq) for seq in seqs]
        puts = [
            Put(HiddenMessage(user_id=me, conversation_id=conversation_id, seq=seq)) for seq in seqs
        ]
        drops = [Drop(Mention, key) for key in keys]
        await self._queries.log.commit(
            Commit((append,), (*puts, *drops), origin=actor.connection_id)
        )
        return DONE

    @handles(ListFolders)
    async def folders(self, actor: Actor, command: ListFolders) -> Folders:
        """Answer ``ListFolders``."""
        kept_rows = await self._queries.records.scan(
            Preference, actor.user_id, limit=PREFERENCES_MAX
        )
        counts = Counter(row.folder for row in kept_rows if row.folder)
        return Folders(tuple(Folder(name, count) for name, count in sorted(counts.items())))

    async def _change(
        self,
        actor: Actor,
        conversation_id: ConversationId,
        changes: Callable[[Preference], dict[str, Any]],
        drops: tuple[Drop, ...] = (),
    ) -> Preference:
        """Put what ``changes`` makes of the preference; do nothing where that is the same."""
        me = actor.user_id
        log_id = user_log(me)
        result: list[Preference] = []

        async def attempt() -> Commit:
            version = (await self._queries.log.states([log_id]))[log_id].version
            old = await self._queries.preference(me, conversation_id)
            append, new = kept(old, self._clock.now_ms(), **changes(old))
            result.append(new)
            if new == old:
                return Commit()
            return Commit(
                (append,), (Put(new), *drops), (Precondition(log_id, version),), actor.connection_id
            )

        await decide(self._queries.log, attempt)
        return result[-1]
