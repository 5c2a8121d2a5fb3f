"""The registry: leases that end, and what becomes of it when Redis loses everything."""

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest

from .harness import LEASE_S, Harness, LocalHarness, RealHarness, until

Users = Any


@pytest.fixture(params=["local", "real"])
async def harness(request: pytest.FixtureRequest, tmp_path: Path) -> Any:
    async with AsyncExitStack() as stack:
        if request.param == "local":
            yield LocalHarness(stack, "registry")
            return
        from tools.cluster.engines import NatsProcess, RedisProcess

        engines = NatsProcess(tmp_path), RedisProcess(tmp_path)
        for engine in engines:
            engine.start()
            stack.callback(engine.stop)
        yield RealHarness(stack, "registry", *engines)


def lose(harness: Harness) -> tuple[Any, Any]:
    """Return what takes the registry away, and what brings it back, empty."""
    if isinstance(harness, LocalHarness):

        def stop() -> None:
            harness.registry.is_away = True

        def start() -> None:
            harness.registry.lose()
            harness.registry.is_away = False

        return stop, start
    assert isinstance(harness, RealHarness)
    return harness.redis.stop, harness.redis.start


async def sees(publisher: Any, users: Users) -> set[str]:
    (nodes,) = await publisher._addressing._registry.nodes([users])
    return set(nodes)


async def test_a_node_whose_lease_ended_is_not_told(harness: Harness) -> None:
    publisher = await harness.publisher()
    one, two = await harness.node(), await harness.node()
    await harness.settle()
    group = harness.people.group("ann", "bob")
    await one.subscriber.connected("ann")
    await two.subscriber.connected("bob")
    publisher.publish(harness.people.commit(group))
    await until(lambda: one.received(group) == two.received(group) == [2])
    assert len(await sees(publisher, ("ann", "bob"))) == 2
    await two.kill()
    await asyncio.sleep(LEASE_S)
    assert len(await sees(publisher, ("ann", "bob"))) == 1
    addressing = publisher._addressing
    while True:  # until a subscriber has swept the lease away, and the publisher has read so
        publisher.publish(harness.people.commit(group))
        await until(lambda: one.received(group)[-1:] == [harness.people.seqs[group]])
        if len(addressing._kept.get(group)) == 1:
            break
        await asyncio.sleep(LEASE_S / 10)


async def test_a_node_that_overslept_its_lease_doubts_and_is_told_again(harness: Harness) -> None:
    publisher = await harness.publisher()
    one, two = await harness.node(), await harness.node()
    await harness.settle()
    group = harness.people.group("ann", "bob")
    await one.subscriber.connected("ann")
    await two.subscriber.connected("bob")
    publisher.publish(harness.people.commit(group))
    await until(lambda: two.received(group) == [2])
    follower = two.subscriber._follower
    keeping = follower._tasks.pop()
    keeping.cancel()
    await asyncio.sleep(LEASE_S * 1.5)
    assert len(await sees(publisher, ("ann", "bob"))) == 1
    follower._tasks.append(asyncio.create_task(follower._keep()))
    await until(lambda: two.resyncs == 1, "doubted")
    assert len(await sees(publisher, ("ann", "bob"))) == 2
    publisher.publish(harness.people.commit(group))
    await until(lambda: two.received(group)[-1] == harness.people.seqs[group])


async def test_the_registry_is_lost_and_filled_again(harness: Harness) -> None:
    publisher = await harness.publisher()
    one, two = await harness.node(), await harness.node()
    await harness.settle()
    group, alone = harness.people.group("ann", "bob"), harness.people.group("ann")
    await one.subscriber.connected("ann")
    await two.subscriber.connected("bob")
    publisher.publish(harness.people.commit(group))
    await until(lambda: one.received(group) == two.received(group) == [2])
    stop, start = lose(harness)
    stop()
    for _ in range(20):  # nobody can be looked up: everybody is told
        publisher.publish(harness.people.commit(group))
        publisher.publish(harness.people.commit(alone))
    await until(lambda: len(one.received(group)) == len(two.received(group)) == 21)
    assert two.subscriber.stray > 0
    assert publisher._addressing.blind > 0
    start()
    await until(lambda: one.resyncs and two.resyncs, "doubted")
    assert len(await sees(publisher, ("ann", "bob"))) == 2
    await asyncio.sleep(LEASE_S + 1.1)
    stray = two.subscriber.stray
    for _ in range(20):
        publisher.publish(harness.people.commit(alone))
        publisher.publish(harness.people.commit(group))
    await until(lambda: len(one.received(group)) == len(two.received(group)) == 41)
    assert one.received(group) == list(range(2, 43))
    assert two.subscriber.stray == stray
