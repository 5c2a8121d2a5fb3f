"""``hongyan all``: one process that is a whole cluster, until others join it."""

import asyncio
import secrets
from pathlib import Path

import pytest

from tests.cluster.live_cluster import LiveCluster
from tests.cluster.load import Load, make_people
from tests.e2e.waiting import until
from tests.engines.process import free_port

from .conftest import QUIET

pytestmark = [pytest.mark.xdist_group("cluster"), pytest.mark.timeout(200)]


async def test_one_process_serves_and_a_second_one_joins_it(tmp_path: Path) -> None:
    cluster = LiveCluster(tmp_path, *QUIET, shape=(0, 0, 0), with_proxy=False)
    one, other = (cluster._node("all", number, free_port()) for number in (1, 2))
    cluster.gateways = [one]
    try:
        await asyncio.to_thread(cluster.start)
        people = await make_people(one.url, 6, secrets.token_hex(3))
        cluster.gateways.append(other)
        await asyncio.to_thread(other.start)
        for number, person in enumerate(people):
            await person.connect((one, other)[number % 2].url)
        load = Load(people, per_s=10)
        await load.prepare()
        running = asyncio.create_task(load.run())
        await asyncio.sleep(2)
        load.stop()
        await running
        await until(lambda: not load.unheard())
        assert load.outcome.failed == []
        assert load.disordered() == 0
    finally:
        await asyncio.to_thread(cluster.stop)
