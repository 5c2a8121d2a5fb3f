"""Slowing down who guesses: a delay that grows with every failure, and forgets with time."""

from collections import OrderedDict

from msgspec import Struct

from hongyan.kernel.addresses import network_of
from hongyan.kernel.errors import RateLimited

from .ports import Attempts


class ThrottlePolicy(Struct, frozen=True):
    """The policy of delays after failures."""

    free: int = 5
    """Failures that cost nothing."""
    delay_ms: int = 1_000
    """The delay after the first failure that is not free; each further one doubles it."""
    delay_max_ms: int = 300_000
    """The longest delay."""
    forget_ms: int = 900_000
    """A key without attempts for so long starts anew."""


class _Failures:
    __slots__ = ("at_ms", "count")

    def __init__(self) -> None:
        self.count = 0
        self.at_ms = 0


class Throttle:
    """The ``Attempts`` of one process; the least recently used keys are forgotten.

    Args:
        policy: How long to wait.
        limit: How many keys are remembered.
    """

    def __init__(
        self,
        policy: ThrottlePolicy = ThrottlePolicy(),  # noqa: B008
        limit: int = 100_000,
    ) -> None:
        self._policy = policy
        self._limit = limit
        self._failures: OrderedDict[str, _Failures] = OrderedDict()

    async def begin(self, key: str, now_ms: int) -> None:
        """See ``Attempts.begin``."""
        failures = self._failures.get(key)
        if failures is None:
            failures = self._failures[key] = _Failures()
            if len(self._failures) > self._limit:
                self._failures.popitem(last=False)
        self._failures.move_to_end(key)
        policy = self._policy
        if now_ms - failures.at_ms > policy.forget_ms:
            failures.count = 0
        over = failures.count - policy.free
        if over >= 0:
            delay_ms = min(policy.delay_ms << min(over, 40), policy.delay_max_ms)
            wait_ms = failures.at_ms + delay_ms - now_ms
            if wait_ms > 0:
                raise too_early(wait_ms)
        failures.count += 1
        failures.at_ms = now_ms

    async def undo(self, key: str) -> None:
        """See ``Attempts.undo``."""
        failures = self._failures.get(key)
        if failures is not None and failures.count:
            failures.count -= 1

    async def forget(self, key: str) -> None:
        """See ``Attempts.forget``."""
        self._failures.pop(key, None)


def too_early(wait_ms: int) -> RateLimited:
    """Return the refusal of an attempt that comes too early."""
    return RateLimited("Too many failed attempts; wait.", retry_after_ms=wait_ms)


class LoginGuard:
    """The throttles of one kind of attempt: by account, and more generously by address."""

    def __init__(self, account: Attempts, address: Attempts) -> None:
        self._account = account
        self._address = address

    async def begin(self, account: str, address: str, now_ms: int) -> None:
        """Count an attempt at this account from this address (empty: not known).

        Raises:
            RateLimited: one of them has to wait.
        """
        if address:
            await self._address.begin(network_of(address), now_ms)
        try:
            await self._account.begin(account, now_ms)
        except RateLimited:
            await self._address.undo(network_of(address))
            raise

    async def undo(self, account: str, address: str) -> None:
        """The attempt could not be judged; it does not count."""
        await self._account.undo(account)
        await self._address.undo(network_of(address))

    async def succeeded(self, account: str, address: str) -> None:
        """The attempt was right: forgive the account; the address gets this one back."""
        await self._account.forget(account)
        await self._address.undo(network_of(address))
