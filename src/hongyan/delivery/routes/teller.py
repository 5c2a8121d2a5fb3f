"""The committing side: a bounded queue, and one loop that addresses, packs and posts."""

import asyncio
import logging
from collections import OrderedDict, deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Protocol

from hongyan.delivery.ports import Fact
from hongyan.kernel.ids import new_token_id

from .parcel import Beat, Parcel, Told, encode_letter, told_of
from .ports import Carrier

log = logging.getLogger(__name__)

BEATS = "beats"
"""The subject that every station listens to."""
BATCH_MAX = 2_000
"""Facts that are addressed together."""
PARCEL_ITEMS_MAX = 256
PARCEL_BYTES_MAX = 256 * 1024
NUMBERED_MAX = 20_000
"""Subjects whose parcels are counted: those used least are forgotten, such as of nodes gone."""
CLOSE_S = 2.0

Addressed = Mapping[str, Sequence[Told]]
"""Subject -> what goes there, the facts of a log in order."""


class Addressing(Protocol):
    """The teller's half of a strategy."""

    async def start(self) -> None:
        """Begin; the carrier is started."""
        ...

    async def address(self, batch: Sequence[Told]) -> Addressed:
        """Return where these facts go. Never raises."""
        ...

    async def close(self) -> None:
        """End."""
        ...


class RoutedTeller:
    """The ``Teller`` over a carrier.

    Args:
        carrier: Carries the parcels; it is started and closed here.
        addressing: Tells what goes where.
        items_max: Facts that may wait.
        bytes_max: Bytes that may wait.
        on_letter: Takes what arrives here; most strategies expect nothing.
        post: Sends a parcel; the carrier's ``send`` unless the strategy wants more.
        counted: Whether parcels are numbered for each subject, so that a loss is noticed.
        beat_s: Seconds between beats.

    Attributes:
        overflows: How many facts did not fit; each becomes doubt at all stations.
    """

    def __init__(
        self,
        carrier: Carrier,
        addressing: Addressing,
        items_max: int = 100_000,
        bytes_max: int = 64 * 1024 * 1024,
        *,
        on_letter: Callable[[str, bytes], None] = lambda _subject, _payload: None,
        post: Callable[[str, bytes], Awaitable[bool]] | None = None,
        counted: bool = True,
        beat_s: float = 1.0,
    ) -> None:
        self.name = new_token_id()
        self.overflows = 0
        self._carrier = carrier
        self._addressing = addressing
        self._on_letter = on_letter
        self._post = post or carrier.send
        self._is_in_order = post is None
        """Whether a beat comes after the parcels before it, and so may tell their numbers."""
        self._counted = counted
        self._items_max = items_max
        self._bytes_max = bytes_max
        self._beat_s = beat_s
        self._queue: deque[Told] = deque()
        self._queued_bytes = 0
        self._wake = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()
        self._numbers: OrderedDict[str, int] = OrderedDict()
        self._news: dict[str, int] = {}
        self._tasks: list[asyncio.Task[None]] = []

    @property
    def waiting(self) -> int:
        """How many facts wait to be told."""
        return len(self._queue)

    async def start(self) -> None:
        """See ``Teller.start``."""
        await self._carrier.start(self._on_letter, self._cut)
        await self._addressing.start()
        await self._beat()
        loop = asyncio.get_running_loop()
        self._tasks = [loop.create_task(self._work()), loop.create_task(self._beat_on())]

    def tell(self, fact: Fact) -> None:
        """See ``Teller.tell``."""
        for told in told_of(fact):
            size = told.size_bytes
            if len(self._queue) >= self._items_max or self._queued_bytes + size > self._bytes_max:
                self.overflows += 1
                continue
            self._queue.append(told)
            self._queued_bytes += size
        self._idle.clear()
        self._wake.set()

    def doubt(self) -> None:
        """See ``Teller.doubt``."""
        self.overflows += 1

    async def close(self) -> None:
        """See ``Teller.close``."""
        try:
            async with asyncio.timeout(CLOSE_S):
                await self._idle.wait()
        except TimeoutError:
            log.warning("%d facts were not told", len(self._queue))
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._addressing.close()
        await self._beat(is_last=not self._queue)
        await self._carrier.close()

    async def _work(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self._queue:
                batch = [self._queue.popleft() for _ in range(min(len(self._queue), BATCH_MAX))]
                self._queued_bytes -= sum(told.size_bytes for told in batch)
                try:
                    await self._tell_batch(batch)
                except Exception:
                    log.exception("%d facts could not be told", len(batch))
                    self.overflows += len(batch)
            self._idle.set()

    async def _tell_batch(self, batch: list[Told]) -> None:
        for subject, items in (await self._addressing.address(batch)).items():
            for some in packed(items):
                if not await self._post(subject, encode_letter(self._parcel(subject, some))):
                    self.overflows += len(some)

    def _parcel(self, subject: str, items: Sequence[Told]) -> Parcel:
        if not self._counted:
            return Parcel(self.name, 0, items)
        number = self._numbers.pop(subject, 0) + 1
        self._numbers[subject] = number
        if self._is_in_order:
            self._news[subject] = number
        if len(self._numbers) > NUMBERED_MAX:
            self._numbers.popitem(last=False)
        return Parcel(self.name, number, items)

    def _cut(self) -> None:
        """The way from here was cut: what is not counted may be lost without a trace."""
        if not self._counted:
            self.doubt()

    async def _beat_on(self) -> None:
        while True:
            await asyncio.sleep(self._beat_s)
            await self._beat()

    async def _beat(self, is_last: bool = False) -> None:
        news, self._news = self._news, {}
        beat = Beat(self.name, news, self.overflows, is_last)
        await self._carrier.send(BEATS, encode_letter(beat))


def packed(items: Sequence[Told]) -> Sequence[Sequence[Told]]:
    """Cut a list so that each part makes a parcel of bearable size."""
    if len(items) <= PARCEL_ITEMS_MAX and (
        len(items) == 1 or sum(told.size_bytes for told in items) <= PARCEL_BYTES_MAX
    ):
        return (items,)
    parts: list[list[Told]] = [[]]
    size = 0
    for told in items:
        if parts[-1] and (
            size + told.size_bytes > PARCEL_BYTES_MAX or len(parts[-1]) >= PARCEL_ITEMS_MAX
        ):
            parts.append([])
            size = 0
        parts[-1].append(told)
        size += told.size_bytes
    return parts
