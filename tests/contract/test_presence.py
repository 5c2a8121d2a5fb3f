"""Whereabouts and Watches: one suite over those inside a process and those in Redis."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from tools.cluster.engines import RedisProcess

from hongyan.delivery.ports import Where
from hongyan.infra.local.presence import LocalWatches, LocalWhereabouts
from hongyan.infra.redis.presence import RedisWatches, RedisWhereabouts
from hongyan.kernel.errors import Unavailable

ANN, BOB, CAROL = "ann", "bob", "carol"


@pytest.fixture(params=["local", "redis"])
async def where(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Any]:
    if request.param == "local":
        yield LocalWhereabouts()
        return
    url = request.getfixturevalue("redis").url
    made = RedisWhereabouts(url, tmp_path.name, lambda _: True)
    yield made
    await made.close()


@pytest.fixture(params=["local", "redis"])
async def watches(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Any]:
    if request.param == "local":
        yield LocalWatches()
        return
    made = RedisWatches(request.getfixturevalue("redis").url, tmp_path.name)
    yield made
    await made.close()


async def test_a_user_is_online_while_any_node_has_a_device(where: Any) -> None:
    assert await where.note(ANN, "n1", ("a1",), 10) == (False, True)
    assert await where.note(ANN, "n2", ("a2", "a3"), 20) == (True, True)
    found = (await where.of((ANN,)))[ANN]
    assert sorted(found.devices) == ["a1", "a2", "a3"]
    assert await where.note(ANN, "n2", ("a3",), 30) == (True, True)
    assert await where.note(ANN, "n1", (), 40) == (True, True)
    assert (await where.of((ANN,)))[ANN] == Where(("a3",), 0)
    assert await where.note(ANN, "n2", (), 50) == (True, False)
    assert (await where.of((ANN,)))[ANN] == Where((), 50)


async def test_a_repeated_note_changes_nothing(where: Any) -> None:
    await where.note(ANN, "n1", ("a1",), 10)
    assert await where.note(ANN, "n1", ("a1",), 20) == (True, True)
    await where.note(ANN, "n1", (), 30)
    assert await where.note(ANN, "n1", (), 40) == (False, False)
    assert (await where.of((ANN,)))[ANN] == Where((), 30)


async def test_those_who_never_came_are_nowhere(where: Any) -> None:
    assert (await where.of((ANN, BOB))).get(ANN, Where()) == Where()
    assert await where.of(()) == {}


async def test_each_device_watches_for_itself(watches: Any) -> None:
    assert await watches.add(ANN, "a1", (BOB,), 10)
    assert await watches.add(ANN, "a2", (BOB, CAROL), 10)
    assert list(await watches.watchers(BOB)) == [ANN]
    await watches.remove(ANN, "a1", (BOB, CAROL))
    assert list(await watches.watchers(BOB)) == [ANN]
    await watches.remove(ANN, "a2", (BOB,))
    assert not await watches.watchers(BOB)
    assert list(await watches.watchers(CAROL)) == [ANN]


async def test_watches_of_all_devices_together_are_bounded(watches: Any) -> None:
    assert await watches.add(ANN, "a1", ("x", "y"), 3)
    assert await watches.add(ANN, "a2", ("y", "z"), 3)
    assert not await watches.add(ANN, "a1", ("w",), 3)
    assert not await watches.watchers("w")
    assert await watches.add(ANN, "a1", ("x", "z"), 3)


async def test_all_watches_of_one_end_together(watches: Any) -> None:
    await watches.add(ANN, "a1", (BOB, CAROL), 10)
    await watches.add(BOB, "b1", (CAROL,), 10)
    await watches.end(ANN)
    assert not await watches.watchers(BOB)
    assert list(await watches.watchers(CAROL)) == [BOB]
    await watches.end(ANN)


async def test_who_was_on_a_lost_node_goes_with_it(redis: RedisProcess, tmp_path: Path) -> None:
    there = {"n1", "n2"}
    where = RedisWhereabouts(redis.url, tmp_path.name, there.__contains__)
    await where.note(ANN, "n1", ("a1",), 10)
    await where.note(BOB, "n1", ("b1",), 10)
    await where.note(BOB, "n2", ("b2",), 10)
    assert not await where.forget_lost(20)
    there.remove("n1")
    assert (await where.of((ANN, BOB)))[BOB].devices == ("b2",)
    assert (await where.of((ANN,)))[ANN].devices == ()
    assert list(await where.forget_lost(30)) == [ANN]
    assert not await where.forget_lost(40)
    assert (await where.of((ANN,)))[ANN] == Where((), 30)
    await where.close()


async def test_without_redis_the_caller_is_told_to_try_again(tmp_path: Path) -> None:
    where = RedisWhereabouts("redis://127.0.0.1:1/0", tmp_path.name, lambda _: True)
    with pytest.raises(Unavailable):
        await where.of((ANN,))
    await where.close()
