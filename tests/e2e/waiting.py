"""Waiting for what is to become true."""

import asyncio
from collections.abc import Callable


async def until(is_so: Callable[[], object], timeout_s: float = 40.0) -> None:
    """Wait until the condition holds.

    Raises:
        TimeoutError: it does not, in this time.
    """
    async with asyncio.timeout(timeout_s):
        while not is_so():  # noqa: ASYNC110
            await asyncio.sleep(0.005)
