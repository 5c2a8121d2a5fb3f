"""The broadcast of commits among processes, for their caches and readers.

Only entries that somebody listens for are sent whole; that something was committed at all is
sent too, many times a second at most. It may be lost: then ``Missed`` is published here.
"""

import asyncio
from collections.abc import Callable

import msgspec
from msgspec import Struct

from hongyan.domain.log.model import NOBODY, Committed, Entry, Missed
from hongyan.kernel.bus import EventPublisher

from .connection import NatsConnection
from .subjects import Subjects

EVERY_S = 0.02
WAITING_MAX = 10_000


class BroadcastCommits(Struct, frozen=True, array_like=True):
    """A broadcast of one process's commits."""

    sender: str
    entries: list[Entry]
    is_partial: bool = False
    """Whether some were left out because too many waited."""


_encode = msgspec.json.Encoder().encode  # the bodies of entries are JSON
_decode = msgspec.json.Decoder(BroadcastCommits).decode


class CommitBroadcast:
    """Sends commits to the other processes, and publishes what they send.

    Args:
        connection: The broker.
        subjects: Names subjects.
        publisher: Gets ``Committed``, also an empty one as something was committed, and ``Missed``.
        matters: Whether an entry is to be sent.
    """

    def __init__(
        self,
        connection: NatsConnection,
        subjects: Subjects,
        publisher: EventPublisher,
        matters: Callable[[Entry], bool],
    ) -> None:
        self._connection = connection
        self._subject = subjects.committed
        self._publisher = publisher
        self._matters = matters
        self._waiting: list[Entry] = []
        self._is_partial = False
        self._timer: asyncio.TimerHandle | None = None

    async def start(self) -> None:
        """Listen."""
        await self._connection.subscribe(self._subject, self._received)
        self._connection.on_back(lambda: self._publisher.publish(Missed()))

    def publish(self, committed: Committed) -> None:
        """Send what this process committed, a moment later."""
        for entry in committed.entries:
            if self._matters(entry):
                if len(self._waiting) < WAITING_MAX:
                    self._waiting.append(entry)
                else:
                    self._is_partial = True
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(EVERY_S, self._send)

    def _send(self) -> None:
        self._timer = None
        entries, self._waiting = self._waiting, []
        received = BroadcastCommits(self._connection.me, entries, self._is_partial)
        self._is_partial = not self._connection.publish(self._subject, _encode(received))

    def _received(self, _subject: str, data: bytes) -> None:
        received = _decode(data)
        if received.sender == self._connection.me:
            return
        if received.is_partial:
            self._publisher.publish(Missed())
        if received.entries:
            self._publisher.publish(Committed(tuple(received.entries), NOBODY))
        self._publisher.publish(Committed((), NOBODY))  # there was more than these
