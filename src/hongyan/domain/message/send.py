"""Sending: the hot path.

A send that needs nothing but a known room goes straight to the log. One that must look
something up first (an unknown room, mentions, a quote, slow mode, a gate) waits its turn in
its sender's lane of that conversation, and so does whatever the same sender sends there
meanwhile: messages stand in the log in the order in which their sender sent them.
"""

import asyncio
from collections.abc import Coroutine, Sequence
from typing import Any

from msgspec import Struct, structs

from hongyan.domain.group.model import Role
from hongyan.domain.log.model import Append, Change, Commit, Entry, Expect, Put, Stale, encode_body
from hongyan.domain.log.ports import Cursors, Log
from hongyan.domain.log.service import ATTEMPTS
from hongyan.domain.visibility.rules import window
from hongyan.kernel.bus import Actor, handles
from hongyan.kernel.clock import Clock
from hongyan.kernel.errors import Busy, Forbidden, Invalid, NotFound, Refusal
from hongyan.kernel.ids import LogId

from .api import Gone, Receipt, SendMessage, SlowMode
from .attachment import Attaching, carries_files
from .model import MESSAGE, Content, MessageBody, Origin, Quote, Text, decode_body
from .ports import Gate, Mentions
from .rooms import Key, Room, Rooms
from .rows import BurnTask
from .rules import DEFAULT_LIMITS, MENTIONS, Limits, check_burn, check_content, check_may_speak

CLIENT_ID_MAX = 64


class Beside(Struct, frozen=True):
    """What goes into a message's commit beside what its command says."""

    forwarded_from: Origin | None = None
    appends: tuple[Append, ...] = ()
    """After the message's own, and in other logs."""
    changes: tuple[Change, ...] = ()
    expects: tuple[Expect, ...] = ()
    seen: tuple[tuple[LogId, int], ...] = ()
    """Where the sender saw the files that the message carries."""


ALONE = Beside()


class _Lane:
    """Those who wait for their turn."""

    __slots__ = ("lock", "users")

    def __init__(self) -> None:
        self.lock = asyncio.Lock()
        self.users = 0


class _Verdict:
    """What the gates say of a message; they are asked once, however often rules are judged."""

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
        cursors: Tells when somebody last spoke, for slow mode.
        clock: The time of day.
        rooms: Who stands how where.
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
        rooms: Rooms,
        mentions: Mentions,
        limits: Limits = DEFAULT_LIMITS,
        gates: tuple[Gate, ...] = (),
        attaching: Attaching | None = None,
    ) -> None:
        self._log = log
        self._cursors = cursors
        self._clock = clock
        self._rooms = rooms
        self._mentions = mentions
        self._limits = limits
        self._gates = gates
        self._attaching = attaching
        self._lanes: dict[Key, _Lane] = {}

    @handles(SendMessage)
    def send(self, actor: Actor, command: SendMessage) -> Coroutine[Any, Any, Receipt]:
        """Answer ``SendMessage``."""
        return self.deliver(actor, command)

    async def deliver(self, actor: Actor, command: SendMessage, beside: Beside = ALONE) -> Receipt:
        """Send for another service; a repeated ``client_id`` leaves ``beside`` out too.

        Raises:
            Refusal: as ``SendMessage``; ``Busy`` where ``beside`` expects what has passed.
        """
        if not 0 < len(command.client_id) <= CLIENT_ID_MAX:
            raise Invalid(f"client_id has 1 to {CLIENT_ID_MAX} characters.")
        key = (command.conversation_id, actor.user_id)
        room = None if key in self._lanes else self._known_enough(key, command)
        while True:
            if room is None:
                done = await self._in_turn(key, actor, command, beside)
                if isinstance(done, Receipt):
                    return done
                room = done
            try:  # no wait before the commit is queued: the next in the lane comes after this one
                commit = self._commit(actor, command, beside, room, command.content)
                return _receipt((await self._log.commit(commit))[0])
            except (Stale, Forbidden):  # the room may be old: judge by a fresh one
                self._rooms.forget(key)
                room = None
            except Refusal as refusal:
                return await self._first_receipt(actor, command, refusal)

    def _known_enough(self, key: Key, command: SendMessage) -> Room | None:
        """Return the room if nothing more need be looked up."""
        if self._gates or command.quote_seq:
            return None
        room = self._rooms.known(key)
        return None if room is None or _needs_look(room, command.content) else room

    async def _in_turn(
        self, key: Key, actor: Actor, command: SendMessage, beside: Beside
    ) -> Receipt | Room:
        """Send when those before are done; return just the room if that is enough by then."""
        lane = self._lanes.get(key)
        if lane is None:
            lane = self._lanes[key] = _Lane()
        lane.users += 1
        try:
            async with lane.lock:
                room = self._known_enough(key, command)
                return room or await self._look_often(key, actor, command, beside)
        except Refusal as refusal:
            return await self._first_receipt(actor, command, refusal)
        finally:
            lane.users -= 1
            if not lane.users:
                del self._lanes[key]

    async def _look_often(
        self, key: Key, actor: Actor, command: SendMessage, beside: Beside
    ) -> Receipt:
        verdict = _Verdict(self._gates, actor, command)
        for _ in range(ATTEMPTS):
            is_fresh = self._rooms.known(key) is None
            try:
                return await self._look_and_store(actor, command, beside, verdict)
            except Stale:
                self._rooms.forget(key)
            except Forbidden:
                self._rooms.forget(key)
                if is_fresh or verdict.is_no:
                    raise
        raise Busy

    async def _look_and_store(
        self, actor: Actor, command: SendMessage, beside: Beside, verdict: "_Verdict"
    ) -> Receipt:
        room = await self._rooms.enter(command.conversation_id, actor.user_id)
        check_may_speak(room, command.content, self._clock.now_ms())
        await self._check_slow_mode(room)
        quote = await self._quoted(room, command.quote_seq) if command.quote_seq else None
        content = await verdict.content()
        changes: tuple[Change, ...] = ()
        if _mentions_somebody(content):
            changes = await self._mentions.changes_for(room, content)
        if self._attaching is not None and carries_files(content):
            log_id = LogId(command.conversation_id)
            attached = await self._attaching.attach(actor.user_id, content, log_id, beside.seen)
            content, changes = attached.content, changes + attached.changes
            beside = structs.replace(beside, expects=beside.expects + attached.expects)
        commit = self._commit(actor, command, beside, room, content, quote, changes)
        return _receipt((await self._log.commit(commit))[0])

    def _commit(
        self,
        actor: Actor,
        command: SendMessage,
        beside: Beside,
        room: Room,
        content: Content,
        quote: Quote | None = None,
        changes: tuple[Change, ...] = (),
    ) -> Commit:
        """Judge the message, and return what stores it.

        Raises:
            Refusal: the rules say no.
        """
        now_ms = self._clock.now_ms()
        check_may_speak(room, content, now_ms)
        if command.burn_after_ms:
            check_burn(room.kind, command.burn_after_ms, self._limits)
        body = encode_body(
            MessageBody(content, quote, beside.forwarded_from, burn_after_ms=command.burn_after_ms)
        )
        check_content(content, len(body), self._limits)
        log_id = LogId(command.conversation_id)
        append = Append(
            log_id, MESSAGE, actor.user_id, body, now_ms, command.client_id, countable=True
        )
        if command.burn_after_ms:
            changes = (*changes, _burn_task(room, command.burn_after_ms))
        expect = Expect(log_id, room.epoch)
        if beside is ALONE:
            return Commit((append,), changes, (expect,), actor.connection_id)
        return Commit(
            (append, *beside.appends),
            changes + beside.changes,
            (expect, *beside.expects),
            actor.connection_id,
        )

    async def _first_receipt(self, actor: Actor, command: SendMessage, refusal: Refusal) -> Receipt:
        """Answer a retry of what was accepted before the rules changed; else refuse."""
        first = await self._log.find(
            LogId(command.conversation_id), actor.user_id, command.client_id
        )
        if first is None:
            raise refusal
        return _receipt(first)

    async def _check_slow_mode(self, room: Room) -> None:
        group = room.group
        if group is None or not group.slow_mode_s or room.member.role != Role.MEMBER:
            return
        log_id = LogId(room.conversation_id)
        cursors = await self._cursors.of_user(room.member.user_id, [log_id])
        wait_ms = cursors[log_id].sent_at_ms + group.slow_mode_s * 1000 - self._clock.now_ms()
        if wait_ms > 0:
            raise SlowMode(retry_after_ms=wait_ms)

    async def _quoted(self, room: Room, seq: int) -> Quote:
        """Return what is kept of a quoted message: its place, never its text."""
        if window(room.member).has(seq):  # as of the epoch that the commit expects
            log_id = LogId(room.conversation_id)
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


def _receipt(entry: Entry) -> Receipt:
    return Receipt(entry.seq, entry.ordinal, entry.sent_at_ms)


def _burn_task(room: Room, after_ms: int) -> Put:
    task = BurnTask(
        conversation_id=room.conversation_id, seq=0, reader_id=room.peer, after_ms=after_ms
    )
    return Put(task, seq_field="seq")


def _mentions_somebody(content: Content) -> bool:
    if type(content) is not Text or not content.entities:
        return False
    return any(entity.type in MENTIONS for entity in content.entities)


def _needs_look(room: Room, content: Content) -> bool:
    """Whether more than the room must be known before this may be stored."""
    group = room.group
    if group is not None and group.slow_mode_s > 0 and room.member.role == Role.MEMBER:
        return True
    if type(content) is Text:
        return bool(content.entities) and _mentions_somebody(content)
    return carries_files(content)
