"""Processes die without warning while people write: nothing that was acknowledged is missed."""

import asyncio
import secrets

import pytest

from tests.cluster.live_cluster import LiveCluster
from tests.cluster.load import Load, make_people
from tests.e2e.waiting import until

pytestmark = [pytest.mark.xdist_group("cluster"), pytest.mark.timeout(300)]


async def start_load(cluster: LiveCluster, count: int, per_s: float) -> Load:
    """Let so many people write, half of them at each gateway."""
    people = await make_people(cluster.url, count, secrets.token_hex(3))
    for number, person in enumerate(people):
        await person.connect(cluster.gateways[number % 2].url)
    load = Load(people, per_s)
    await load.prepare()
    return load


async def test_a_killed_backend_leaves_nothing_untold(
    own_cluster: LiveCluster, capsys: pytest.CaptureFixture[str]
) -> None:
    cluster = own_cluster
    load = await start_load(cluster, 20, 10)
    running = asyncio.create_task(load.run())
    for backend in cluster.backends:
        await asyncio.sleep(2)
        await asyncio.to_thread(backend.kill)
        await asyncio.sleep(3)
        await asyncio.to_thread(backend.start)
    await asyncio.sleep(1)
    load.stop()
    await running
    await until(lambda: not load.unheard(), 20)
    with capsys.disabled():
        print(f"\nkill -9 of each backend: {load.outcome}")
    assert load.outcome.failed == []
    assert [person.closed for person in load.people if person.closed] == []


async def test_a_killed_worker_is_replaced(own_cluster: LiveCluster) -> None:
    cluster = own_cluster
    one, other = await make_people(cluster.url, 2, secrets.token_hex(3))
    for person in (one, other):
        await person.connect(cluster.url)
    direct = await one.call("conversation.open_direct", user_id=other.user_id)

    async def schedule(number: int) -> None:
        now_ms = (await one.call("ping"))["time_ms"]
        await one.call(
            "message.schedule",
            conversation_id=direct["conversation_id"],
            client_id=f"later{number}",
            content={"type": "text", "text": f"{number}"},
            at_ms=now_ms + 1000,
        )

    await schedule(1)
    await until(lambda: len(other.heard) == 1)
    for number, worker in enumerate(cluster.workers, 2):
        await asyncio.to_thread(worker.kill)
        await schedule(number)
        await until(lambda wanted=number: len(other.heard) == wanted, 25)
        await asyncio.to_thread(worker.start)
