"""The publisher: a bounded queue, and one loop that addresses, batches and sends."""

import asyncio
import logging
from collections import OrderedDict, deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Protocol

from hongyan.delivery.ports import Event
from hongyan.kernel.ids import new_token_id
from hongyan.kernel.tasks import end_tasks

from .batch import EventBatch, Heartbeat, RoutedEvent, encode_message, routed_events_of
from .ports import Transport

log = logging.getLogger(__name__)

HEARTBEATS = "beats"
"""The subject that every subscriber listens to."""
BATCH_MAX = 2_000
"""Events that are addressed together."""
BATCH_ITEMS_MAX = 256
BATCH_BYTES_MAX = 256 * 1024
NUMBERED_MAX = 20_000
"""Subjects whose batches are counted: those used least are forgotten, such as of nodes gone."""
CLOSE_S = 2.0

Addressed = Mapping[str, Sequence[RoutedEvent]]
"""Subject -> what goes there, the events of a log in order."""


class Addressing(Protocol):
    """The publisher's half of a strategy."""

    async def start(self) -> None:
        """Begin; the transport is started."""
        ...

    async def address(self, batch: Sequence[RoutedEvent]) -> Addressed:
        """Return where these events go. Never raises."""
        ...

    async def close(self) -> None:
        """End."""
        ...


class RoutedPublisher:
    """The ``Publisher`` over a transport.

    Args:
        transport: Carries the batches; it is started and closed here.
        addressing: Says what goes where.
        items_max: Events that may wait.
        bytes_max: Bytes that may wait.
        on_message: Takes what arrives here; most strategies expect nothing.
        post: Sends a batch; the transport's ``send`` unless the strategy wants more.
        counted: Whether batches are numbered for each subject, so that a loss is noticed.
        heartbeat_s: Seconds between heartbeats.
        name: The publisher's name, new each time it starts; empty makes one.

    Attributes:
        overflows: How many events did not fit; each becomes a possible loss at all subscribers.
    """

    def __init__(
        self,
        transport: Transport,
        addressing: Addressing,
        items_max: int = 100_000,
        bytes_max: int = 64 * 1024 * 1024,
        *,
        on_message: Callable[[str, bytes], None] = lambda _subject, _payload: None,
        post: Callable[[str, bytes], Awaitable[bool]] | None = None,
        counted: bool = True,
        heartbeat_s: float = 1.0,
        name: str = "",
    ) -> None:
        self.name = name or new_token_id()
        self.overflows = 0
        self._transport = transport
        self._addressing = addressing
        self._on_message = on_message
        self._send = post or transport.send
        self._is_in_order = post is None
        """Whether a heartbeat comes after the batches before it, and so may carry their numbers."""
        self._counted = counted
        self._items_max = items_max
        self._bytes_max = bytes_max
        self._heartbeat_s = heartbeat_s
        self._queue: deque[RoutedEvent] = deque()
        self._queued_bytes = 0
        self._wake = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()
        self._numbers: OrderedDict[str, int] = OrderedDict()
        self._unreported: dict[str, int] = {}
        self._tasks: list[asyncio.Task[None]] = []

    @property
    def waiting(self) -> int:
        """The number of events that wait to be published."""
        return len(self._queue)

    async def start(self) -> None:
        """See ``Publisher.start``."""
        await self._transport.start(self._on_message, self._cut)
        await self._addressing.start()
        await self._heartbeat()
        loop = asyncio.get_running_loop()
        self._tasks = [loop.create_task(self._work()), loop.create_task(self._heartbeat_on())]

    def publish(self, event: Event) -> None:
        """See ``Publisher.publish``."""
        for routed in routed_events_of(event):
            size = routed.size_bytes
            if len(self._queue) >= self._items_max or self._queued_bytes + size > self._bytes_max:
                self.overflows += 1
                continue
            self._queue.append(routed)
            self._queued_bytes += size
        self._idle.clear()
        self._wake.set()

    def request_resync(self) -> None:
        """See ``Publisher.request_resync``."""
        self.overflows += 1

    async def close(self) -> None:
        """See ``Publisher.close``."""
        try:
            async with asyncio.timeout(CLOSE_S):
                await self._idle.wait()
        except TimeoutError:
            log.warning("%d events were not published", len(self._queue))
        await end_tasks(self._tasks)
        await self._addressing.close()
        await self._heartbeat(is_last=not self._queue)
        await self._transport.close()

    async def _work(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self._queue:
                batch = [self._queue.popleft() for _ in range(min(len(self._queue), BATCH_MAX))]
                self._queued_bytes -= sum(routed.size_bytes for routed in batch)
                try:
                    await self._send_batch(batch)
                except Exception:
                    log.exception("%d events could not be published", len(batch))
                    self.overflows += len(batch)
            self._idle.set()

    async def _send_batch(self, batch: list[RoutedEvent]) -> None:
        for subject, items in (await self._addressing.address(batch)).items():
            for some in packed(items):
                if not await self._send(subject, encode_message(self._batch(subject, some))):
                    self.overflows += len(some)

    def _batch(self, subject: str, items: Sequence[RoutedEvent]) -> EventBatch:
        if not self._counted:
            return EventBatch(self.name, 0, items)
        number = self._numbers.pop(subject, 0) + 1
        self._numbers[subject] = number
        if self._is_in_order:
            self._unreported[subject] = number
        if len(self._numbers) > NUMBERED_MAX:
            self._numbers.popitem(last=False)
        return EventBatch(self.name, number, items)

    def _cut(self) -> None:
        """The way from here was cut: what is not counted may be lost without a trace."""
        if not self._counted:
            self.request_resync()

    async def _heartbeat_on(self) -> None:
        while True:
            await asyncio.sleep(self._heartbeat_s)
            await self._heartbeat()

    async def _heartbeat(self, is_last: bool = False) -> None:
        unreported, self._unreported = self._unreported, {}
        heartbeat = Heartbeat(self.name, unreported, self.overflows, is_last)
        await self._transport.send(HEARTBEATS, encode_message(heartbeat))


def packed(items: Sequence[RoutedEvent]) -> Sequence[Sequence[RoutedEvent]]:
    """Cut a list so that each part makes a batch of bearable size."""
    if len(items) <= BATCH_ITEMS_MAX and (
        len(items) == 1 or sum(routed.size_bytes for routed in items) <= BATCH_BYTES_MAX
    ):
        return (items,)
    parts: list[list[RoutedEvent]] = [[]]
    size = 0
    for routed in items:
        if parts[-1] and (
            size + routed.size_bytes > BATCH_BYTES_MAX or len(parts[-1]) >= BATCH_ITEMS_MAX
        ):
            parts.append([])
            size = 0
        parts[-1].append(routed)
        size += routed.size_bytes
    return parts
