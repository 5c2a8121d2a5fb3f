"""Slowing down who guesses: a delay that grows with every failure, and forgets with time."""

from collections import OrderedDict

from hongyan.kernel.addresses import network_of
from hongyan.kernel.errors import RateLimited


class _Failures:
    __slots__ = ("at_ms", "count")

    def __init__(self) -> None:
        self.count = 0
        self.at_ms = 0


class Throttle:
    """Counts attempts by key; the least recently used keys are forgotten.

    An attempt counts as failed when it begins, so that many at once gain nothing; it is
    taken back when it succeeds.

    Args:
        free: Failures that cost nothing.
        delay_ms: The delay after the first failure that is not free; each further one
            doubles it.
        delay_max_ms: The longest delay.
        forget_ms: A key without attempts for so long starts anew.
        limit: How many keys are remembered.
    """

    def __init__(
        self,
        free: int = 5,
        delay_ms: int = 1_000,
        delay_max_ms: int = 300_000,
        forget_ms: int = 900_000,
        limit: int = 100_000,
    ) -> None:
        self._free = free
        self._delay_ms = delay_ms
        self._delay_max_ms = delay_max_ms
        self._forget_ms = forget_ms
        self._limit = limit
        self._failures: OrderedDict[str, _Failures] = OrderedDict()

    def begin(self, key: str, now_ms: int) -> None:
        """Count an attempt.

        Raises:
            RateLimited: it comes too early; it is then not counted.
        """
        failures = self._failures.get(key)
        if failures is None:
            failures = self._failures[key] = _Failures()
            if len(self._failures) > self._limit:
                self._failures.popitem(last=False)
        self._failures.move_to_end(key)
        if now_ms - failures.at_ms > self._forget_ms:
            failures.count = 0
        over = failures.count - self._free
        if over >= 0:
            delay_ms = min(self._delay_ms << min(over, 40), self._delay_max_ms)
            wait_ms = failures.at_ms + delay_ms - now_ms
            if wait_ms > 0:
                raise RateLimited("Too many failed attempts; wait.", retry_after_ms=wait_ms)
        failures.count += 1
        failures.at_ms = now_ms

    def undo(self, key: str) -> None:
        """Take one attempt back."""
        failures = self._failures.get(key)
        if failures is not None and failures.count:
            failures.count -= 1

    def forget(self, key: str) -> None:
        """Start the key anew."""
        self._failures.pop(key, None)


class Guard:
    """The throttles of one kind of attempt: by account, and more generously by address."""

    def __init__(self, account: Throttle, address: Throttle) -> None:
        self._account = account
        self._address = address

    def begin(self, account: str, address: str, now_ms: int) -> None:
        """Count an attempt at this account from this address (empty: not known).

        Raises:
            RateLimited: one of them has to wait.
        """
        if address:
            self._address.begin(network_of(address), now_ms)
        try:
            self._account.begin(account, now_ms)
        except RateLimited:
            self._address.undo(network_of(address))
            raise

    def undo(self, account: str, address: str) -> None:
        """The attempt could not be judged; it does not count."""
        self._account.undo(account)
        self._address.undo(network_of(address))

    def succeeded(self, account: str, address: str) -> None:
        """The attempt was right: forgive the account; the address gets this one back."""
        self._account.forget(account)
        self._address.undo(network_of(address))
