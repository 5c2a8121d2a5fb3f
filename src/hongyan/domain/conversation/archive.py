"""The archive: all that one user may see, in the order in which it was committed."""

from collections.abc import Sequence

from hongyan.domain.group.model import Member
from hongyan.domain.log.model import Entry, Placed, SeqRange
from hongyan.domain.log.ports import Archive, ChangeStream
from hongyan.domain.visibility.model import END, Window
from hongyan.kernel.bus import Actor, handles
from hongyan.kernel.ids import ConversationId, LogId, UserId, log_owner, user_log
from hongyan.kernel.positions import position_of, token_of

from .commands_archive import Archived, ArchivedEntry, Generation, GetArchive, GetGeneration
from .queries import CONVERSATIONS_MAX, ConversationQueries
from .rules import ANSWER_BYTES, check_range, fitting

PAGE_MAX = 500


class Archives:
    """Answers ``conversation.archive``, and which generation the logs are.

    Args:
        queries: Finds what the user may see.
        archive: All logs together.
        stream: Knows where they end.
    """

    def __init__(
        self, queries: ConversationQueries, archive: Archive, stream: ChangeStream
    ) -> None:
        self._queries = queries
        self._visibility = queries.visibility
        self._archive = archive
        self._stream = stream

    @handles(GetArchive)
    async def page(self, actor: Actor, command: GetArchive) -> Archived:
        """Answer ``GetArchive``."""
        check_range("limit", command.limit, 0, PAGE_MAX)
        after, before = position_of(command.after), position_of(command.before)
        generation = await self._archive.generation()
        if not command.limit:
            return Archived((), token_of(await self._stream.end()), False, generation)
        keys = await self._queries.records.keys(
            Member, actor.user_id, by="of_user", limit=CONVERSATIONS_MAX
        )
        windows = await self._visibility.windows(actor.user_id, [i for i, _ in keys])
        spans = [
            SeqRange(LogId(i), w.first, w.last) for i, w in windows.items() if w.first <= w.last
        ]
        spans.append(SeqRange(user_log(actor.user_id), 1, END))
        found = await self._archive.archive(
            spans,
            command.limit,
            after=after,
            before=before,
            order="newest" if command.newest_first else "oldest",
        )
        page = found[: max(1, fitting((entry for _, entry in found), ANSWER_BYTES))]
        bound = command.before if command.newest_first else command.after
        return Archived(
            tuple(await self._seen(actor.user_id, page, windows)),
            next=token_of(page[-1][0]) if page else bound,
            more=len(page) < len(found) or len(found) == command.limit,
            generation=generation,
        )

    async def _seen(
        self, me: UserId, page: Sequence[Placed], windows: dict[ConversationId, Window]
    ) -> list[ArchivedEntry]:
        logs: dict[ConversationId, list[Entry]] = {}
        for _, entry in page:
            if log_owner(entry.log_id) is None:
                logs.setdefault(ConversationId(entry.log_id), []).append(entry)
        seen = await self._visibility.visible_in(me, logs, windows)
        shown = {(e.log_id, e.seq): e for entries in seen.values() for e in entries}
        shown |= {(e.log_id, e.seq): e for _, e in page if log_owner(e.log_id) is not None}
        return [
            ArchivedEntry(token_of(position), shown[entry.log_id, entry.seq])
            for position, entry in page
            if (entry.log_id, entry.seq) in shown
        ]

    @handles(GetGeneration)
    async def generation(self, _actor: Actor, _command: GetGeneration) -> Generation:
        """Answer ``GetGeneration``."""
        return Generation(await self._archive.generation())
