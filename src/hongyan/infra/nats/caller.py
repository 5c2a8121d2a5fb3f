"""Commands to other processes: the ``Caller`` of a gateway.

A call that nobody took (no backend listens there) has not been carried out: it goes to another
one. Of a call whose backend fell silent nobody knows: it is sent to another one if its command
may be repeated (``Command.may_be_repeated``), else it is refused as ``unavailable``. A call
that the same backend gets twice it carries out once.
"""

import asyncio
import logging
import math
from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any

from msgspec import Raw

from hongyan.kernel.bus import Actor, Command, Result
from hongyan.kernel.errors import Busy, Unavailable
from hongyan.kernel.tasks import end_tasks
from hongyan.kernel.tracing import TRACE
from hongyan.wire.native.errors import refusal_of

from .connection import NatsConnection
from .envelope import Call, CallAnswer, Calls, decode_answers, encode, result_decoder, who_of
from .nodes import Alive, Nodes
from .ordered_queues import InFlightCall, OrderedQueues, queue_of
from .subjects import Subjects

log = logging.getLogger(__name__)

IN_FLIGHT_MAX = 20_000
SWEEP_S = 0.1
COMING_BACK_S = 3.0
"""Seconds after the broker came back in which nobody is given up for not listening yet."""
PROBE_AFTER_S = 0.25
"""A backend that owes an answer for so long is asked whether it is still there."""


class NatsCaller:
    """Carries commands to backends.

    Args:
        connection: The broker.
        subjects: Names subjects.
        nodes: Who is there.
        in_flight_max: How many calls may wait for an answer; one more is refused as ``busy``.
    """

    def __init__(
        self,
        connection: NatsConnection,
        subjects: Subjects,
        nodes: Nodes,
        in_flight_max: int = IN_FLIGHT_MAX,
    ) -> None:
        self._connection = connection
        self._subjects = subjects
        self._nodes = nodes
        self._in_flight_max = in_flight_max
        self._in_flight_calls: dict[int, InFlightCall] = {}
        self._last = 0
        self._back_s = -COMING_BACK_S
        self._again: set[str] = set()
        self._batch = 0
        self._queues = OrderedQueues(self._load)
        self._loads: dict[str, list[InFlightCall]] = {}
        self._sent_at: dict[str, float] = {}
        self._loop: asyncio.AbstractEventLoop | None = None
        self._sweeper: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Listen for answers, and learn who is there."""
        self._loop = asyncio.get_running_loop()
        mine = self._subjects.answers(self._connection.me)
        await self._connection.subscribe(mine, self._answered, self._bounced)
        self._nodes.on_change(self._changed)
        self._connection.on_lost(self._went_away)
        self._connection.on_back(self._came_back)
        self._queues.set_ready(self._takers())
        self._sweeper = self._loop.create_task(self._sweep())

    async def close(self) -> None:
        """End; calls under way are refused."""
        if self._sweeper is not None:
            await end_tasks([self._sweeper])
        for in_flight_call in list(self._in_flight_calls.values()):
            self._end(in_flight_call, None, Unavailable("This server is stopping."))

    @property
    def in_flight(self) -> int:
        """The number of calls that wait for an answer."""
        return len(self._in_flight_calls)

    def call(self, actor: Actor, command: Command[Result]) -> Coroutine[Any, Any, Result]:
        """See ``Caller.call``.

        Raises:
            Busy: too many calls wait already.
            Unavailable: no answer came in time; whether it was carried out is not known.
        """
        return self._decoded(actor, command)

    def relay(self) -> "Relay":
        """Return a caller whose answers are the JSON as it came, for who only hands it on."""
        return Relay(self._begin)

    async def _decoded(self, actor: Actor, command: Command[Any]) -> Any:
        return result_decoder(type(command)).decode(await self._begin(actor, command))

    def _begin(self, actor: Actor, command: Command[Any]) -> "asyncio.Future[bytes]":
        if len(self._in_flight_calls) >= self._in_flight_max:
            raise Busy
        assert self._loop is not None
        self._last += 1
        future: asyncio.Future[bytes] = self._loop.create_future()
        kind = type(command)
        in_flight_call = InFlightCall(
            self._last,
            queue_of(actor, command, self._last),
            kind,
            who_of(actor),
            Raw(encode(command)),
            self._loop.time() + kind.ANSWER_WITHIN_S,
            partial(_finish, future),
            TRACE.get(),
        )
        self._in_flight_calls[in_flight_call.number] = in_flight_call
        self._queues.enter(in_flight_call)
        return future

    # --- out ---

    def _load(self, in_flight_call: InFlightCall, node: str) -> None:
        """Let the call go with the others of this turn of the event loop."""
        if not self._loads:
            assert self._loop is not None
            self._loop.call_soon(self._send)
        self._loads.setdefault(node, []).append(in_flight_call)

    def _send(self) -> None:
        loads, self._loads = self._loads, {}
        for node, in_flight_calls in loads.items():
            self._ship(
                node, [one for one in in_flight_calls if one.number in self._in_flight_calls]
            )

    def _ship(self, node: str, in_flight_calls: list[InFlightCall]) -> None:
        if not in_flight_calls or not self._connection.is_up:
            return  # all of them are sent again when the broker is back
        assert self._loop is not None
        now = self._loop.time()
        self._batch += 1
        calls = []
        for in_flight_call in in_flight_calls:
            in_flight_call.batch = self._batch
            left_ms = max(1, int((in_flight_call.deadline - now) * 1000))
            calls.append(
                Call(
                    in_flight_call.number,
                    in_flight_call.method,
                    in_flight_call.who,
                    in_flight_call.params,
                    left_ms,
                    in_flight_call.trace,
                )
            )
        me, floor = self._connection.me, next(iter(self._in_flight_calls))
        reply = self._subjects.answers(me, node, self._batch)
        self._connection.publish(self._subjects.calls(node), encode(Calls(me, floor, calls)), reply)
        self._sent_at.setdefault(node, now)

    def _went_away(self) -> None:
        self._back_s = math.inf

    def _came_back(self) -> None:
        """The broker is back, and may have lost calls and answers: the backends know which."""
        assert self._loop is not None
        self._back_s = self._loop.time()
        for node in {
            in_flight_call.node
            for in_flight_call in self._in_flight_calls.values()
            if in_flight_call.node
        }:
            self._send_again(node)

    def _send_again(self, node: str) -> None:
        self._again.discard(node)
        self._ship(node, [one for one in self._in_flight_calls.values() if one.node == node])

    # --- back ---

    def _answered(self, _subject: str, data: bytes) -> None:
        for answer in decode_answers(data).answers:
            in_flight_call = self._in_flight_calls.get(answer.number)
            if in_flight_call is not None:
                self._sent_at.pop(in_flight_call.node, None)
                self._end(in_flight_call, *_outcome(answer))

    def _bounced(self, subject: str) -> None:
        """Nobody listened where this batch went: it was not carried out."""
        node, batch = subject.rsplit(".", 2)[1:]
        assert self._loop is not None
        if self._loop.time() < self._back_s + COMING_BACK_S:
            if node not in self._again:  # all of its calls go at once, however many bounced
                self._again.add(node)
                self._loop.call_later(SWEEP_S, self._send_again, node)
            return  # it may be on its way back to the broker, as we were
        back = [
            one
            for one in self._in_flight_calls.values()
            if one.node == node and str(one.batch) == batch
        ]
        self._queues.close_to(node)
        self._queues.come_back(back)
        alive = self._nodes.known.get(node)
        if alive is not None and alive.state != "draining":  # else it still answers what it has
            self._nodes.missed(node)

    def _end(self, in_flight_call: InFlightCall, result: Any, error: Exception | None) -> None:
        del self._in_flight_calls[in_flight_call.number]
        self._queues.leave(in_flight_call)
        in_flight_call.done(result, error)

    # --- who is there ---

    def _takers(self) -> list[Alive]:
        return [one for one in self._nodes.of_role("backend") if one.state == "ready"]

    def _changed(self, alive: Alive) -> None:
        if "backend" not in alive.role.split("+"):
            return
        self._queues.set_ready(self._takers())
        if alive.state in ("gone", "lost"):
            self._lost(alive.node)

    def _lost(self, node: str) -> None:
        """A backend is not there any more: nobody knows what it did of what it had."""
        self._sent_at.pop(node, None)
        there = [one for one in self._in_flight_calls.values() if one.node == node]
        for in_flight_call in there:
            if not in_flight_call.is_repeatable:
                why = "The server that was doing this has gone; look whether it was done."
                self._end(in_flight_call, None, Unavailable(why))
        self._queues.come_back([one for one in there if one.is_repeatable])

    async def _sweep(self) -> None:
        assert self._loop is not None
        while True:
            await asyncio.sleep(SWEEP_S)
            now = self._loop.time()
            late = [one for one in self._in_flight_calls.values() if one.deadline < now]
            for in_flight_call in late:
                self._end(in_flight_call, None, Unavailable("No answer came in time."))
            self._probe(now)

    def _probe(self, now: float) -> None:
        """Ask backends that are long in answering; one that is dead bounces it."""
        owing = (
            {one.node for one in self._in_flight_calls.values() if one.node}
            if self._sent_at
            else ()
        )
        for node, at in list(self._sent_at.items()):
            if node not in owing:
                del self._sent_at[node]
            elif now - at > PROBE_AFTER_S and self._connection.is_up:
                self._sent_at[node] = now
                me, floor = self._connection.me, next(iter(self._in_flight_calls))
                reply = self._subjects.answers(me, node, 0)
                empty = encode(Calls(me, floor, []))
                self._connection.publish(self._subjects.calls(node), empty, reply)


class Relay:
    """As ``NatsCaller``, but its answers are ``msgspec.Raw`` JSON; it awaits only futures.

    Args:
        begin: Begins a call.
    """

    def __init__(self, begin: Callable[[Actor, Command[Any]], "asyncio.Future[bytes]"]) -> None:
        self._begin = begin

    def call(self, actor: Actor, command: Command[Any]) -> Coroutine[Any, Any, Any]:
        """See ``NatsCaller.call``."""
        return self._raw(actor, command)

    async def _raw(self, actor: Actor, command: Command[Any]) -> Raw:
        return Raw(await self._begin(actor, command))


def _outcome(answer: CallAnswer) -> tuple[Any, Exception | None]:
    if answer.error is not None:
        return None, refusal_of(answer.error)
    return answer.result, None


def _finish(future: "asyncio.Future[bytes]", result: Any, error: Exception | None) -> None:
    if future.done():
        return  # who waited has gone
    if error is not None:
        future.set_exception(error)
    else:
        future.set_result(result)
