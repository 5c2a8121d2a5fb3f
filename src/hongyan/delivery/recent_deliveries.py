"""Recent deliveries of a node, for message tracing.

An event costs one small tuple. To whom it went is not noted for each: whoever was connected at
that moment and belonged to the audience was handed it, so it is enough to know who was connected
when. Bounded: the newest events, and the newest connections that have closed.
"""

import time
from collections import deque
from collections.abc import Collection, Iterator

from msgspec import Struct

from hongyan.kernel.ids import DeviceId, LogId, UserId

from .ports import Peer

EVENTS_KEPT = 20_000
CLOSED_KEPT = 20_000


class ConnectedDevice(Struct, frozen=True):
    """A connection that was open at the moment that was asked for."""

    user_id: UserId
    device_id: DeviceId
    is_open: bool
    """Whether it still is."""


class _ConnectionInterval(Struct):
    user_id: UserId
    device_id: DeviceId
    since_s: float
    until_s: float = 0.0


class RecentDeliveries:
    """Remembers events and connections; times are seconds since 1970."""

    def __init__(self) -> None:
        self._events: deque[tuple[LogId, int, float]] = deque(maxlen=EVENTS_KEPT)
        self._open: dict[Peer, _ConnectionInterval] = {}
        self._closed: deque[_ConnectionInterval] = deque(maxlen=CLOSED_KEPT)

    def note(self, log_id: LogId, seq: int) -> None:
        """An entry is handed out now."""
        self._events.append((log_id, seq, time.time()))

    def connected(self, peer: Peer) -> None:
        """A peer is attached."""
        self._open[peer] = _ConnectionInterval(peer.user_id, peer.device_id, time.time())

    def disconnected(self, peer: Peer) -> None:
        """A peer is detached."""
        interval = self._open.pop(peer, None)
        if interval is not None:
            interval.until_s = time.time()
            self._closed.append(interval)

    def pushed_at(self, log_id: LogId, seq: int) -> float:
        """Return when an entry was handed out; 0.0 when it was not, or that is forgotten."""
        for of_log, of_seq, at_s in reversed(self._events):
            if of_seq == seq and of_log == log_id:
                return at_s
        return 0.0

    def connected_at(self, at_s: float, users: Collection[UserId]) -> Iterator[ConnectedDevice]:
        """Yield who of these users was connected at that time."""
        for interval in self._open.values():
            if interval.since_s <= at_s and interval.user_id in users:
                yield ConnectedDevice(interval.user_id, interval.device_id, True)
        for interval in self._closed:
            if interval.since_s <= at_s <= interval.until_s and interval.user_id in users:
                yield ConnectedDevice(interval.user_id, interval.device_id, False)
