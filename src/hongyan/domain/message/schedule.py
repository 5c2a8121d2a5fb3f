"""Scheduled messages: kept until their time, then sent as their author would send them."""

from collections.abc import Awaitable, Callable

from msgspec import structs

from hongyan.domain.log.deciding import decide
from hongyan.domain.log.model import (
    Append,
    Bump,
    Change,
    Commit,
    Drop,
    Precondition,
    Put,
    VersionConflict,
    encode_body,
)
from hongyan.domain.log.ports import Log, Records
from hongyan.domain.user.model import User
from hongyan.kernel.bus import Actor, handles
from hongyan.kernel.clock import Clock
from hongyan.kernel.errors import Forbidden, LimitReached, NotFound, Refusal
from hongyan.kernel.ids import DeviceId, UserId, user_log
from hongyan.kernel.limits import CLIENT_ID_MAX, check_length, check_range
from hongyan.kernel.turns import Turns

from .attachment import Attached, Attaching
from .commands import (
    ListSchedules,
    Noted,
    RescheduleMessage,
    Scheduled,
    ScheduleMessage,
    Schedules,
    SendMessage,
    UnscheduleMessage,
)
from .model import SCHEDULE_CHANGED, ScheduleChanged, ScheduleState
from .rows import NEVER_MS, ScheduledMessage
from .rules import DEFAULT_LIMITS, MessageLimits, check_burn, check_content
from .send import ExtraChanges, Sending
from .targets import Targets

SCHEDULES_MAX = 100
YEAR_MS = 366 * 24 * 3600 * 1000
RUN_MAX = 100
RETRY_MS = 5_000


class Scheduling:
    """Answers ``message.schedule`` and its kin; ``run`` sends what is due.

    What changes a user's schedules is serialised by the version of the user's log. The message,
    the end of its row and the entry for the user's devices are one commit: it is sent
    once, and never after it was cancelled.

    Args:
        log: The users' logs.
        records: The schedules.
        clock: The time of day.
        targets: Finds who is in a conversation.
        sending: Sends, by all rules of sending.
        limits: How large a message may be.
        attaching: What files change; None lets messages name files that nobody keeps.
    """

    def __init__(
        self,
        log: Log,
        records: Records,
        clock: Clock,
        targets: Targets,
        sending: Sending,
        limits: MessageLimits = DEFAULT_LIMITS,
        attaching: Attaching | None = None,
    ) -> None:
        self._log = log
        self._records = records
        self._clock = clock
        self._targets = targets
        self._sending = sending
        self._limits = limits
        self._attaching = attaching
        self._turns = Turns()

    @handles(ScheduleMessage)
    async def schedule(self, actor: Actor, command: ScheduleMessage) -> Noted:
        """Answer ``ScheduleMessage``."""
        check_length("client_id", command.client_id, CLIENT_ID_MAX, 1)
        first = await self._log.find(user_log(actor.user_id), actor.user_id, command.client_id)
        if first is not None:
            return Noted(first.seq, first.sent_at_ms)
        self._check_time(command.at_ms)
        check_content(command.content, len(encode_body(command.content)), self._limits)
        context = await self._targets.context(actor, command.conversation_id)
        check_burn(context.kind, command.burn_after_ms, self._limits)
        row = ScheduledMessage(
            user_id=actor.user_id,
            client_id=command.client_id,
            conversation_id=command.conversation_id,
            content=command.content,
            quote_seq=command.quote_seq,
            burn_after_ms=command.burn_after_ms,
            at_ms=command.at_ms,
            due_at_ms=command.at_ms,
        )

        async def attempt() -> Commit:
            precondition = await self._precondition(actor.user_id)
            if await self._records.count(ScheduledMessage, actor.user_id) >= SCHEDULES_MAX:
                raise LimitReached("Too many messages wait already.", limit=SCHEDULES_MAX)
            body = structs.replace(self._entry(row, "waiting"), client_id=row.client_id)
            attached = await self._attach(actor, row)
            kept = Put(structs.replace(row, content=attached.content), seq_field="told_seq")
            commit = self._commit(actor, precondition, body, kept)
            return structs.replace(
                commit,
                changes=commit.changes + attached.changes,
                preconditions=commit.preconditions + attached.preconditions,
            )

        return await self._decide(actor, attempt)

    @handles(ListSchedules)
    async def schedules(self, actor: Actor, command: ListSchedules) -> Schedules:
        """Answer ``ListSchedules``."""
        rows = await self._records.scan(
            ScheduledMessage, actor.user_id, by="by_time", limit=SCHEDULES_MAX
        )
        return Schedules(tuple(_scheduled(row) for row in rows))

    @handles(RescheduleMessage)
    async def reschedule(self, actor: Actor, command: RescheduleMessage) -> Noted:
        """Answer ``RescheduleMessage``."""
        self._check_time(command.at_ms)

        async def attempt() -> Commit:
            precondition = await self._precondition(actor.user_id)
            row = await self._row(actor, command.client_id)
            at_ms = command.at_ms
            moved = structs.replace(
                row, at_ms=at_ms, due_at_ms=at_ms, failed_code="", failed_message=""
            )
            if moved == row:
                return Commit()
            return self._commit(actor, precondition, self._entry(moved, "waiting"), Put(moved))

        return await self._decide(actor, attempt)

    @handles(UnscheduleMessage)
    async def unschedule(self, actor: Actor, command: UnscheduleMessage) -> Noted:
        """Answer ``UnscheduleMessage``."""

        async def attempt() -> Commit:
            precondition = await self._precondition(actor.user_id)
            row = await self._row(actor, command.client_id)
            body = self._entry(row, "cancelled")
            return self._commit(actor, precondition, body, *await self._ended(row))

        return await self._decide(actor, attempt)

    async def run(self, now_ms: int) -> int:
        """Send what is due, at most 100 messages; return how many were tried.

        What is refused for now (slow mode, a full disk) is tried again later; what is refused
        for good stays, marked as failed, until its author moves or cancels it.
        """
        rows = await self._records.scan(ScheduledMessage, by="by_due", limit=RUN_MAX)
        due = [row for row in rows if row.due_at_ms <= now_ms]
        for row in due:
            precondition = await self._precondition(row.user_id)
            if await self._records.get(ScheduledMessage, *row.key()) == row:
                await self._send(row, precondition, now_ms)
        return len(due)

    async def _send(self, row: ScheduledMessage, precondition: Precondition, now_ms: int) -> None:
        actor = Actor(row.user_id, DeviceId(""))
        body, ended = self._entry(row, "sent"), await self._ended(row)
        extras = ExtraChanges(
            appends=(body,),
            changes=(*ended, Bump(body.log_id)),
            preconditions=(precondition,),
            seen=((body.log_id, row.told_seq),),
        )
        command = SendMessage(
            conversation_id=row.conversation_id,
            client_id=row.client_id,
            content=row.content,
            quote_seq=row.quote_seq,
            burn_after_ms=row.burn_after_ms,
        )
        try:
            user = await self._records.get(User, row.user_id)
            if user is None or user.state != "active":
                raise Forbidden("This account is not active.")
            await self._sending.deliver(actor, command, extras)
            if await self._records.get(ScheduledMessage, *row.key()) != row:
                return
            commit = self._commit(
                actor, precondition, body, *ended
            )  # it had been sent by hand before
        except Refusal as refusal:
            commit = self._refused(actor, row, precondition, refusal, now_ms)
        try:
            await self._log.commit(commit)
        except VersionConflict:
            return  # its author changed something meanwhile: look again at the next tick

    def _refused(
        self,
        actor: Actor,
        row: ScheduledMessage,
        precondition: Precondition,
        refusal: Refusal,
        now_ms: int,
    ) -> Commit:
        if refusal.retryable:
            wait_ms = max(refusal.details.get("retry_after_ms", 0), RETRY_MS)
            later = structs.replace(row, due_at_ms=now_ms + wait_ms)
            return Commit(changes=(Put(later),), preconditions=(precondition,))
        failed = structs.replace(
            row, due_at_ms=NEVER_MS, failed_code=refusal.code, failed_message=refusal.text
        )
        return self._commit(actor, precondition, self._entry(failed, "failed"), Put(failed))

    async def _decide(self, actor: Actor, attempt: Callable[[], Awaitable[Commit]]) -> Noted:
        async with self._turns.of(actor.user_id):
            entries = await decide(self._log, attempt)
        return Noted(entries[0].seq, entries[0].sent_at_ms) if entries else Noted()

    async def _precondition(self, user_id: UserId) -> Precondition:
        log_id = user_log(user_id)
        return Precondition(log_id, (await self._log.states([log_id]))[log_id].version)

    async def _row(self, actor: Actor, client_id: str) -> ScheduledMessage:
        row = await self._records.get(ScheduledMessage, actor.user_id, client_id)
        if row is None:
            raise NotFound("No such message is scheduled.")
        return row

    def _check_time(self, at_ms: int) -> None:
        now_ms = self._clock.now_ms()
        check_range("at_ms", at_ms, now_ms + 1, now_ms + YEAR_MS)

    def _entry(self, row: ScheduledMessage, state: ScheduleState) -> Append:
        body = ScheduleChanged(
            row.client_id,
            row.conversation_id,
            state,
            row.at_ms,
            row.failed_code,
            row.failed_message,
        )
        log_id, now_ms = user_log(row.user_id), self._clock.now_ms()
        return Append(log_id, SCHEDULE_CHANGED, row.user_id, encode_body(body), now_ms)

    async def _attach(self, actor: Actor, row: ScheduledMessage) -> Attached:
        """Return what keeps the files of a message until it is sent."""
        if self._attaching is None:
            return Attached(row.content)
        return await self._attaching.attach(actor.user_id, row.content, user_log(actor.user_id))

    async def _ended(self, row: ScheduledMessage) -> tuple[Change, ...]:
        """Return what goes when a message waits no more."""
        drop = Drop(ScheduledMessage, row.key())
        if self._attaching is None:
            return (drop,)
        return (drop, *await self._attaching.detach(user_log(row.user_id), row.told_seq))

    def _commit(
        self, actor: Actor, precondition: Precondition, body: Append, *changes: Change
    ) -> Commit:
        return Commit(
            (body,), (*changes, Bump(precondition.log_id)), (precondition,), actor.connection_id
        )


def _scheduled(row: ScheduledMessage) -> Scheduled:
    return Scheduled(
        row.client_id,
        row.conversation_id,
        row.content,
        row.at_ms,
        row.quote_seq,
        row.burn_after_ms,
        row.failed_code,
        row.failed_message,
    )
