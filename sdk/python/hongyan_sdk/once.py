"""Work that is done once at a time for each key."""

import asyncio
from collections.abc import Awaitable, Callable


def once(
    tasks: dict[str, "asyncio.Task[None]"], key: str, work: Callable[[str], Awaitable[None]]
) -> "asyncio.Task[None]":
    """Return the task that does this work for the key, started where there is none."""
    task = tasks.get(key)
    if task is None or task.done():
        task = asyncio.ensure_future(work(key))
        tasks[key] = task
        task.add_done_callback(lambda done: tasks.pop(key) if tasks.get(key) is done else None)
    return task
