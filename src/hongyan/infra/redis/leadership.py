"""Who leads, kept in Redis: one key that holds the leader's name and ends by itself."""

import logging
from collections.abc import Awaitable
from typing import cast

from .connection import as_os_errors, connect

log = logging.getLogger(__name__)

CLAIM = """
local holder = redis.call('GET', KEYS[1])
if holder == ARGV[1] or not holder then
  redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
  return 1
end
return 0
"""
RESIGN = """
if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) end
"""


class RedisLeadership:
    """The ``Leadership`` of one kind of work.

    Args:
        url: Where Redis is.
        cluster: The cluster's name.
        work: What is led.
        me: This process.
        term_s: How long it lasts without being renewed.
    """

    def __init__(self, url: str, cluster: str, work: str, me: str, term_s: float) -> None:
        self._redis = connect(url, f"{cluster}-{work}")
        self._key = f"{{{cluster}}}:leader:{work}"
        self._me = me
        self._term_ms = str(int(term_s * 1000))

    async def claim(self) -> bool:
        """See ``Leadership.claim``."""
        with as_os_errors():
            asked = self._redis.eval(CLAIM, 1, self._key, self._me, self._term_ms)
            return bool(await cast(Awaitable[int], asked))

    async def resign(self) -> None:
        """See ``Leadership.resign``."""
        try:
            with as_os_errors():
                asked = self._redis.eval(RESIGN, 1, self._key, self._me)
                await cast(Awaitable[None], asked)
                await self._redis.aclose()
        except OSError as error:
            log.info("the leadership was not given back: %s", error)
