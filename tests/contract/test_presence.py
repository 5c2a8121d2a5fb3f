"""Connection registry and Watches: one suite over those inside a process and those in Redis."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from tools.cluster.engines import RedisProcess

from hongyan.delivery.ports import UserConnections
from hongyan.infra.local.presence import LocalConnectionRegistry, LocalPresenceSubscriptions
from hongyan.infra.redis.presence import RedisConnectionRegistry, RedisPresenceSubscriptions
from hongyan.kernel.errors import Unavailable

ANN, BOB, CAROL = "ann", "bob", "carol"


@pytest.fixture(params=["local", "redis"])
async def where(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Any]:
    if request.param == "local":
        yield LocalConnectionRegistry()
        return
    url = request.getfixturevalue("redis").url
    made = RedisConnectionRegistry(url, tmp_path.name, lambda _: True)
    yield made
    await made.close()


@pytest.fixture(params=["local", "redis"])
async def subscriptions(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Any]:
    if request.param == "local":
        yield LocalPresenceSubscriptions()
        return
    made = RedisPresenceSubscriptions(request.getfixturevalue("redis").url, tmp_path.name)
    yield made
    await made.close()


async def test_a_user_is_online_while_any_node_has_a_device(where: Any) -> None:
    assert await where.note(ANN, "n1", ("a1",), 10) == (False, True)
    assert await where.note(ANN, "n2", ("a2", "a3"), 20) == (True, True)
    found = (await where.of((ANN,)))[ANN]
    assert sorted(found.devices) == ["a1", "a2", "a3"]
    assert await where.note(ANN, "n2", ("a3",), 30) == (True, True)
    assert await where.note(ANN, "n1", (), 40) == (True, True)
    assert (await where.of((ANN,)))[ANN] == UserConnections(("a3",), 0)
    assert await where.note(ANN, "n2", (), 50) == (True, False)
    assert (await where.of((ANN,)))[ANN] == UserConnections((), 50)


async def test_a_repeated_note_changes_nothing(where: Any) -> None:
    await where.note(ANN, "n1", ("a1",), 10)
    assert await where.note(ANN, "n1", ("a1",), 20) == (True, True)
    await where.note(ANN, "n1", (), 30)
    assert await where.note(ANN, "n1", (), 40) == (False, False)
    assert (await where.of((ANN,)))[ANN] == UserConnections((), 30)


async def test_those_who_never_came_are_nowhere(where: Any) -> None:
    assert (await where.of((ANN, BOB))).get(ANN, UserConnections()) == UserConnections()
    assert await where.of(()) == {}


async def test_each_device_watches_for_itself(subscriptions: Any) -> None:
    assert await subscriptions.add(ANN, "a1", (BOB,), 10)
    assert await subscriptions.add(ANN, "a2", (BOB, CAROL), 10)
    assert list(await subscriptions.watchers(BOB)) == [ANN]
    await subscriptions.remove(ANN, "a1", (BOB, CAROL))
    assert list(await subscriptions.watchers(BOB)) == [ANN]
    await subscriptions.remove(ANN, "a2", (BOB,))
    assert not await subscriptions.watchers(BOB)
    assert list(await subscriptions.watchers(CAROL)) == [ANN]


async def test_watches_of_all_devices_together_are_bounded(subscriptions: Any) -> None:
    assert await subscriptions.add(ANN, "a1", ("x", "y"), 3)
    assert await subscriptions.add(ANN, "a2", ("y", "z"), 3)
    assert not await subscriptions.add(ANN, "a1", ("w",), 3)
    assert not await subscriptions.watchers("w")
    assert await subscriptions.add(ANN, "a1", ("x", "z"), 3)


async def test_all_watches_of_one_end_together(subscriptions: Any) -> None:
    await subscriptions.add(ANN, "a1", (BOB, CAROL), 10)
    await subscriptions.add(BOB, "b1", (CAROL,), 10)
    await subscriptions.end(ANN)
    assert not await subscriptions.watchers(BOB)
    assert list(await subscriptions.watchers(CAROL)) == [BOB]
    await subscriptions.end(ANN)


async def test_who_was_on_a_lost_node_goes_with_it(redis: RedisProcess, tmp_path: Path) -> None:
    there = {"n1", "n2"}
    where = RedisConnectionRegistry(redis.url, tmp_path.name, there.__contains__)
    await where.note(ANN, "n1", ("a1",), 10)
    await where.note(BOB, "n1", ("b1",), 10)
    await where.note(BOB, "n2", ("b2",), 10)
    assert not await where.forget_lost(20)
    there.remove("n1")
    assert (await where.of((ANN, BOB)))[BOB].devices == ("b2",)
    assert (await where.of((ANN,)))[ANN].devices == ()
    assert list(await where.forget_lost(30)) == [ANN]
    assert not await where.forget_lost(40)
    assert (await where.of((ANN,)))[ANN] == UserConnections((), 30)
    await where.close()


async def test_without_redis_the_caller_is_told_to_try_again(tmp_path: Path) -> None:
    where = RedisConnectionRegistry("redis://127.0.0.1:1/0", tmp_path.name, lambda _: True)
    with pytest.raises(Unavailable):
        await where.of((ANN,))
    await where.close()
