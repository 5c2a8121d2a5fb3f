"""Background work as tasks of the event loop."""

import asyncio
import logging
from collections.abc import Coroutine, Iterable
from typing import Any

log = logging.getLogger(__name__)

CANCEL_AGAIN_S = 1.0
"""A task that has not ended so long after it was cancelled is cancelled again."""


async def end_tasks(tasks: Iterable[asyncio.Task[Any]]) -> None:
    """Cancel tasks until each has ended.

    One cancellation may be lost: a library that waits with a timeout can swallow it when the
    answer comes in the same turn, and the task would go on for ever.
    """
    pending = set(tasks)
    while pending:
        for task in pending:
            task.cancel()
        done, pending = await asyncio.wait(pending, timeout=CANCEL_AGAIN_S)
        for task in done:
            if not task.cancelled():
                task.exception()  # looked at here, so that asyncio does not complain


class Tasks:
    """The ``Background`` of this process."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def pending(self) -> int:
        """See ``Background.pending``."""
        return len(self._tasks)

    def begin(self, work: Coroutine[Any, Any, None]) -> None:
        """See ``Background.begin``."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    async def give_way(self) -> None:
        """See ``Background.give_way``."""
        await asyncio.sleep(0)

    async def close(self) -> None:
        """Wait for all that was begun."""
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and task.exception() is not None:
            log.error("work in the background failed", exc_info=task.exception())
