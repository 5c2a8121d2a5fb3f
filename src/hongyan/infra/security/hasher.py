"""The port Hasher by argon2id, on a few threads."""

import secrets
from functools import partial

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from .threads import HashingThreads


class Argon2Hasher:
    """Hashes with argon2id (RFC 9106); the defaults are OWASP's second choice.

    Args:
        memory_kib: Memory of one hash.
        iterations: Passes over it.
        parallelism: Threads of one hash.
        threads: Hashes made at once; each holds ``memory_kib``.
        queue_limit: Passwords that may wait; one more is refused with ``Busy``.

    Attributes:
        threads: Where it runs; other hashes of passwords may share them.
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
        self.threads = HashingThreads(threads, queue_limit)
        self._nobody = self._argon2.hash(secrets.token_urlsafe(16))

    async def hash(self, password: str) -> str:
        """See ``Hasher.hash``."""
        return await self.threads.run(partial(self._argon2.hash, password))

    async def verify(self, hashed: str | None, password: str) -> bool:
        """See ``Hasher.verify``."""
        fits = await self.threads.run(partial(self._verify, hashed or self._nobody, password))
        return fits and hashed is not None

    def is_outdated(self, hashed: str) -> bool:
        """See ``Hasher.is_outdated``."""
        return self._argon2.check_needs_rehash(hashed)

    def close(self) -> None:
        """Stop the threads; what waits is dropped."""
        self.threads.close()

    @property
    def waiting(self) -> int:
        """The number of passwords that are hashed or wait now."""
        return self.threads.waiting

    def _verify(self, hashed: str, password: str) -> bool:
        try:
            return self._argon2.verify(hashed, password)
        except (VerificationError, InvalidHashError):
            return False
