"""A gateway dies, and all of its clients come to the other one at the same moment."""

import asyncio
import secrets
import time

import pytest

from hongyan_sdk.errors import HongyanError
from tests.cluster.live_cluster import LiveCluster
from tests.cluster.load import Load, Person, make_people
from tests.e2e.waiting import until

pytestmark = [pytest.mark.xdist_group("cluster"), pytest.mark.timeout(400)]

CROWD = 2_000
WRITERS = 10
WITHIN_S = 60.0


async def come_back(person: Person, url: str) -> None:
    """Connect until it succeeds, as a client does."""
    deadline = time.monotonic() + WITHIN_S
    while True:
        try:
            await person.connect(url, WITHIN_S)
            return
        except HongyanError:
            if time.monotonic() > deadline:
                raise
            await asyncio.sleep(0.5)


async def test_a_storm_of_log_ins_does_not_topple_the_gateway_that_is_left(
    own_cluster: LiveCluster, capsys: pytest.CaptureFixture[str]
) -> None:
    dying, left = own_cluster.gateways
    crowd = await make_people(own_cluster.url, CROWD, secrets.token_hex(3))
    writers = await make_people(left.url, WRITERS, secrets.token_hex(3))
    for start in range(0, CROWD, 50):
        await asyncio.gather(*(one.connect(dying.url) for one in crowd[start : start + 50]))
    for person in writers:
        await person.connect(left.url)
    load = Load(writers, per_s=5)
    await load.prepare()
    running = asyncio.create_task(load.run())
    await asyncio.sleep(2)
    quiet = len(load.outcome.took_ms)

    await asyncio.to_thread(dying.kill)
    await until(lambda: all(person.closed for person in crowd))
    began = time.monotonic()
    await asyncio.gather(*(come_back(person, left.url) for person in crowd))
    took_s = time.monotonic() - began
    stormy = load.outcome.took_ms[quiet:]
    await asyncio.sleep(1)
    load.stop()
    await running
    await until(lambda: not load.unheard())
    with capsys.disabled():
        print(f"\nstorm of {CROWD}: all are back in {took_s:.1f} s; meanwhile {load.outcome}")
    assert took_s < WITHIN_S
    assert load.outcome.failed == []
    assert [person.closed for person in writers if person.closed] == []
    assert len(stormy) >= WRITERS, "the others went on writing"
    assert (await crowd[-1].call("ping"))["time_ms"]
    for person in crowd:
        assert person.connection is not None
    await asyncio.gather(*(person.connection.close() for person in crowd if person.connection))


async def test_a_gateway_that_leaves_sends_its_clients_away_one_after_the_other(
    own_cluster: LiveCluster,
) -> None:
    leaving, left = own_cluster.gateways
    people = await make_people(own_cluster.url, 20, secrets.token_hex(3))
    for person in people:
        await person.connect(leaving.url)
    await asyncio.to_thread(leaving.stop)
    assert all(person.closed for person in people)
    waits = sorted(person.reconnect_after_ms for person in people)
    assert waits[0] >= 0
    assert len(set(waits)) > 10, "each at another time"
    for person in people:
        await person.connect(left.url)
