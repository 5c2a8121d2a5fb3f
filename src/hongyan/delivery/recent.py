"""What a node told a moment ago and to whom, for who asks where a message is.

A fact costs one small tuple. To whom it went is not noted for each: whoever was connected at
that moment and belonged to the audience was handed it, so it is enough to know who was connected
when. Bounded: the newest facts, and the newest connections that have closed.
"""

import time
from collections import deque
from collections.abc import Collection, Iterator

from msgspec import Struct

from hongyan.kernel.ids import DeviceId, LogId, UserId

from .ports import Peer

FACTS_KEPT = 20_000
CLOSED_KEPT = 20_000


class Connected(Struct, frozen=True):
    """A connection that was open at the moment that was asked for."""

    user_id: UserId
    device_id: DeviceId
    is_open: bool
    """Whether it still is."""


class _Stay(Struct):
    user_id: UserId
    device_id: DeviceId
    since_s: float
    until_s: float = 0.0


class Recent:
    """Remembers facts and connections; times are seconds since 1970."""

    def __init__(self) -> None:
        self._facts: deque[tuple[LogId, int, float]] = deque(maxlen=FACTS_KEPT)
        self._open: dict[Peer, _Stay] = {}
        self._closed: deque[_Stay] = deque(maxlen=CLOSED_KEPT)

    def note(self, log_id: LogId, seq: int) -> None:
        """An entry is handed out now."""
        self._facts.append((log_id, seq, time.time()))

    def came(self, peer: Peer) -> None:
        """A peer is attached."""
        self._open[peer] = _Stay(peer.user_id, peer.device_id, time.time())

    def went(self, peer: Peer) -> None:
        """A peer is detached."""
        stay = self._open.pop(peer, None)
        if stay is not None:
            stay.until_s = time.time()
            self._closed.append(stay)

    def told_at(self, log_id: LogId, seq: int) -> float:
        """Return when an entry was handed out; 0.0 when it was not, or that is forgotten."""
        for told_log, told_seq, at_s in reversed(self._facts):
            if told_seq == seq and told_log == log_id:
                return at_s
        return 0.0

    def connected_at(self, at_s: float, users: Collection[UserId]) -> Iterator[Connected]:
        """Yield who of these users was connected at that time."""
        for stay in self._open.values():
            if stay.since_s <= at_s and stay.user_id in users:
                yield Connected(stay.user_id, stay.device_id, True)
        for stay in self._closed:
            if stay.since_s <= at_s <= stay.until_s and stay.user_id in users:
                yield Connected(stay.user_id, stay.device_id, False)
