"""Which backend takes a call, and in which order calls get there.

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


class Flight:
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
        "lane",
        "method",
        "node",
        "number",
        "params",
        "trace",
        "who",
    )

    def __init__(
        self,
        number: int,
        lane: str,
        command: type[Command[Any]],
        who: Who,
        params: Raw,
        deadline: float,
        done: Callable[[Any, Exception | None], None],
        trace: str = "",
    ) -> None:
        self.number = number
        self.lane = lane
        self.method = command.METHOD
        self.is_repeatable = may_be_repeated(command)
        self.who = who
        self.params = params
        self.deadline = deadline
        self.done = done
        self.trace = trace
        self.node = ""
        self.batch = 0

    def __lt__(self, other: "Flight") -> bool:
        return self.number < other.number


class _Lane:
    __slots__ = ("flying", "node", "waiting")

    def __init__(self) -> None:
        self.node = ""
        self.flying = 0
        self.waiting: deque[Flight] = deque()


class Lanes:
    """Keeps the order of calls that have the same lane.

    Args:
        send: Sends a call to a backend.
    """

    def __init__(self, send: Callable[[Flight, str], None]) -> None:
        self._send = send
        self._lanes: dict[str, _Lane] = {}
        self._ready: dict[str, int] = {}
        """The backends that take new calls, each with a number made of its name."""

    def set_ready(self, backends: Iterable[Alive]) -> None:
        """These backends take new calls from now on; what waited goes."""
        self._ready = {one.node: _spread(one.name) for one in backends}
        for name, lane in list(self._lanes.items()):
            if lane.waiting and not lane.flying:
                self._go_on(name, lane)

    def close_to(self, node: str) -> None:
        """Send no more calls to this backend until ``set_ready`` names it again."""
        self._ready.pop(node, None)

    def enter(self, flight: Flight) -> None:
        """Send a new call, or let it wait for its turn."""
        lane = self._lanes.get(flight.lane)
        if lane is None:
            lane = self._lanes[flight.lane] = _Lane()
        if lane.waiting:
            lane.waiting.append(flight)
            return
        if not lane.flying:
            lane.node = self._choose(flight.lane)
        if lane.node in self._ready:
            self._fly(lane, flight)
        else:
            lane.waiting.append(flight)

    def leave(self, flight: Flight) -> None:
        """A call is over, whether or not it had been sent."""
        lane = self._lanes[flight.lane]
        if flight.node:
            lane.flying -= 1
        else:
            lane.waiting.remove(flight)
        self._settle(flight.lane, lane)

    def come_back(self, flights: Iterable[Flight]) -> None:
        """Calls that were sent have to be sent again; they keep their place in the order."""
        touched = {}
        for flight in flights:
            lane = touched[flight.lane] = self._lanes[flight.lane]
            lane.flying -= 1
            flight.node = ""
            insort(lane.waiting, flight)
        for name, lane in touched.items():
            self._settle(name, lane)

    def _settle(self, name: str, lane: _Lane) -> None:
        if lane.flying:
            return
        if lane.waiting:
            self._go_on(name, lane)
        else:
            self._lanes.pop(name, None)

    def _go_on(self, name: str, lane: _Lane) -> None:
        node = self._choose(name)
        if node:
            lane.node = node
            waiting, lane.waiting = lane.waiting, deque()
            for flight in waiting:
                self._fly(lane, flight)

    def _fly(self, lane: _Lane, flight: Flight) -> None:
        lane.flying += 1
        flight.node = lane.node
        self._send(flight, lane.node)

    def _choose(self, name: str) -> str:
        """Return the backend with the highest weight for this name; all callers find the same."""
        best, most = "", -1
        seed = zlib.crc32(name.encode())
        for node, factor in self._ready.items():
            weight = (seed * factor) & 0xFFFFFFFF
            if weight > most:
                best, most = node, weight
        return best


def lane_of(actor: Actor, command: Command[Any], number: int) -> str:
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
