"""Tasks that are ended: also when one cancellation is lost."""

import asyncio

import pytest

from hongyan.kernel import tasks as ending


async def forever() -> None:
    await asyncio.Event().wait()


async def loses_a_cancellation() -> None:
    """As a library does that waits with a timeout, when the answer comes in the same turn."""
    try:
        await asyncio.Event().wait()
    except asyncio.CancelledError:
        await asyncio.Event().wait()


async def fails() -> None:
    raise ValueError("a defect")


async def test_tasks_end_also_when_a_cancellation_is_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ending, "CANCEL_AGAIN_S", 0.001)
    loop = asyncio.get_running_loop()
    tasks = [loop.create_task(one()) for one in (forever, loses_a_cancellation, fails)]
    await asyncio.sleep(0)
    async with asyncio.timeout(10):
        await ending.end_tasks(tasks)
    assert [task.done() for task in tasks] == [True] * 3
    assert [task.cancelled() for task in tasks] == [True, True, False]


async def test_without_tasks_there_is_nothing_to_wait_for() -> None:
    await ending.end_tasks([])
