"""The Leadership: one suite over the one inside a process and the one in Redis."""

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from tools.cluster.engines import RedisProcess

from hongyan.app.leader import Leader
from hongyan.infra.local.leadership import Holders, LocalLeadership
from hongyan.infra.redis.leadership import RedisLeadership
from tests.e2e.waiting import until

TERM_S = 0.6


@pytest.fixture(params=["local", "redis"])
async def claimant(
    request: pytest.FixtureRequest, tmp_path: Path
) -> AsyncIterator[Callable[..., Any]]:
    """Makes one who may lead."""
    holders: Holders = {}
    made: list[Any] = []

    def make(me: str, work: str = "worker") -> Any:
        if request.param == "local":
            now_s = asyncio.get_running_loop().time
            made.append(LocalLeadership(holders, work, me, TERM_S, now_s))
        else:
            url = request.getfixturevalue("redis").url
            made.append(RedisLeadership(url, tmp_path.name, work, me, TERM_S))
        return made[-1]

    yield make
    for one in made:
        await one.resign()


async def test_one_leads_and_keeps_leading(claimant: Callable[..., Any]) -> None:
    one, other = claimant("one"), claimant("other")
    assert await one.claim()
    assert not await other.claim()
    assert await one.claim()


async def test_another_leads_when_the_first_resigns(claimant: Callable[..., Any]) -> None:
    one, other = claimant("one"), claimant("other")
    assert await one.claim()
    await other.resign()
    assert not await other.claim()
    await one.resign()
    assert await other.claim()


async def test_another_leads_when_the_first_falls_silent(claimant: Callable[..., Any]) -> None:
    one, other = claimant("one"), claimant("other")
    assert await one.claim()
    await asyncio.sleep(TERM_S + 0.3)
    assert await other.claim()
    assert not await one.claim()


async def test_each_work_has_its_own_leader(claimant: Callable[..., Any]) -> None:
    one, other = claimant("one", "chores"), claimant("other", "mail")
    assert await one.claim()
    assert await other.claim()


# --- the one who works while it leads ---


class Work:
    """Notes who works."""

    def __init__(self) -> None:
        self.now: set[str] = set()
        self.most = 0

    def of(self, name: str, leadership: Any) -> Leader:
        async def begin() -> None:
            self.now.add(name)
            self.most = max(self.most, len(self.now))

        async def end() -> None:
            self.now.discard(name)

        return Leader(leadership, begin, end, TERM_S, 0.1)


async def test_one_works_at_a_time_and_the_next_takes_over(claimant: Callable[..., Any]) -> None:
    work = Work()
    leaders = [work.of(name, claimant(name)) for name in ("one", "two", "three")]
    for leader in leaders:
        leader.start()
    try:
        await until(lambda: work.now)
        first = next(leader for leader in leaders if leader.leads)
        await first.stop()
        await until(lambda: work.now)
        assert sum(leader.leads for leader in leaders) == 1
        second = next(leader for leader in leaders if leader.leads)
        assert second is not first
        assert second._task is not None
        second._task.cancel()  # it falls silent, and believes that it leads
        work.now.clear()
        await until(lambda: work.now)
        assert work.most == 1
    finally:
        for leader in leaders:
            await leader.stop()


async def test_who_cannot_renew_stops_before_another_may_begin(tmp_path: Path) -> None:
    process = RedisProcess(tmp_path)
    process.start()
    work = Work()
    leader = work.of("one", RedisLeadership(process.url, "c", "worker", "one", TERM_S))
    leader.start()
    try:
        await until(lambda: work.now)
        process.stop(kill=True)
        began = asyncio.get_running_loop().time()
        await until(lambda: not work.now)
        assert asyncio.get_running_loop().time() - began < TERM_S + 5
        process.start()
        await until(lambda: work.now)
    finally:
        await leader.stop()
        process.stop()
