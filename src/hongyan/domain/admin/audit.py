"""The audit log: every administrative act, who did it, and what came of it."""

import asyncio
from collections.abc import Coroutine
from typing import Any

import msgspec
from msgspec import structs

from hongyan.domain.log.deciding import decide
from hongyan.domain.log.model import Bump, Change, Commit, Precondition, Put
from hongyan.domain.log.ports import Log, Records
from hongyan.kernel.bus import DONE, Actor, Command, Done, Handler, handles
from hongyan.kernel.clock import Clock
from hongyan.kernel.errors import Internal, Refusal
from hongyan.kernel.limits import check_length
from hongyan.kernel.pages import check_page, read_page_token, write_page_token

from .commands import Act, Acts, ListAudit, NoteAct
from .model import AUDIT_LOG, AuditRecord
from .rules import is_act, redacted, seal

ACT_MAX = 64
AT_ONCE = 500
"""Records that one commit adds."""


class Audit:
    """Notes acts, and answers ``admin.audit``.

    ``around`` is to be put around the handlers of the bus, so that no protocol can go past it.
    An act is noted once it is over, before its caller is answered; of an act that ended in
    the moment of a crash the logs alone can show it.

    Args:
        log: Where records are committed.
        records: The records.
        clock: The time of day.
    """

    def __init__(self, log: Log, records: Records, clock: Clock) -> None:
        self._log = log
        self._records = records
        self._clock = clock
        self._waiting: list[AuditRecord] = []
        self._turn = asyncio.Lock()

    def around(self, command: type[Command[Any]], handler: Handler) -> Handler:
        """Return a handler that notes what ``handler`` does, where that may be an act."""
        if not is_act(Actor(admin=True, **_NOBODY), command):
            return handler

        def noting(actor: Actor, asked: Any) -> Coroutine[Any, Any, Any]:
            work = handler(actor, asked)
            return self._noted(actor, asked, work) if is_act(actor, command) else work

        return noting

    async def _noted(self, actor: Actor, asked: Any, work: Coroutine[Any, Any, Any]) -> Any:
        outcome = Internal.code
        try:
            result = await work
            outcome = "done"
        except Refusal as refusal:
            outcome = refusal.code
            raise
        finally:
            await self.note(actor, asked.METHOD, asked, outcome)
        return result

    async def note(self, actor: Actor, method: str, params: Any, outcome: str = "done") -> None:
        """Add a record; durable when it returns. Many at once share a commit.

        Args:
            actor: Who did it.
            method: What: a command's method, or a name like one.
            params: What was asked for; what looks like a secret is masked.
            outcome: ``done``, or the code of the refusal.
        """
        record = AuditRecord(
            number=0,
            at_ms=self._clock.now_ms(),
            actor_id=actor.user_id,
            device_id=actor.device_id,
            key_id=actor.key_id,
            address=actor.address,
            method=method,
            params=redacted(params),
            outcome=outcome,
        )
        self._waiting.append(record)
        async with self._turn:
            while any(one is record for one in self._waiting):
                await self._add(self._waiting[:AT_ONCE])

    async def _add(self, batch: list[AuditRecord]) -> None:
        """Add the first of those that wait."""

        async def attempt() -> Commit:
            number = (await self._log.states([AUDIT_LOG]))[AUDIT_LOG].version
            last = await self._records.get(AuditRecord, number)
            precondition, before = (
                Precondition(AUDIT_LOG, number),
                "" if last is None else last.hash,
            )
            changes: list[Change] = []
            for record in batch:
                number += 1
                numbered = structs.replace(record, number=number)
                before = seal(numbered, before)
                changes += [Put(structs.replace(numbered, hash=before)), Bump(AUDIT_LOG)]
            return Commit(changes=tuple(changes), preconditions=(precondition,))

        await decide(self._log, attempt)
        del self._waiting[: len(batch)]

    @handles(NoteAct)
    async def note_act(self, actor: Actor, command: NoteAct) -> Done:
        """Answer ``NoteAct``."""
        check_length("act", command.act, ACT_MAX, least=1)
        await self.note(actor, command.act, command.params, command.outcome[:ACT_MAX])
        return DONE

    @handles(ListAudit)
    async def acts(self, _actor: Actor, command: ListAudit) -> Acts:
        """Answer ``ListAudit``."""
        check_page(command.limit)
        prefix: tuple[str, ...] = ()
        by = None
        if command.actor_id is not None:
            prefix, by = (command.actor_id,), "by_actor"
        elif command.method is not None:
            prefix, by = (command.method,), "by_method"
        found = await self._records.scan(
            AuditRecord,
            *prefix,
            by=by,
            after=read_page_token(command.after, int),
            limit=command.limit,
            order="newest",
        )
        more = len(found) == command.limit and found[-1].at_ms >= command.from_ms
        acts = tuple(act_of(record) for record in found if _matches(record, command))
        return Acts(acts, write_page_token(found[-1].number) if more else "")


_NOBODY: dict[str, Any] = {"user_id": "", "device_id": ""}


def _matches(record: AuditRecord, command: ListAudit) -> bool:
    if command.method is not None and record.method != command.method:
        return False
    return command.from_ms <= record.at_ms and (
        command.to_ms is None or record.at_ms < command.to_ms
    )


def act_of(record: AuditRecord) -> Act:
    """Return what is shown of a record."""
    fields = {name: getattr(record, name) for name in Act.__struct_fields__}
    return Act(**(fields | {"params": msgspec.json.decode(record.params)}))
