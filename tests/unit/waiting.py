"""Waiting for what is to become true, without sleep: others have their turn, and that is all."""

import asyncio
import inspect
from collections.abc import Callable


async def until(is_so: Callable[[], object], timeout_s: float = 20.0) -> None:
    """Give others their turn until the condition holds; it may be a coroutine's answer.

    Raises:
        TimeoutError: it does not, in this time.
    """
    async with asyncio.timeout(timeout_s):
        while True:
            found = is_so()
            if await found if inspect.isawaitable(found) else found:
                return
            await asyncio.sleep(0)


async def turns(count: int = 20) -> None:
    """Give others so many turns: enough for what waits for nothing else."""
    for _ in range(count):
        await asyncio.sleep(0)
