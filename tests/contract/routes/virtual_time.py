"""Time that passes at once: where nobody has anything to do, it is the next timer's time."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def virtual_time() -> Iterator[None]:
    """Let the running loop wait for nothing but its timers, and not for those either.

    What was to take seconds takes none, and a machine that is busy makes nothing late: while
    there is work, no time passes that the loop's clock would tell of. It is for what happens in
    one loop: answers of threads and of other processes would come too late.
    """
    loop: Any = asyncio.get_running_loop()
    selector, now_s = loop._selector, loop.time()
    select = selector.select

    def skip(timeout_s: float | None = None) -> Any:
        nonlocal now_s
        if timeout_s is None:
            return select(None)
        now_s += timeout_s
        return select(0)

    loop.time = lambda: now_s
    selector.select = skip
    try:
        yield
    finally:
        del loop.time, selector.select
