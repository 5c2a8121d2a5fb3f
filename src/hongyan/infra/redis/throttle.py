"""Failed attempts, counted for all processes together."""

import logging
from collections.abc import Awaitable
from typing import cast

from hongyan.domain.user.throttle import Throttle, ThrottlePolicy, too_early

from .connection import as_os_errors, connect

log = logging.getLogger(__name__)

BEGIN = """
local count = tonumber(redis.call('HGET', KEYS[1], 'n') or '0')
local at = tonumber(redis.call('HGET', KEYS[1], 't') or '0')
local now, free = tonumber(ARGV[1]), tonumber(ARGV[2])
local delay, most, forget = tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5])
if now - at > forget then count = 0 end
local over = count - free
if over >= 0 then
  local wait = at + math.min(delay * 2 ^ math.min(over, 40), most) - now
  if wait > 0 then return math.ceil(wait) end
end
redis.call('HSET', KEYS[1], 'n', count + 1, 't', now)
redis.call('PEXPIRE', KEYS[1], forget + most)
return 0
"""
UNDO = """
local count = tonumber(redis.call('HGET', KEYS[1], 'n') or '0')
if count > 0 then redis.call('HSET', KEYS[1], 'n', count - 1) end
"""


class RedisThrottle:
    """The ``Attempts`` of a cluster. While Redis is away, each process counts for itself.

    Args:
        url: Where Redis is.
        cluster: The cluster's name.
        name: What is attempted.
        policy: How long to wait.
    """

    def __init__(self, url: str, cluster: str, name: str, policy: ThrottlePolicy) -> None:
        self._redis = connect(url, f"{cluster}-throttle")
        self._prefix = f"{{{cluster}}}:throttle:{name}:"
        self._policy = policy
        self._here = Throttle(policy)

    async def begin(self, key: str, now_ms: int) -> None:
        """See ``Attempts.begin``."""
        policy = self._policy
        arguments = (now_ms, policy.free, policy.delay_ms, policy.delay_max_ms, policy.forget_ms)
        try:
            with as_os_errors():
                asked = self._redis.eval(BEGIN, 1, self._prefix + key, *map(str, arguments))
                wait_ms = await cast(Awaitable[int], asked)
        except OSError as error:
            log.warning("attempts are counted in this process alone: %s", error)
            await self._here.begin(key, now_ms)
            return
        if wait_ms:
            raise too_early(wait_ms)

    async def undo(self, key: str) -> None:
        """See ``Attempts.undo``."""
        await self._here.undo(key)
        try:
            with as_os_errors():
                await cast(Awaitable[None], self._redis.eval(UNDO, 1, self._prefix + key))
        except OSError as error:
            log.info("an attempt was not taken back: %s", error)

    async def forget(self, key: str) -> None:
        """See ``Attempts.forget``."""
        await self._here.forget(key)
        try:
            with as_os_errors():
                await self._redis.delete(self._prefix + key)
        except OSError as error:
            log.info("attempts were not forgotten: %s", error)

    async def close(self) -> None:
        """Disconnect."""
        await self._redis.aclose()
