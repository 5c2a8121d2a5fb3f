"""Ordered queues: the owner of a call among the backends, and the order of calls.

Calls about one conversation go to one backend: what it remembers of the conversation is true
for longest there, its commits of that conversation do not get into each other's way, and they
begin in the order in which they were made. When the backend changes, the calls that are under
way at the old one are waited for first.
"""

import zlib
from bisect import insort
from collections import deque
from collections.abc import Callable, Iterable
from functools import cache
from typing import Any

from msgspec import Raw

from hongyan.kernel.bus import Access, Actor, Command

from .envelope import Who
from .nodes import Alive

NAMES = (
    "conversation_id",
    "upload_id",
    "media_id",
    "access_token",
    "refresh_token",
    "identifier",
    "key",
)


class InFlightCall:
    """A call on its way: made, waiting or sent, not answered yet.

    Attributes:
        node: The backend that it was sent to; empty while it waits.
        batch: The message in which it was sent.
    """

    __slots__ = (
        "batch",
        "deadline",
        "done",
        "is_repeatable",
        "method",
        "node",
        "number",
        "params",
        "queue",
        "trace",
        "who",
    )

    def __init__(
        self,
        number: int,
        queue: str,
        command: type[Command[Any]],
        who: Who,
        params: Raw,
        deadline: float,
        done: Callable[[Any, Exception | None], None],
        trace: str = "",
    ) -> None:
        self.number = number
        self.queue = queue
        self.method = command.METHOD
        self.is_repeatable = may_be_repeated(command)
        self.who = who
        self.params = params
        self.deadline = deadline
        self.done = done
        self.trace = trace
        self.node = ""
        self.batch = 0

    def __lt__(self, other: "InFlightCall") -> bool:
        return self.number < other.number


class _OrderedQueue:
    __slots__ = ("flying", "node", "waiting")

    def __init__(self) -> None:
        self.node = ""
        self.flying = 0
        self.waiting: deque[InFlightCall] = deque()


class OrderedQueues:
    """Keeps the order of calls that have the same ordered queue.

    Args:
        send: Sends a call to a backend.
    """

    def __init__(self, send: Callable[[InFlightCall, str], None]) -> None:
        self._send = send
        self._queues: dict[str, _OrderedQueue] = {}
        self._ready: dict[str, int] = {}
        """The backends that take new calls, each with a number made of its name."""

    def set_ready(self, backends: Iterable[Alive]) -> None:
        """These backends take new calls from now on; what waited goes."""
        self._ready = {one.node: _spread(one.name) for one in backends}
        for name, queue in list(self._queues.items()):
            if queue.waiting and not queue.flying:
                self._go_on(name, queue)

    def close_to(self, node: str) -> None:
        """Send no more calls to this backend until ``set_ready`` names it again."""
        self._ready.pop(node, None)

    def enter(self, in_flight_call: InFlightCall) -> None:
        """Send a new call, or let it wait for its turn."""
        queue = self._queues.get(in_flight_call.queue)
        if queue is None:
            queue = self._queues[in_flight_call.queue] = _OrderedQueue()
        if queue.waiting:
            queue.waiting.append(in_flight_call)
            return
        if not queue.flying:
            queue.node = self._choose(in_flight_call.queue)
        if queue.node in self._ready:
            self._send_call(queue, in_flight_call)
        else:
            queue.waiting.append(in_flight_call)

    def leave(self, in_flight_call: InFlightCall) -> None:
        """A call is over, whether or not it had been sent."""
        queue = self._queues[in_flight_call.queue]
        if in_flight_call.node:
            queue.flying -= 1
        else:
            queue.waiting.remove(in_flight_call)
        self._reassign(in_flight_call.queue, queue)

    def come_back(self, in_flight_calls: Iterable[InFlightCall]) -> None:
        """Calls that were sent have to be sent again; they keep their place in the order."""
        touched = {}
        for in_flight_call in in_flight_calls:
            queue = touched[in_flight_call.queue] = self._queues[in_flight_call.queue]
            queue.flying -= 1
            in_flight_call.node = ""
            insort(queue.waiting, in_flight_call)
        for name, queue in touched.items():
            self._reassign(name, queue)

    def _reassign(self, name: str, queue: _OrderedQueue) -> None:
        if queue.flying:
            return
        if queue.waiting:
            self._go_on(name, queue)
        else:
            self._queues.pop(name, None)

    def _go_on(self, name: str, queue: _OrderedQueue) -> None:
        node = self._choose(name)
        if node:
            queue.node = node
            waiting, queue.waiting = queue.waiting, deque()
            for in_flight_call in waiting:
                self._send_call(queue, in_flight_call)

    def _send_call(self, queue: _OrderedQueue, in_flight_call: InFlightCall) -> None:
        queue.flying += 1
        in_flight_call.node = queue.node
        self._send(in_flight_call, queue.node)

    def _choose(self, name: str) -> str:
        """Return the backend with the highest weight for this name; all callers find the same."""
        best, most = "", -1
        seed = zlib.crc32(name.encode())
        for node, factor in self._ready.items():
            weight = (seed * factor) & 0xFFFFFFFF
            if weight > most:
                best, most = node, weight
        return best


def queue_of(actor: Actor, command: Command[Any], number: int) -> str:
    """Return what a call has in common with those whose order it must keep."""
    name = _field(type(command))
    found = getattr(command, name) if name else ""
    return found or actor.user_id or f"#{number}"


@cache
def _field(command: type[Command[Any]]) -> str:
    """Return the field by which calls of this command find their backend, or an empty string."""
    fields = command.__struct_fields__
    names = (*NAMES, "user_id") if command.ACCESS == Access.INTERNAL else NAMES
    return next((name for name in names if name in fields), "")


@cache
def may_be_repeated(command: type[Command[Any]]) -> bool:
    """See ``Command.may_be_repeated``."""
    return command.may_be_repeated()


def _spread(name: str) -> int:
    """Return an odd number of 32 bits that the name gives."""
    return (zlib.crc32(b"backend " + name.encode()) * 0x9E3779B1 & 0xFFFFFFFF) | 1
