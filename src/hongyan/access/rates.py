"""Token buckets: how often somebody may ask."""

import time
from collections import OrderedDict


class Bucket:
    """Fills with ``per_s`` tokens a second up to ``burst``; a request takes one."""

    __slots__ = ("_at", "_burst", "_per_s", "_tokens")

    def __init__(self, per_s: float, burst: float) -> None:
        self._per_s = per_s
        self._burst = burst
        self._tokens = burst
        self._at = time.monotonic()

    @property
    def tokens(self) -> float:
        """How many tokens were left after the last ``take``."""
        return self._tokens

    def take(self, tokens: float = 1.0) -> float:
        """Take tokens and return 0, or take none and return the seconds until there are."""
        if self._per_s <= 0:
            return 0.0
        now = time.monotonic()
        self._tokens = min(self._burst, self._tokens + (now - self._at) * self._per_s)
        self._at = now
        if self._tokens >= tokens:
            self._tokens -= tokens
            return 0.0
        return (tokens - self._tokens) / self._per_s


class Buckets:
    """A bucket for each key (a user, an address); the least used are forgotten.

    Args:
        per_s: Tokens a second for each key; 0 means no limit.
        burst: Tokens that a key may save up.
        limit: How many keys are remembered.
    """

    def __init__(self, per_s: float, burst: float, limit: int = 100_000) -> None:
        self._per_s = per_s
        self._burst = burst
        self._limit = limit
        self._buckets: OrderedDict[str, Bucket] = OrderedDict()

    def of(self, key: str) -> Bucket:
        """Return the key's bucket."""
        bucket = self._buckets.get(key)
        if bucket is None:
            bucket = self._buckets[key] = Bucket(self._per_s, self._burst)
            if len(self._buckets) > self._limit:
                self._buckets.popitem(last=False)
        else:
            self._buckets.move_to_end(key)
        return bucket
