"""Backends are upgraded while people write: nobody is cut off, and every send is acknowledged."""

import asyncio
import secrets

import pytest

from tests.cluster.live_cluster import LiveCluster
from tests.cluster.load import Load, make_people
from tests.e2e.waiting import until

pytestmark = [pytest.mark.xdist_group("cluster"), pytest.mark.timeout(300)]


async def test_a_rolling_restart_of_the_backends_fails_no_send(
    own_cluster: LiveCluster, capsys: pytest.CaptureFixture[str]
) -> None:
    cluster = own_cluster
    people = await make_people(cluster.url, 20, secrets.token_hex(3))
    for number, person in enumerate(people):
        await person.connect(cluster.gateways[number % 2].url)
    load = Load(people, per_s=10)
    await load.prepare()
    running = asyncio.create_task(load.run())
    await asyncio.sleep(2)
    for node in (*cluster.backends, *cluster.workers):
        await asyncio.to_thread(node.restart)
        await asyncio.sleep(1)
    load.stop()
    await running
    await until(lambda: not load.unheard())
    with capsys.disabled():
        print(f"\nrolling restart of the backends: {load.outcome}")
    assert load.outcome.failed == []
    assert [person.closed for person in people if person.closed] == []
    assert load.disordered() == 0
    assert len(load.outcome.acked) > 1_000
