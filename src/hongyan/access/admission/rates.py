"""Rate limits: token buckets of connections, addresses, users and API keys."""

import math
import time
from collections import OrderedDict

from msgspec import Struct

from hongyan.access.rate_options import RateOptions
from hongyan.kernel.addresses import network_of
from hongyan.kernel.bus import Actor
from hongyan.kernel.errors import RateLimited


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
        """The tokens that were left after the last ``take``."""
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


class Limit:
    """A limit of requests a second for each key; the least used keys are forgotten.

    Args:
        name: What answers call it.
        per_s: Requests a second; 0 means no limit.
        burst: How many a key may save up.
        kept: How many keys are remembered.
    """

    def __init__(self, name: str, per_s: float, burst: float, kept: int = 100_000) -> None:
        self.name = name
        self.per_s = per_s
        self.burst = burst
        self._kept = kept
        self._buckets: OrderedDict[str, Bucket] = OrderedDict()

    def of(self, key: str) -> Bucket:
        """Return the key's bucket."""
        bucket = self._buckets.get(key)
        if bucket is None:
            bucket = self._buckets[key] = Bucket(self.per_s, self.burst)
            if len(self._buckets) > self._kept:
                self._buckets.popitem(last=False)
        else:
            self._buckets.move_to_end(key)
        return bucket

    def take(self, key: str) -> "Taken | None":
        """Count a request of this key; None where there is no limit."""
        if self.per_s <= 0:
            return None
        bucket = self.of(key)
        return Taken(self, bucket.take(), bucket.tokens)


class Taken(Struct, frozen=True):
    """A request that was counted."""

    limit: Limit
    wait_s: float
    """Seconds to wait where it is one too many; else 0."""
    tokens: float
    """Tokens that are left."""

    def check(self) -> None:
        """Refuse the request that is one too many.

        Raises:
            RateLimited: it is.
        """
        if self.wait_s:
            raise too_many(self.wait_s)


class Rates:
    """By what requests are counted; one for all protocols of a process.

    Args:
        options: The settings.
    """

    def __init__(self, options: RateOptions) -> None:
        self._options = options
        self.address = Limit("auth", options.address_per_s, options.address_burst)
        self.user = Limit("user", options.user_per_s, options.user_burst)
        self.key = Limit("key", options.key_per_s, options.key_burst)

    def connection(self) -> Bucket:
        """Return the bucket of a new connection."""
        return Bucket(self._options.connection_per_s, self._options.connection_burst)

    def bucket_of(self, actor: Actor) -> Bucket:
        """Return the bucket of somebody who is known."""
        return self.key.of(actor.key_id) if actor.key_id else self.user.of(actor.user_id)

    def take(self, actor: Actor) -> Taken | None:
        """Count a request of somebody who is known."""
        return self.key.take(actor.key_id) if actor.key_id else self.user.take(actor.user_id)

    def take_of_stranger(self, address: str) -> Taken | None:
        """Count a request of which only the address is known."""
        return self.address.take(network_of(address))


def too_many(wait_s: float) -> RateLimited:
    """Return the refusal of a request that is one too many."""
    return RateLimited(retry_after_ms=math.ceil(wait_s * 1_000))
