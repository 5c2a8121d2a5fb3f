"""Finding the message that something is to happen to, and letting one thing happen at a time."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Iterable

from msgspec import Struct, structs

from hongyan.domain.group.model import Member
from hongyan.domain.log.deciding import decide
from hongyan.domain.log.model import Append, Bump, Commit, Entry, Precondition, encode_body
from hongyan.domain.log.ports import Log, Records
from hongyan.domain.visibility.visibility import Visibility
from hongyan.kernel.bus import Actor
from hongyan.kernel.errors import NotFound
from hongyan.kernel.ids import ConversationId, LogId, UserId
from hongyan.kernel.turns import Turns

from .commands import Gone, Noted
from .model import MESSAGE, Content, MessageBody, decode_body
from .rows import metadata_log
from .send_contexts import SendContext, SendContexts


class Target(Struct, frozen=True):
    """A message that the caller may see, and where the caller stands."""

    context: SendContext
    entry: Entry
    body: MessageBody

    def content(self) -> Content:
        """Return what the message says.

        Raises:
            Gone: nothing any more.
        """
        if self.body.content is None:
            raise Gone
        return self.body.content

    def append(self, kind: str, body: Struct, at_ms: int, sender: UserId | None = None) -> Append:
        """Return the entry of the conversation that says what happened to this message."""
        who = self.context.member.user_id if sender is None else sender
        return Append(self.entry.log_id, kind, who, encode_body(body), at_ms)


Attempt = Callable[[Target], Awaitable[Commit]]


class Targets:
    """Finds messages for those who may see them.

    Args:
        log: The messages.
        records: The members.
        contexts: Who stands how where.
        visibility: Who sees what.
    """

    def __init__(
        self, log: Log, records: Records, contexts: SendContexts, visibility: Visibility
    ) -> None:
        self._log = log
        self._records = records
        self._contexts = contexts
        self._visibility = visibility
        self._turns = Turns()

    async def context(self, actor: Actor, conversation_id: ConversationId) -> SendContext:
        """Return the caller's context as it is now, at the cost of one read where it is at hand.

        Raises:
            NotAMember, Dissolved: the caller is not in the conversation.
        """
        log_id, key = LogId(conversation_id), (conversation_id, actor.user_id)
        known = self._contexts.known(key)
        if (
            known is not None
            and (await self._log.states([log_id]))[log_id].version != known.version
        ):
            self._contexts.forget(key)
        return await self._contexts.enter(*key)

    async def visible(self, context: SendContext, seqs: Collection[int]) -> set[int]:
        """Return which of these seqs the caller sees in this context."""
        return await self._visibility.seqs(context.member, seqs)

    async def see(self, actor: Actor, conversation_id: ConversationId, seq: int) -> Target:
        """Return one message.

        Raises:
            NotAMember, Dissolved: the caller is not in the conversation.
            NotFound: there is no such message for the caller to see.
        """
        return await self._see(await self.context(actor, conversation_id), seq)

    async def see_many(self, context: SendContext, seqs: Iterable[int]) -> list[Entry]:
        """Return those of these messages that the caller sees, in the order of ``seqs``."""
        log_id, seqs = LogId(context.conversation_id), tuple(seqs)
        reads = (self._log.read(log_id, seq, seq, 1, kinds=(MESSAGE,)) for seq in seqs)
        seen, found = await asyncio.gather(self.visible(context, seqs), asyncio.gather(*reads))
        return [entry for entries in found for entry in entries if entry.seq in seen]

    async def _see(self, context: SendContext, seq: int) -> Target:
        for entry in await self.see_many(context, (seq,)):
            return Target(context, entry, decode_body(entry))
        raise NotFound("There is no such message.")

    async def change(
        self, actor: Actor, conversation_id: ConversationId, seq: int, attempt: Attempt
    ) -> Noted:
        """Let ``attempt`` decide what happens to a message, and commit that.

        Nothing else happens to the conversation's messages between the read and the commit,
        and nobody's rights change; else ``attempt`` is asked again. A commit that appends and
        changes nothing is left out.

        Raises:
            NotAMember, Dissolved, NotFound: as ``see``; and what ``attempt`` raises.
            Busy: others kept changing the same thing.
        """

        async def judged() -> Commit:
            target = await self.see(actor, conversation_id, seq)
            commit = await attempt(target)
            if not commit.appends and not commit.changes:
                return commit
            context_version = Precondition(target.entry.log_id, target.context.version)
            preconditions = (*commit.preconditions, context_version)
            return structs.replace(commit, preconditions=preconditions, origin=actor.connection_id)

        entries = await self.serialise(conversation_id, judged)
        return Noted(entries[0].seq, entries[0].sent_at_ms) if entries else Noted()

    async def serialise(
        self, conversation_id: ConversationId, attempt: Callable[[], Awaitable[Commit]]
    ) -> tuple[Entry, ...]:
        """Commit what ``attempt`` decides, while nothing else happens to the messages here.

        Raises:
            Busy: others kept changing the same thing; and what ``attempt`` raises.
        """
        guard = metadata_log(conversation_id)

        async def guarded() -> Commit:
            version = (await self._log.states([guard]))[guard].version
            commit = await attempt()
            if not commit.appends and not commit.changes:
                return commit
            return structs.replace(
                commit,
                changes=(*commit.changes, Bump(guard)),
                preconditions=(*commit.preconditions, Precondition(guard, version)),
            )

        async with self._turns.of(guard):
            return await decide(self._log, guarded)

    async def rank_of(self, conversation_id: ConversationId, user_id: UserId) -> int:
        """Return how high a user stands in a conversation; -1 for one who is not in it."""
        member = await self._records.get(Member, conversation_id, user_id)
        return member.role.rank if member is not None and member.active else -1
