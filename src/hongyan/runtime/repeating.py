"""One job, while this process has the lease."""

import asyncio
import logging
from collections.abc import Awaitable, Callable

from hongyan.domain.log.model import VersionConflict
from hongyan.domain.log.ports import Log
from hongyan.domain.log.readers import Job
from hongyan.kernel.clock import Clock

from .fencing import new_term

log = logging.getLogger(__name__)


class Repeating:
    """Runs a job again and again.

    Args:
        store: Where terms are begun.
        job: What is to be done.
        clock: The time of day.
        is_ours: Asks whether this process still has the lease.
    """

    def __init__(
        self, store: Log, job: Job, clock: Clock, is_ours: Callable[[], Awaitable[bool]]
    ) -> None:
        self._store = store
        self._job = job
        self._clock = clock
        self._is_ours = is_ours
        self.work = job.name

    async def run(self) -> None:
        """Work until the lease is another's."""
        has_begun = False
        while True:
            done = 0
            try:
                if self._job.begin is not None and not has_begun:
                    await self._job.begin((await new_term(self._store, "job:" + self.work),))
                has_begun = True
                done = await self._job.run(self._clock.now_ms())
            except VersionConflict:
                has_begun = False
                if not await self._is_ours():
                    return
            except Exception:
                log.exception("the job %s failed", self.work)
            if not done:
                await asyncio.sleep(self._job.every_s)
