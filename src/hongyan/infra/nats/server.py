"""Taking calls: the side of a backend."""

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Mapping
from typing import Any

from nats.aio.subscription import Subscription

from hongyan.kernel.bus import Caller, Command
from hongyan.kernel.errors import Busy, Refusal, UnknownMethod
from hongyan.kernel.tracing import TRACE
from hongyan.wire.native.errors import wire_error

from .connection import NatsConnection
from .envelope import (
    Answers,
    Call,
    CallAnswer,
    actor_of,
    decode_calls,
    encode,
    encode_json,
    params_decoder,
)
from .subjects import Subjects

log = logging.getLogger(__name__)

IN_FLIGHT_MAX = 10_000
CALLERS_MAX = 1_000
KEPT_BYTES = 64 * 1024
"""Longer answers are not remembered for a caller that asks again; their commands read."""


class NatsServer:
    """Carries out the calls that come over the broker.

    What one caller asks with one number is carried out once: a repetition gets the answer that
    is remembered, or waits for the one that is being made.

    Args:
        connection: The broker.
        subjects: Names subjects.
        caller: Carries the commands out.
        commands: All commands by method.
        in_flight_max: Calls at work; one more is refused as ``busy``.
    """

    def __init__(
        self,
        connection: NatsConnection,
        subjects: Subjects,
        caller: Caller,
        commands: Mapping[str, type[Command[Any]]],
        in_flight_max: int = IN_FLIGHT_MAX,
    ) -> None:
        self._connection = connection
        self._subjects = subjects
        self._caller = caller
        self._commands = commands
        self._in_flight_max = in_flight_max
        self._subscription: Subscription | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._known: OrderedDict[str, dict[int, CallAnswer | None]] = OrderedDict()
        """By caller and number: the answer, or None while it is being made."""
        self._ready: dict[str, list[CallAnswer]] = {}
        self._idle = asyncio.Event()
        self._idle.set()

    @property
    def in_flight(self) -> int:
        """The number of calls at work."""
        return len(self._tasks)

    async def start(self) -> None:
        """Take calls."""
        mine = self._subjects.calls(self._connection.me)
        self._subscription = await self._connection.subscribe(mine, self._received)

    async def drain(self, deadline_s: float) -> None:
        """Take no more calls, and answer those that came; those left at the deadline go on."""
        if self._subscription is not None:
            await self._subscription.drain()  # type: ignore[no-untyped-call]
            self._subscription = None
        try:
            async with asyncio.timeout(deadline_s):
                await self._idle.wait()
        except TimeoutError:
            log.warning("%d calls are still at work", len(self._tasks))
        await self._connection.flush(1.0)

    # --- in ---

    def _received(self, _subject: str, data: bytes) -> None:
        calls = decode_calls(data)
        known = self._known.get(calls.caller)
        if known is None:
            known = self._known[calls.caller] = {}
            if len(self._known) > CALLERS_MAX:
                self._known.popitem(last=False)
        self._known.move_to_end(calls.caller)
        _forget(known, calls.floor)
        for call in calls.calls:
            if call.number not in known:
                self._begin(calls.caller, call, known)
            elif (answer := known[call.number]) is not None:
                self._answer(calls.caller, answer)

    def _begin(self, caller: str, call: Call, known: dict[int, CallAnswer | None]) -> None:
        if len(self._tasks) >= self._in_flight_max:
            self._answer(caller, CallAnswer(call.number, b"", wire_error(Busy())))
            return
        known[call.number] = None
        task = asyncio.get_running_loop().create_task(self._carry_out(caller, call, known))
        self._tasks.add(task)
        self._idle.clear()
        task.add_done_callback(self._over)

    def _over(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not self._tasks:
            self._idle.set()

    async def _carry_out(
        self, caller: str, call: Call, known: dict[int, CallAnswer | None]
    ) -> None:
        try:
            command = self._commands.get(call.method)
            if command is None:
                raise UnknownMethod(method=call.method)
            params = params_decoder(command).decode(call.params)
            if call.trace:
                TRACE.set(call.trace)  # of this task's own context
            result = await self._caller.call(actor_of(call.who), params)
            answer = CallAnswer(call.number, encode_json(result))
        except Exception as error:
            if not isinstance(error, Refusal):
                ids = {"user": call.who[0], "device": call.who[1], "method": call.method}
                log.exception("a call failed", extra=ids)
            answer = CallAnswer(call.number, b"", wire_error(error))
        if len(answer.result) <= KEPT_BYTES:
            known[call.number] = answer
        else:
            known.pop(call.number, None)
        self._answer(caller, answer)

    # --- out ---

    def _answer(self, caller: str, answer: CallAnswer) -> None:
        if not self._ready:
            asyncio.get_running_loop().call_soon(self._send)
        self._ready.setdefault(caller, []).append(answer)

    def _send(self) -> None:
        ready, self._ready = self._ready, {}
        for caller, answers in ready.items():
            subject = self._subjects.answers(caller, "0", 0)
            self._connection.publish(subject, encode(Answers(answers)))


def _forget(known: dict[int, CallAnswer | None], floor: int) -> None:
    """Drop the answers that nobody will ask for; numbers grow, so the old ones come first."""
    done = []
    for number in known:
        if number >= floor:
            break
        done.append(number)
    for number in done:
        del known[number]
