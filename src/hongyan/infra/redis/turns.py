"""Mutual exclusion over all processes: a key in Redis for each turn that is held."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from hongyan.kernel.errors import Busy
from hongyan.kernel.ids import new_token_id
from hongyan.kernel.turns import Turns

from .connection import as_os_errors, as_refusals, connect

log = logging.getLogger(__name__)

HELD_S = 60.0
WAIT_S = 10.0
STEP_S = 0.05
RELEASE = """
if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) end
"""


class RedisTurns:
    """As ``Turns``, among the processes of a cluster.

    A turn ends after a minute, whatever its holder does: it is for what takes less.

    Args:
        url: Where Redis is.
        cluster: The cluster's name.
        wait_s: How long one waits for a turn.
        held_s: After how long a turn ends by itself.
    """

    def __init__(
        self, url: str, cluster: str, wait_s: float = WAIT_S, held_s: float = HELD_S
    ) -> None:
        self._redis = connect(url, f"{cluster}-turns")
        self._prefix = f"{{{cluster}}}:turn:"
        self._wait_s = wait_s
        self._held_ms = int(held_s * 1000)
        self._here = Turns()

    @asynccontextmanager
    async def of(self, name: str) -> AsyncIterator[None]:
        """See ``Turns.of``.

        Raises:
            Busy: others held it all the time.
            Unavailable: Redis cannot be reached.
        """
        key, mine = self._prefix + name, new_token_id()
        async with self._here.of(name):  # one of this process asks Redis
            await self._take(key, mine)
            try:
                yield
            finally:
                await self._give_back(key, mine)

    async def _take(self, key: str, mine: str) -> None:
        loop = asyncio.get_running_loop()
        until_s = loop.time() + self._wait_s
        while True:
            with as_refusals():
                if await self._redis.set(key, mine, px=self._held_ms, nx=True):
                    return
            if loop.time() >= until_s:
                raise Busy
            await asyncio.sleep(STEP_S)

    async def _give_back(self, key: str, mine: str) -> None:
        try:
            with as_os_errors():
                await self._redis.eval(RELEASE, 1, key, mine)
        except OSError as error:
            log.warning("a turn ends late: %s", error)

    async def close(self) -> None:
        """Disconnect."""
        await self._redis.aclose()
