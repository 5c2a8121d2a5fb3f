"""The threads on which passwords are hashed: few, and with a bounded queue."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from hongyan.kernel.errors import Busy

T = TypeVar("T")


class HashingThreads:
    """Runs what is slow on purpose, away from the event loop.

    Args:
        threads: How much runs at once.
        queue_limit: How much may wait; one more is refused with ``Busy``.

    Attributes:
        waiting: How much runs or waits now.
    """

    def __init__(self, threads: int = 2, queue_limit: int = 64) -> None:
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="hashing")
        self._waiting_max = threads + queue_limit
        self.waiting = 0

    async def run(self, work: Callable[[], T]) -> T:
        """Return what the work returns.

        Raises:
            Busy: too much waits already.
        """
        if self.waiting >= self._waiting_max:
            raise Busy("Too many people log in at this moment; try again.")
        self.waiting += 1
        job = self._pool.submit(work)
        job.add_done_callback(self._done_soon(asyncio.get_running_loop()))
        return await asyncio.wrap_future(job)

    def close(self) -> None:
        """Stop the threads; what waits is dropped."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _done_soon(self, loop: asyncio.AbstractEventLoop) -> Callable[[object], None]:
        """Count down on the loop when the thread is through, though nobody awaits it now."""

        def done(_job: object) -> None:
            if not loop.is_closed():
                loop.call_soon_threadsafe(self._count_down)

        return done

    def _count_down(self) -> None:
        self.waiting -= 1
