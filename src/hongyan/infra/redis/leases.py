"""Leases kept in Redis: one key for each work, with its holder's name, that ends by itself."""

import logging
from collections.abc import Collection
from typing import Any, cast

from .connection import as_os_errors, connect

log = logging.getLogger(__name__)

CLAIM = """
local granted = {}
for place, key in ipairs(KEYS) do
  local holder = redis.call('GET', key)
  if holder == ARGV[1] or not holder then
    redis.call('SET', key, ARGV[1], 'PX', ARGV[2])
    granted[#granted + 1] = place
  end
end
return granted
"""
RESIGN = """
for _, key in ipairs(KEYS) do
  if redis.call('GET', key) == ARGV[1] then redis.call('DEL', key) end
end
"""
MEET = """
local time = redis.call('TIME')
local now_ms = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now_ms)
redis.call('ZADD', KEYS[1], now_ms + ARGV[2], ARGV[1])
redis.call('PEXPIRE', KEYS[1], ARGV[2])
return redis.call('ZRANGE', KEYS[1], 0, -1)
"""


class RedisLeases:
    """The ``Leases`` of one process.

    Args:
        url: Where Redis is.
        cluster: The cluster's name.
        me: This process.
        term_s: How long a lease lasts without being renewed.
    """

    def __init__(self, url: str, cluster: str, me: str, term_s: float) -> None:
        self._redis = connect(url, f"{cluster}-leases")
        self._prefix = f"{{{cluster}}}:lease:"
        self._members = f"{{{cluster}}}:workers"
        self._me = me
        self._term_ms = str(int(term_s * 1000))

    async def meet(self) -> list[str]:
        """See ``Leases.meet``."""
        found = await self._eval(MEET, [self._members], self._me, self._term_ms)
        return [name.decode() if isinstance(name, bytes) else str(name) for name in found]

    async def claim(self, works: Collection[str]) -> set[str]:
        """See ``Leases.claim``."""
        named = list(works)
        keys = [self._prefix + work for work in named]
        granted = await self._eval(CLAIM, keys, self._me, self._term_ms)
        return {named[index - 1] for index in granted}

    async def resign(self, works: Collection[str]) -> None:
        """See ``Leases.resign``."""
        try:
            if works:
                await self._eval(RESIGN, [self._prefix + work for work in works], self._me)
        except OSError as error:
            log.info("leases were not given back: %s", error)

    async def leave(self) -> None:
        """See ``Leases.leave``."""
        try:
            with as_os_errors():
                await self._redis.zrem(self._members, self._me)
                await self._redis.aclose()
        except OSError as error:
            log.info("the others do not know that this process leaves: %s", error)

    async def _eval(self, script: str, keys: list[str], *arguments: str) -> list[Any]:
        with as_os_errors():
            return cast(
                list[Any], await cast(Any, self._redis.eval(script, len(keys), *keys, *arguments))
            )
