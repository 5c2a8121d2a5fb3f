"""The port Hasher by argon2id, on a few threads."""

import asyncio
import secrets
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from hongyan.kernel.errors import Busy

T = TypeVar("T")


class Argon2Hasher:
    """Hashes with argon2id (RFC 9106); the defaults are OWASP's second choice.

    Args:
        memory_kib: Memory of one hash.
        iterations: Passes over it.
        parallelism: Lanes of one hash.
        threads: Hashes made at once; each holds ``memory_kib``.
        queue_limit: Passwords that may wait; one more is refused with ``Busy``.
    """

    def __init__(
        self,
        memory_kib: int = 19_456,
        iterations: int = 2,
        parallelism: int = 1,
        threads: int = 2,
        queue_limit: int = 64,
    ) -> None:
        self._argon2 = PasswordHasher(
            time_cost=iterations, memory_cost=memory_kib, parallelism=parallelism
        )
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="argon2")
        self._waiting_max = threads + queue_limit
        self.waiting = 0
        self._nobody = self._argon2.hash(secrets.token_urlsafe(16))

    async def hash(self, password: str) -> str:
        """See ``Hasher.hash``."""
        return await self._run(partial(self._argon2.hash, password))

    async def verify(self, hashed: str | None, password: str) -> bool:
        """See ``Hasher.verify``."""
        fits = await self._run(partial(self._verify, hashed or self._nobody, password))
        return fits and hashed is not None

    def is_outdated(self, hashed: str) -> bool:
        """See ``Hasher.is_outdated``."""
        return self._argon2.check_needs_rehash(hashed)

    def close(self) -> None:
        """Stop the threads; what waits is dropped."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _verify(self, hashed: str, password: str) -> bool:
        try:
            return self._argon2.verify(hashed, password)
        except (VerificationError, InvalidHashError):
            return False

    async def _run(self, work: Callable[[], T]) -> T:
        if self.waiting >= self._waiting_max:
            raise Busy("Too many people log in at this moment; try again.")
        self.waiting += 1
        job = self._pool.submit(work)
        job.add_done_callback(self._done_soon(asyncio.get_running_loop()))
        return await asyncio.wrap_future(job)

    def _done_soon(self, loop: asyncio.AbstractEventLoop) -> Callable[[object], None]:
        """Count down on the loop when the thread is through, though nobody awaits it now."""

        def done(_job: object) -> None:
            if not loop.is_closed():
                loop.call_soon_threadsafe(self._count_down)

        return done

    def _count_down(self) -> None:
        self.waiting -= 1
