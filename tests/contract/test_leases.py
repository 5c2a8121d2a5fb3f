"""The Leases: one suite over those inside a process and those in Redis."""

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from hongyan.infra.local.leases import Holders, LocalLeases
from hongyan.infra.redis.leases import RedisLeases

TERM_S = 0.6
WORKS = ("counting", "webhook:1", "webhook:2")


@pytest.fixture(params=["local", "redis"])
async def make(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Callable[..., Any]]:
    """Makes one who takes part."""
    holders = Holders()
    made: list[Any] = []

    def make(me: str) -> Any:
        if request.param == "local":
            now_s = asyncio.get_running_loop().time
            made.append(LocalLeases(holders, me, TERM_S, now_s))
        else:
            url = request.getfixturevalue("redis").url
            made.append(RedisLeases(url, tmp_path.name, me, TERM_S))
        return made[-1]

    yield make
    for one in made:
        await one.resign(WORKS)
        await one.leave()


async def test_each_work_has_one_holder_who_keeps_it(make: Callable[..., Any]) -> None:
    one, other = make("one"), make("other")
    assert await one.claim(["counting", "webhook:1"]) == {"counting", "webhook:1"}
    assert await other.claim(WORKS) == {"webhook:2"}
    assert await one.claim(WORKS) == {"counting", "webhook:1"}


async def test_what_is_given_back_is_free_at_once(make: Callable[..., Any]) -> None:
    one, other = make("one"), make("other")
    await one.claim(WORKS)
    await other.resign(WORKS)
    assert await other.claim(WORKS) == set()
    await one.resign(["counting"])
    await one.resign([])
    assert await other.claim(WORKS) == {"counting"}


async def test_what_nobody_renews_is_another_s_in_the_end(make: Callable[..., Any]) -> None:
    one, other = make("one"), make("other")
    await one.claim(WORKS)

    async def taken() -> bool:
        return await other.claim(WORKS) == set(WORKS)

    async with asyncio.timeout(10):
        while not await taken():  # noqa: ASYNC110
            await asyncio.sleep(0.05)
    assert await one.claim(WORKS) == set()


async def test_who_takes_part_knows_who_else_does(make: Callable[..., Any]) -> None:
    one, other = make("one"), make("other")
    assert await one.meet() == ["one"]
    assert sorted(await other.meet()) == ["one", "other"]
    await other.leave()
    assert await one.meet() == ["one"]
    third = make("third")
    seen: list[str] = []

    async def alone() -> bool:
        seen[:] = await third.meet()
        return seen == ["third"]

    async with asyncio.timeout(10):
        while not await alone():  # noqa: ASYNC110 - the first one has fallen silent
            await asyncio.sleep(0.05)


async def test_who_is_not_told_raises(tmp_path: Path) -> None:
    gone = RedisLeases("redis://127.0.0.1:1/0", tmp_path.name, "one", TERM_S)
    with pytest.raises(OSError, match="Redis"):
        await gone.claim(WORKS)
    with pytest.raises(OSError, match="Redis"):
        await gone.meet()
    await gone.resign(WORKS)
    await gone.leave()
