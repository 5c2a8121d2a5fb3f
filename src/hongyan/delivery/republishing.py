"""Republish what a process committed and could not publish any more: one of the workers does it.

A process publishes its commits at once, so what may be unpublished when it dies was committed
just before. That worker remembers how far the feed had come some time ago: longer than it takes
to notice a death. When a process is lost, everything from there on is republished; what was
published before is left out by the gateways. The offset is saved, so the next one knows it as well.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Iterable, Sequence

from hongyan.domain.log.model import (
    NOBODY,
    Commit,
    Committed,
    Placed,
    Precondition,
    SaveOffset,
    offset_of,
    position_of,
)
from hongyan.domain.log.ports import ChangeStream, Log
from hongyan.domain.log.readers import Job

from .ports import Publisher

log = logging.getLogger(__name__)

READER = "retold"
SAFE_S = 8.0
"""Seconds after a commit until it was published, or the loss of its publisher was noticed."""
SAVE_EVERY_S = 5.0
PAGE = 500
REPUBLISHED_MAX = 50_000
"""Most entries that are republished; with more, all sessions sync instead."""
PAUSE_S = 0.02


class Republishing:
    """Publishes again; ``job`` is for the runtime.

    Args:
        log: Where the offset is saved.
        stream: All entries.
        publisher: Publishes them.
        now_s: A clock that never goes back.
        safe_s: See ``SAFE_S``.

    Attributes:
        job: What the runtime runs.
        republished: How many entries were published again.
    """

    def __init__(
        self,
        log: Log,
        stream: ChangeStream,
        publisher: Publisher,
        now_s: Callable[[], float],
        safe_s: float = SAFE_S,
    ) -> None:
        self._log = log
        self._stream = stream
        self._publisher = publisher
        self._now_s = now_s
        self._safe_s = safe_s
        self._samples: deque[tuple[float, int]] = deque()
        self._position = self._end = 0
        self._saved = 0
        self._saved_s = 0.0
        self._is_due = False
        self._preconditions: tuple[Precondition, ...] = ()
        self.republished = 0
        self.job = Job(READER, self.run, begin=self.begin)

    async def begin(self, preconditions: tuple[Precondition, ...] = ()) -> None:
        """Begin a term: republish what the worker before may have missed.

        Args:
            preconditions: What holds as long as no other process has begun.
        """
        self._preconditions = preconditions
        self._samples.clear()
        self._position = self._saved = position_of(await self._stream.offset(READER))
        self._end = await self._stream.end()
        self._position = self._position or self._end
        self._is_due = True

    def lost(self) -> None:
        """A process that commits has fallen silent."""
        self._is_due = True

    async def run(self, _now_ms: int) -> int:
        """Go on; call it each second."""
        now_s = self._now_s()
        if self._is_due:
            self._is_due = False
            try:
                await self._republish()
            except BaseException:
                self._is_due = True
                raise
        self._end = await self._stream.end()
        self._samples.append((now_s, self._end))
        while len(self._samples) > 1 and self._samples[1][0] <= now_s - self._safe_s:
            self._samples.popleft()
        if self._is_due:
            return 0  # lost meanwhile: nothing is safe that was not before
        at_s, position = self._samples[0]
        if at_s <= now_s - self._safe_s:
            self._position = max(self._position, position)
        if self._position > self._saved and now_s - self._saved_s >= SAVE_EVERY_S:
            saved = SaveOffset(READER, offset_of(self._position))
            await self._log.commit(Commit(changes=(saved,), preconditions=self._preconditions))
            self._saved, self._saved_s = self._position, now_s
        return 0

    async def _republish(self) -> None:
        position, count = self._position, 0
        last: list[Placed] = []
        while page := await self._stream.follow(position, PAGE):
            position = page[-1][0]
            count += len(page)
            if count > REPUBLISHED_MAX:
                log.warning("too much would have to be published again: all sessions sync")
                self._publisher.request_resync()
                return
            *whole, last = committed_together([*last, *page])
            self._publish_runs(whole)
            await asyncio.sleep(PAUSE_S)
        self._publish_runs([last] if last else [])
        self.republished += count
        if count:
            log.info("%d entries were published again", count)

    def _publish_runs(self, runs: Iterable[Sequence[Placed]]) -> None:
        for run in runs:
            self._publisher.publish(Committed(tuple(entry for _, entry in run), NOBODY, run[0][0]))


def committed_together(entries: Sequence[Placed]) -> list[list[Placed]]:
    """Return these entries in runs whose positions follow one by one, as those of one commit do."""
    runs: list[list[Placed]] = []
    for position, entry in entries:
        if runs and runs[-1][-1][0] == position - 1:
            runs[-1].append((position, entry))
        else:
            runs.append([(position, entry)])
    return runs
