"""Sending: the hot path.

A send that needs nothing but a known context goes straight to the log. One that must look
something up first (an unknown context, mentions, a quote, slow mode, a gate) waits its turn in
its sender's ordered queue of that conversation, and so does whatever the same sender sends there
meanwhile: messages stand in the log in the order in which their sender sent them.
"""

import asyncio
from collections.abc import Coroutine, Sequence
from typing import Any

from msgspec import Struct, structs

from hongyan.domain.group.model import Role
from hongyan.domain.log.deciding import ATTEMPTS
from hongyan.domain.log.model import (
    Append,
    Change,
    Commit,
    Entry,
    Precondition,
    Put,
    VersionConflict,
    encode_body,
)
from hongyan.domain.log.ports import Cursors, Log
from hongyan.domain.visibility.rules import window
from hongyan.kernel.bus import Actor, handles
from hongyan.kernel.clock import Clock
from hongyan.kernel.errors import Busy, Forbidden, Invalid, NotFound, Refusal
from hongyan.kernel.ids import LogId

from .attachment import Attaching, carries_files
from .commands import Ack, Gone, SendMessage, SlowMode
from .model import MESSAGE, Content, MessageBody, Origin, Quote, Text, decode_body
from .ports import Gate, Mentions
from .rows import BurnTask
from .rules import (
    DEFAULT_LIMITS,
    MENTIONS,
    MessageLimits,
    check_burn,
    check_content,
    check_may_speak,
)
from .send_contexts import Key, SendContext, SendContexts

CLIENT_ID_MAX = 64


class ExtraChanges(Struct, frozen=True):
    """Extra changes of a message's commit, beside what its command says."""

    forwarded_from: Origin | None = None
    appends: tuple[Append, ...] = ()
    """After the message's own, and in other logs."""
    changes: tuple[Change, ...] = ()
    preconditions: tuple[Precondition, ...] = ()
    seen: tuple[tuple[LogId, int], ...] = ()
    """The place where the sender saw the files that the message carries."""


NO_EXTRAS = ExtraChanges()


class _OrderedQueue:
    """An ordered queue: those who wait for their turn."""

    __slots__ = ("lock", "users")

    def __init__(self) -> None:
        self.lock = asyncio.Lock()
        self.users = 0


class _Verdict:
    """The verdict of the gates; they are asked once, however often rules are judged."""

    def __init__(self, gates: Sequence[Gate], actor: Actor, command: SendMessage) -> None:
        self._gates = gates
        self._actor = actor
        self._command = command
        self._content: Content | None = None
        self.is_no = False

    async def content(self) -> Content:
        """Return what is to be stored.

        Raises:
            Refusal: a gate says no.
        """
        if self._content is None:
            try:
                self._content = await through(self._gates, self._actor, self._command)
            except Refusal:
                self.is_no = True
                raise
        return self._content


class Sending:
    """Answers ``message.send``.

    Args:
        log: Where messages go.
        cursors: Knows when somebody last spoke, for slow mode.
        clock: The time of day.
        contexts: Who stands how where.
        mentions: What mentions change.
        limits: How large a message may be.
        gates: Asked in order before a message is stored.
        attaching: What files change; None lets messages name files that nobody keeps.
    """

    def __init__(
        self,
        log: Log,
        cursors: Cursors,
        clock: Clock,
        contexts: SendContexts,
        mentions: Mentions,
        limits: MessageLimits = DEFAULT_LIMITS,
        gates: tuple[Gate, ...] = (),
        attaching: Attaching | None = None,
    ) -> None:
        self._log = log
        self._cursors = cursors
        self._clock = clock
        self._contexts = contexts
        self._mentions = mentions
        self._limits = limits
        self._gates = gates
        self._attaching = attaching
        self._queues: dict[Key, _OrderedQueue] = {}

    @handles(SendMessage)
    def send(self, actor: Actor, command: SendMessage) -> Coroutine[Any, Any, Ack]:
        """Answer ``SendMessage``."""
        return self.deliver(actor, command)

    async def deliver(
        self, actor: Actor, command: SendMessage, extras: ExtraChanges = NO_EXTRAS
    ) -> Ack:
        """Send for another service; a repeated ``client_id`` leaves ``extras`` out too.

        Raises:
            Refusal: as ``SendMessage``; ``Busy`` where ``extras`` expects what has passed.
        """
        if not 0 < len(command.client_id) <= CLIENT_ID_MAX:
            raise Invalid(f"client_id has 1 to {CLIENT_ID_MAX} characters.")
        key = (command.conversation_id, actor.user_id)
        context = None if key in self._queues else self._known_enough(key, command)
        while True:
            if context is None:
                done = await self._in_turn(key, actor, command, extras)
                if isinstance(done, Ack):
                    return done
                context = done
            try:  # no wait before the commit is queued: the next one comes after this one
                commit = self._commit(actor, command, extras, context, command.content)
                return _ack((await self._log.commit(commit))[0])
            except (VersionConflict, Forbidden):  # the context may be old: judge by a fresh one
                self._contexts.forget(key)
                context = None
            except Refusal as refusal:
                return await self._first_ack(actor, command, refusal)

    def _known_enough(self, key: Key, command: SendMessage) -> SendContext | None:
        """Return the context if nothing more need be looked up."""
        if self._gates or command.quote_seq:
            return None
        context = self._contexts.known(key)
        return None if context is None or _needs_look(context, command.content) else context

    async def _in_turn(
        self, key: Key, actor: Actor, command: SendMessage, extras: ExtraChanges
    ) -> Ack | SendContext:
        """Send when those before are done; return just the context if that is enough by then."""
        queue = self._queues.get(key)
        if queue is None:
            queue = self._queues[key] = _OrderedQueue()
        queue.users += 1
        try:
            async with queue.lock:
                context = self._known_enough(key, command)
                return context or await self._look_often(key, actor, command, extras)
        except Refusal as refusal:
            return await self._first_ack(actor, command, refusal)
        finally:
            queue.users -= 1
            if not queue.users:
                del self._queues[key]

    async def _look_often(
        self, key: Key, actor: Actor, command: SendMessage, extras: ExtraChanges
    ) -> Ack:
        verdict = _Verdict(self._gates, actor, command)
        for _ in range(ATTEMPTS):
            is_fresh = self._contexts.known(key) is None
            try:
                return await self._look_and_store(actor, command, extras, verdict)
            except VersionConflict:
                self._contexts.forget(key)
            except Forbidden:
                self._contexts.forget(key)
                if is_fresh or verdict.is_no:
                    raise
        raise Busy

    async def _look_and_store(
        self, actor: Actor, command: SendMessage, extras: ExtraChanges, verdict: "_Verdict"
    ) -> Ack:
        context = await self._contexts.enter(command.conversation_id, actor.user_id)
        check_may_speak(context, command.content, self._clock.now_ms())
        await self._check_slow_mode(context)
        quote = await self._quoted(context, command.quote_seq) if command.quote_seq else None
        content = await verdict.content()
        changes: tuple[Change, ...] = ()
        if _mentions_somebody(content):
            changes = await self._mentions.changes_for(context, content)
        if self._attaching is not None and carries_files(content):
            log_id = LogId(command.conversation_id)
            attached = await self._attaching.attach(actor.user_id, content, log_id, extras.seen)
            content, changes = attached.content, changes + attached.changes
            extras = structs.replace(
                extras, preconditions=extras.preconditions + attached.preconditions
            )
        commit = self._commit(actor, command, extras, context, content, quote, changes)
        return _ack((await self._log.commit(commit))[0])

    def _commit(
        self,
        actor: Actor,
        command: SendMessage,
        extras: ExtraChanges,
        context: SendContext,
        content: Content,
        quote: Quote | None = None,
        changes: tuple[Change, ...] = (),
    ) -> Commit:
        """Judge the message, and return what stores it.

        Raises:
            Refusal: the rules say no.
        """
        now_ms = self._clock.now_ms()
        check_may_speak(context, content, now_ms)
        if command.burn_after_ms:
            check_burn(context.kind, command.burn_after_ms, self._limits)
        body = encode_body(
            MessageBody(content, quote, extras.forwarded_from, burn_after_ms=command.burn_after_ms)
        )
        check_content(content, len(body), self._limits)
        log_id = LogId(command.conversation_id)
        append = Append(
            log_id, MESSAGE, actor.user_id, body, now_ms, command.client_id, countable=True
        )
        if command.burn_after_ms:
            changes = (*changes, _burn_task(context, command.burn_after_ms))
        precondition = Precondition(log_id, context.version)
        if extras is NO_EXTRAS:
            return Commit((append,), changes, (precondition,), actor.connection_id)
        return Commit(
            (append, *extras.appends),
            changes + extras.changes,
            (precondition, *extras.preconditions),
            actor.connection_id,
        )

    async def _first_ack(self, actor: Actor, command: SendMessage, refusal: Refusal) -> Ack:
        """Answer a retry of what was accepted before the rules changed; else refuse."""
        first = await self._log.find(
            LogId(command.conversation_id), actor.user_id, command.client_id
        )
        if first is None:
            raise refusal
        return _ack(first)

    async def _check_slow_mode(self, context: SendContext) -> None:
        group = context.group
        if group is None or not group.slow_mode_s or context.member.role != Role.MEMBER:
            return
        log_id = LogId(context.conversation_id)
        cursors = await self._cursors.of_user(context.member.user_id, [log_id])
        wait_ms = cursors[log_id].sent_at_ms + group.slow_mode_s * 1000 - self._clock.now_ms()
        if wait_ms > 0:
            raise SlowMode(retry_after_ms=wait_ms)

    async def _quoted(self, context: SendContext, seq: int) -> Quote:
        """Return what is kept of a quoted message: its place, never its text."""
        if window(context.member).has(seq):  # as of the version that the commit expects
            log_id = LogId(context.conversation_id)
            for entry in await self._log.read(log_id, seq, seq, 1, kinds=(MESSAGE,)):
                if decode_body(entry).content is None:
                    raise Gone("The quoted message was recalled or has burned.")
                return Quote(seq, entry.sender)
        raise NotFound("The quoted message is not there.")


async def through(
    gates: Sequence[Gate], actor: Actor, command: SendMessage, edits_seq: int = 0
) -> Content:
    """Return what the gates, one after the other, make of a message.

    Raises:
        Refusal: one of them says no; those behind it are not asked.
    """
    for gate in gates:
        content = await gate.judge(actor, command, edits_seq)
        command = structs.replace(command, content=content)
    return command.content


def _ack(entry: Entry) -> Ack:
    return Ack(entry.seq, entry.ordinal, entry.sent_at_ms)


def _burn_task(context: SendContext, after_ms: int) -> Put:
    task = BurnTask(
        conversation_id=context.conversation_id, seq=0, reader_id=context.peer, after_ms=after_ms
    )
    return Put(task, seq_field="seq")


def _mentions_somebody(content: Content) -> bool:
    if type(content) is not Text or not content.entities:
        return False
    return any(entity.type in MENTIONS for entity in content.entities)


def _needs_look(context: SendContext, content: Content) -> bool:
    """Return whether more than the context must be known before this may be stored."""
    group = context.group
    if group is not None and group.slow_mode_s > 0 and context.member.role == Role.MEMBER:
        return True
    if type(content) is Text:
        return bool(content.entities) and _mentions_somebody(content)
    return carries_files(content)
