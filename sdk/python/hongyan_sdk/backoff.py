"""Back-off between tries."""

import random
from collections.abc import Callable


class Backoff:
    """Exponential back-off with full jitter: from 0 to a bound that doubles with each failure.

    Args:
        first_s: The bound on the first wait.
        limit_s: The bound that later waits do not pass.
        chance: Returns a number from 0 to 1; for tests.
    """

    def __init__(
        self,
        first_s: float = 1.0,
        limit_s: float = 60.0,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._first_s = first_s
        self._limit_s = limit_s
        self._chance = chance
        self._failures = 0

    def reset(self) -> None:
        """Forget the failures: something worked."""
        self._failures = 0

    def next_s(self) -> float:
        """Return the seconds to wait now, and count a failure."""
        bound = min(self._limit_s, self._first_s * 2.0 ** min(self._failures, 32))
        self._failures += 1
        return bound * self._chance()
