"""Turns: one suite over those inside a process and those among processes."""

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from tools.cluster.engines import RedisProcess

from hongyan.infra.redis.turns import RedisTurns
from hongyan.kernel.errors import Busy, Unavailable
from hongyan.kernel.turns import Turns


@pytest.fixture(params=["local", "redis"])
async def member(
    request: pytest.FixtureRequest, tmp_path: Path
) -> AsyncIterator[Callable[[], Any]]:
    """Makes the turns of one more process; inside one process all share the same."""
    shared, made = Turns(), []

    def make() -> Any:
        if request.param == "local":
            return shared
        url = request.getfixturevalue("redis").url
        made.append(RedisTurns(url, tmp_path.name))
        return made[-1]

    yield make
    for one in made:
        await one.close()


async def test_those_who_name_the_same_go_one_after_the_other(member: Callable[[], Any]) -> None:
    inside: list[int] = []
    most = 0

    async def go(turns: Any, number: int) -> None:
        nonlocal most
        async with turns.of("the key"):
            inside.append(number)
            most = max(most, len(inside))
            await asyncio.sleep(0.02)
            inside.remove(number)

    processes = [member() for _ in range(3)]
    await asyncio.gather(*(go(processes[n % 3], n) for n in range(12)))
    assert most == 1
    assert inside == []


async def test_others_do_not_wait(member: Callable[[], Any]) -> None:
    one, other = member(), member()
    async with one.of("a"), asyncio.timeout(2), other.of("b"):
        pass


async def test_a_turn_ends_also_when_its_holder_fails(member: Callable[[], Any]) -> None:
    one, other = member(), member()
    with pytest.raises(KeyError):
        async with one.of("a"):
            raise KeyError
    async with asyncio.timeout(2), other.of("a"):
        pass


async def test_nobody_waits_for_ever_for_another_process(
    redis: RedisProcess, tmp_path: Path
) -> None:
    one, other = (RedisTurns(redis.url, tmp_path.name, wait_s=0.2) for _ in range(2))
    async with one.of("a"):
        with pytest.raises(Busy):
            async with other.of("a"):
                pass
    await one.close()
    await other.close()


async def test_the_turn_of_a_dead_process_ends_by_itself(
    redis: RedisProcess, tmp_path: Path
) -> None:
    dead = RedisTurns(redis.url, tmp_path.name, held_s=0.3)
    await dead._take(dead._prefix + "a", "the dead one")
    other = RedisTurns(redis.url, tmp_path.name)
    async with asyncio.timeout(5), other.of("a"):
        pass
    await dead.close()
    await other.close()


async def test_without_redis_the_caller_is_told_to_try_again(tmp_path: Path) -> None:
    turns = RedisTurns("redis://127.0.0.1:1/0", tmp_path.name)
    with pytest.raises(Unavailable):
        async with turns.of("a"):
            pass
    await turns.close()
