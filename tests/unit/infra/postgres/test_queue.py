"""Which waiting commits a writer may take, beside others."""

import asyncio
from typing import Any

import pytest

from hongyan.domain.log.model import Append, Commit, Precondition, Put, SaveOffset
from hongyan.domain.user.model import User
from hongyan.infra.postgres.queue import CommitJob, CommitQueue
from hongyan.kernel.errors import Busy, Unavailable


def job(*log_ids: str, number: int = 0, deadline: float = 1.0, **more: Any) -> CommitJob:
    appends = tuple(Append(i, "k", "anna", str(number).encode(), 1) for i in log_ids)  # type: ignore[arg-type]
    future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
    return CommitJob(Commit(appends, **more), future, deadline)


def queue_of(*jobs: CommitJob) -> CommitQueue:
    queue = CommitQueue(99)
    for one in jobs:
        queue.put(one)
    return queue


async def test_all_that_waits_is_one_batch() -> None:
    jobs = [job("a"), job("b"), job("a"), job()]
    assert await queue_of(*jobs).take() == jobs


async def test_what_another_writer_has_waits_with_all_that_came_behind_it() -> None:
    first, same, both, other, behind = job("a"), job("a"), job("a", "b"), job("c"), job("b")
    queue = queue_of(first)
    assert await queue.take() == [first]
    for one in (same, both, other, behind):
        queue.put(one)
    assert await queue.take() == [other]
    taking = asyncio.create_task(queue.take())
    await asyncio.sleep(0)
    assert not taking.done()
    queue.release([first])
    assert await taking == [same, both, behind]


async def test_rows_places_and_expectations_count_as_well() -> None:
    user = User(user_id="u", handle="h", name="n", created_at_ms=1)  # type: ignore[arg-type]
    held = job(changes=(SaveOffset("r", b"1"),), preconditions=(Precondition("a", 0),))  # type: ignore[arg-type]
    queue = queue_of(held)
    await queue.take()
    free = job("b")
    for one in (job("a"), job(changes=(SaveOffset("r", b"2"),)), free):
        queue.put(one)
    assert await queue.take() == [free]
    guarded = job("c", changes=(Put(user),))
    for one in (guarded, job("d")):
        queue.put(one)
    assert await queue.take() == [guarded], "a commit that may be refused is alone"


async def test_a_guarded_commit_does_not_join_others() -> None:
    user = User(user_id="u", handle="h", name="n", created_at_ms=1)  # type: ignore[arg-type]
    first, guarded, last = job("a"), job("b", changes=(Put(user),)), job("c")
    queue = queue_of(first, guarded, last)
    assert await queue.take() == [first, last]
    assert await queue.take() == [guarded]


async def test_it_is_bounded_and_counts_what_is_on_its_way() -> None:
    queue = CommitQueue(2)
    jobs = [job("a"), job("b")]
    for one in jobs:
        queue.put(one)
    with pytest.raises(Busy):
        queue.put(job("c"))
    await queue.take()
    with pytest.raises(Busy):
        queue.put(job("c"))
    queue.release(jobs)
    queue.put(job("c"))


async def test_who_waited_too_long_is_refused() -> None:
    early, late = job("a", deadline=1.0), job("b", deadline=2.0)
    queue = queue_of(early, late)
    queue.expire(1.5)
    assert isinstance(early.future.exception(), Unavailable)
    assert await queue.take() == [late]


async def test_after_the_end_there_is_nothing() -> None:
    waiting = job("a")
    queue = queue_of(waiting)
    idle = queue_of()
    taking = asyncio.create_task(idle.take())
    await asyncio.sleep(0)
    idle.close()
    assert await taking == []
    queue.close()
    with pytest.raises(Unavailable):
        queue.put(job("b"))
    assert await queue.take() == [waiting]
    queue.release([waiting])
    assert await queue.take() == []
