"""The registry: leases that end, and what becomes of it when Redis loses everything."""

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest

from .world import LEASE_S, LocalWorld, RealWorld, World, until

Users = Any


@pytest.fixture(params=["local", "real"])
async def world(request: pytest.FixtureRequest, tmp_path: Path) -> Any:
    async with AsyncExitStack() as stack:
        if request.param == "local":
            yield LocalWorld(stack, "registry")
            return
        from tools.cluster.engines import NatsProcess, RedisProcess

        engines = NatsProcess(tmp_path), RedisProcess(tmp_path)
        for engine in engines:
            engine.start()
            stack.callback(engine.stop)
        yield RealWorld(stack, "registry", *engines)


def lose(world: World) -> tuple[Any, Any]:
    """Return what takes the registry away, and what brings it back, empty."""
    if isinstance(world, LocalWorld):

        def stop() -> None:
            world.registry.is_away = True

        def start() -> None:
            world.registry.lose()
            world.registry.is_away = False

        return stop, start
    assert isinstance(world, RealWorld)
    return world.redis.stop, world.redis.start


async def sees(teller: Any, users: Users) -> set[str]:
    (nodes,) = await teller._addressing._registry.nodes([users])
    return set(nodes)


async def test_a_node_whose_lease_ended_is_not_told(world: World) -> None:
    teller = await world.teller()
    one, two = await world.node(), await world.node()
    await world.settle()
    group = world.people.group("ann", "bob")
    await one.station.came("ann")
    await two.station.came("bob")
    teller.tell(world.people.commit(group))
    await until(lambda: one.heard(group) == two.heard(group) == [2])
    assert len(await sees(teller, ("ann", "bob"))) == 2
    await two.kill()
    await asyncio.sleep(LEASE_S)
    assert len(await sees(teller, ("ann", "bob"))) == 1
    addressing = teller._addressing
    while True:  # until a station has swept the lease away, and the teller has read so
        teller.tell(world.people.commit(group))
        await until(lambda: one.heard(group)[-1:] == [world.people.seqs[group]])
        if len(addressing._kept.get(group)) == 1:
            break
        await asyncio.sleep(LEASE_S / 10)


async def test_a_node_that_overslept_its_lease_doubts_and_is_told_again(world: World) -> None:
    teller = await world.teller()
    one, two = await world.node(), await world.node()
    await world.settle()
    group = world.people.group("ann", "bob")
    await one.station.came("ann")
    await two.station.came("bob")
    teller.tell(world.people.commit(group))
    await until(lambda: two.heard(group) == [2])
    follower = two.station._follower
    keeping = follower._tasks.pop()
    keeping.cancel()
    await asyncio.sleep(LEASE_S * 1.5)
    assert len(await sees(teller, ("ann", "bob"))) == 1
    follower._tasks.append(asyncio.create_task(follower._keep()))
    await until(lambda: two.doubts == 1, "doubted")
    assert len(await sees(teller, ("ann", "bob"))) == 2
    teller.tell(world.people.commit(group))
    await until(lambda: two.heard(group)[-1] == world.people.seqs[group])


async def test_the_registry_is_lost_and_filled_again(world: World) -> None:
    teller = await world.teller()
    one, two = await world.node(), await world.node()
    await world.settle()
    group, alone = world.people.group("ann", "bob"), world.people.group("ann")
    await one.station.came("ann")
    await two.station.came("bob")
    teller.tell(world.people.commit(group))
    await until(lambda: one.heard(group) == two.heard(group) == [2])
    stop, start = lose(world)
    stop()
    for _ in range(20):  # nobody can be looked up: everybody is told
        teller.tell(world.people.commit(group))
        teller.tell(world.people.commit(alone))
    await until(lambda: len(one.heard(group)) == len(two.heard(group)) == 21)
    assert two.station.stray > 0
    assert teller._addressing.blind > 0
    start()
    await until(lambda: one.doubts and two.doubts, "doubted")
    assert len(await sees(teller, ("ann", "bob"))) == 2
    await asyncio.sleep(LEASE_S + 1.1)
    stray = two.station.stray
    for _ in range(20):
        teller.tell(world.people.commit(alone))
        teller.tell(world.people.commit(group))
    await until(lambda: len(one.heard(group)) == len(two.heard(group)) == 41)
    assert one.heard(group) == list(range(2, 43))
    assert two.station.stray == stray
