"""Limits of rates, told in the headers RateLimit and RateLimit-Policy."""

import math

from starlette.datastructures import MutableHeaders

from hongyan.access.rates import Bucket, Buckets
from hongyan.kernel.errors import RateLimited


class Taken:
    """A request that was counted.

    Args:
        limit: By which limit.
        bucket: In which bucket.
        wait_s: How long to wait where it is one too many; else 0.
    """

    __slots__ = ("_bucket", "_limit", "_wait_s")

    def __init__(self, limit: "Limit", bucket: Bucket, wait_s: float) -> None:
        self._limit = limit
        self._bucket = bucket
        self._wait_s = wait_s

    def check(self) -> None:
        """Refuse the request that is one too many.

        Raises:
            RateLimited: it is.
        """
        if self._wait_s:
            raise RateLimited(retry_after_ms=math.ceil(self._wait_s * 1_000))

    def tell(self, headers: MutableHeaders) -> None:
        """Say in the answer's headers how much is left."""
        limit, tokens = self._limit, self._bucket.tokens
        full_s = math.ceil((limit.burst - tokens) / limit.per_s)
        headers["ratelimit-policy"] = limit.policy
        headers["ratelimit"] = f'"{limit.name}";r={math.floor(tokens)};t={full_s}'


class Limit:
    """So many requests a second, for each key.

    Args:
        name: What the headers call it.
        per_s: Requests a second; 0 means no limit.
        burst: How many a key may save up.
        buckets: Where they are counted, if other doors count there too.
    """

    def __init__(
        self, name: str, per_s: float, burst: float, buckets: Buckets | None = None
    ) -> None:
        self.name = name
        self.per_s = per_s
        self.burst = burst
        self._buckets = buckets if buckets is not None else Buckets(per_s, burst)
        quota = math.floor(burst)
        self.policy = f'"{name}";q={quota};w={math.ceil(quota / per_s) if per_s > 0 else 0}'

    def take(self, key: str) -> Taken | None:
        """Count a request of this key; None where there is no limit."""
        if self.per_s <= 0:
            return None
        bucket = self._buckets.of(key)
        return Taken(self, bucket, bucket.take())
