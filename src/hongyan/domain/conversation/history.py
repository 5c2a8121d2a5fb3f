"""History: stretches of a conversation's log, and of the user's own."""

from msgspec import Struct

from hongyan.domain.log.model import Entry
from hongyan.domain.visibility.model import Window
from hongyan.kernel.bus import Actor, handles
from hongyan.kernel.errors import Invalid
from hongyan.kernel.ids import LogId, user_log

from .commands import GetHistory, GetUserLog
from .model import Entries
from .queries import ConversationQueries
from .rules import ANSWER_BYTES, check_range, fitting

HISTORY_MAX = 200


class _Stretch(Struct, frozen=True):
    """Entries, and from where to where nothing visible is missing."""

    entries: list[Entry]
    first: int
    last: int


class Histories:
    """Answers ``conversation.history`` and ``conversation.user_log``.

    Args:
        queries: Reads conversations.
    """

    def __init__(self, queries: ConversationQueries) -> None:
        self._queries = queries

    @handles(GetHistory)
    async def history(self, actor: Actor, command: GetHistory) -> Entries:
        """Answer ``GetHistory``."""
        check_range("limit", command.limit, 1, HISTORY_MAX)
        conversation_id, me = command.conversation_id, actor.user_id
        window = (await self._queries.access(me, conversation_id, active=False)).window
        stretch = await self._stretch(LogId(conversation_id), window, command)
        found = {conversation_id: stretch.entries}
        seen = await self._queries.visibility.visible_in(me, found, {conversation_id: window})
        return Entries(
            seen[conversation_id],
            from_seq=stretch.first,
            to_seq=stretch.last,
            more_before=stretch.first > window.first,
            more_after=stretch.last < window.last,
        )

    async def _stretch(self, log_id: LogId, window: Window, command: GetHistory) -> _Stretch:
        before, after, around = command.before_seq, command.after_seq, command.around_seq
        if sum(seq is not None for seq in (before, after, around)) > 1:
            raise Invalid("Give only one of before_seq, after_seq and around_seq.")
        kinds, limit = self._queries.shown if command.only_messages else (), command.limit
        if after is not None:
            return await self._forward(log_id, window, after + 1, limit, kinds)
        if around is None:
            last = window.last if before is None else before - 1
            return await self._backward(log_id, window, last, limit, kinds)
        middle = min(max(around, window.first), window.last + 1)
        older = await self._backward(log_id, window, middle - 1, limit // 2, kinds)
        rest = limit - limit // 2
        newer = await self._forward(log_id, window, middle, rest, kinds)
        return _Stretch(older.entries + newer.entries, older.first, newer.last)

    async def _backward(
        self, log_id: LogId, window: Window, last: int, limit: int, kinds: tuple[str, ...]
    ) -> _Stretch:
        last = max(min(last, window.last), window.first - 1)
        log = self._queries.log
        found = await log.read(log_id, window.first, last, limit, "newest", kinds) if limit else []
        fit = found[: max(1, fitting(found, ANSWER_BYTES))]
        if len(fit) == len(found) < limit:
            return _Stretch(fit[::-1], window.first, last)
        return _Stretch(fit[::-1], fit[-1].seq if fit else last + 1, last)

    async def _forward(
        self, log_id: LogId, window: Window, first: int, limit: int, kinds: tuple[str, ...]
    ) -> _Stretch:
        first = max(min(first, window.last + 1), window.first)
        found = await self._queries.log.read(log_id, first, window.last, limit, "oldest", kinds)
        fit = found[: max(1, fitting(found, ANSWER_BYTES))]
        last = window.last if len(fit) == len(found) < limit else fit[-1].seq
        return _Stretch(fit, first, max(last, first - 1))

    @handles(GetUserLog)
    async def user_log(self, actor: Actor, command: GetUserLog) -> Entries:
        """Answer ``GetUserLog``."""
        check_range("limit", command.limit, 1, 500)
        check_range("after_seq", command.after_seq, 0, 2**53)
        log_id = user_log(actor.user_id)
        head = (await self._queries.log.states([log_id]))[log_id]
        window = Window(1, head.seq)
        found = await self._forward(log_id, window, command.after_seq + 1, command.limit, ())
        return Entries(
            tuple(found.entries),
            found.first,
            found.last,
            more_before=found.first > window.first,
            more_after=found.last < window.last,
        )
