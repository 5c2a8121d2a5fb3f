"""Attempts: one suite over those counted in a process and those counted in Redis."""

from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from tools.cluster.engines import RedisProcess

from hongyan.domain.user.throttle import Throttle, ThrottlePolicy
from hongyan.infra.redis.throttle import RedisThrottle
from hongyan.kernel.errors import RateLimited

Make = Callable[[ThrottlePolicy], Any]


@pytest.fixture(params=["local", "redis"])
async def make(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Make]:
    """Makes what counts in one process; in Redis all of them count together."""
    made: list[RedisThrottle] = []

    def of(policy: ThrottlePolicy) -> Any:
        if request.param == "local":
            return Throttle(policy)
        url = request.getfixturevalue("redis").url
        made.append(RedisThrottle(url, tmp_path.name, "test", policy))
        return made[-1]

    yield of
    for one in made:
        await one.close()


async def wait_of(throttle: Any, key: str, now_ms: int) -> int:
    try:
        await throttle.begin(key, now_ms)
    except RateLimited as refused:
        return int(refused.details["retry_after_ms"])
    return 0


async def test_delays_double_up_to_a_limit(make: Make) -> None:
    throttle = make(ThrottlePolicy(free=2, delay_ms=100, delay_max_ms=500))
    now, waits = 1_000_000, []
    for _ in range(7):
        wait = await wait_of(throttle, "a", now)
        waits.append(wait)
        now += wait
        if wait:
            assert await wait_of(throttle, "a", now) == 0
    assert waits == [0, 0, 100, 200, 400, 500, 500]


async def test_what_comes_too_early_does_not_count(make: Make) -> None:
    throttle = make(ThrottlePolicy(free=1, delay_ms=100))
    await throttle.begin("a", 1_000_000)
    waits = [await wait_of(throttle, "a", 1_000_000 + at) for at in (10, 20, 30)]
    assert waits == [90, 80, 70]


async def test_silence_is_forgotten_and_success_forgives(make: Make) -> None:
    throttle = make(ThrottlePolicy(free=1, delay_ms=100, forget_ms=60_000))
    await throttle.begin("a", 1_000_000)
    assert await wait_of(throttle, "a", 1_000_000)
    assert not await wait_of(throttle, "a", 1_060_001)
    await throttle.forget("a")
    assert not await wait_of(throttle, "a", 1_060_001)
    await throttle.undo("a")
    assert not await wait_of(throttle, "a", 1_060_001)


async def test_keys_do_not_wait_for_each_other(make: Make) -> None:
    throttle = make(ThrottlePolicy(free=1, delay_ms=100))
    await throttle.begin("a", 1_000_000)
    assert await wait_of(throttle, "b", 1_000_000) == 0


async def test_memory_is_bounded() -> None:
    throttle = Throttle(ThrottlePolicy(free=1), limit=3)
    for key in "abcd":
        await throttle.begin(key, 1_000_000)
    assert not await wait_of(throttle, "a", 1_000_000)
    assert await wait_of(throttle, "d", 1_000_000)


async def test_processes_count_together(redis: RedisProcess, tmp_path: Path) -> None:
    policy = ThrottlePolicy(free=1, delay_ms=100)
    one, other = (RedisThrottle(redis.url, tmp_path.name, "x", policy) for _ in range(2))
    await one.begin("a", 1_000_000)
    assert await wait_of(other, "a", 1_000_010) == 90
    await one.close()
    await other.close()


async def test_without_redis_each_process_counts_for_itself(tmp_path: Path) -> None:
    policy = ThrottlePolicy(free=1, delay_ms=100)
    throttle = RedisThrottle("redis://127.0.0.1:1/0", tmp_path.name, "x", policy)
    await throttle.begin("a", 1_000_000)
    assert await wait_of(throttle, "a", 1_000_010) == 90
    await throttle.forget("a")
    assert await wait_of(throttle, "a", 1_000_010) == 0
    await throttle.close()
