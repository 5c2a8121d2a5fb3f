"""What one gateway was told holds at every other."""

import asyncio
import secrets
from collections.abc import Iterator

import httpx
import pytest

from hongyan_sdk.errors import Refused
from tests.cluster.live_cluster import LiveCluster, started
from tests.cluster.load import make_people
from tests.e2e.waiting import until

pytestmark = [pytest.mark.xdist_group("cluster"), pytest.mark.timeout(200)]


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveCluster]:
    with started(LiveCluster(tmp_path_factory.mktemp("cluster"))) as made:
        yield made


async def test_a_removed_device_is_cut_off_at_every_gateway(cluster: LiveCluster) -> None:
    (person,) = await make_people(cluster.url, 1, secrets.token_hex(3))
    here, there = (gateway.url for gateway in cluster.gateways)
    await person.connect(here)
    async with httpx.AsyncClient() as http:
        mine = {"authorization": f"Bearer {person.token}"}
        for url in (here, there):  # every backend may remember it from now on
            assert (await http.get(f"{url}/api/v1/me", headers=mine)).status_code == 200
        (device,) = (await http.get(f"{there}/api/v1/me/devices", headers=mine)).json()["devices"]
        path = f"{there}/api/v1/me/devices/{device['device_id']}"
        assert (await http.delete(path, headers=mine)).status_code == 200
        await until(lambda: person.closed)
        await asyncio.sleep(0.1)  # commit broadcast comes 50 times a second
        for url in (here, there):
            assert (await http.get(f"{url}/api/v1/me", headers=mine)).status_code == 401
    with pytest.raises(Refused):
        await person.connect(there)


async def test_a_repeated_request_is_carried_out_once_at_whichever_gateway(
    cluster: LiveCluster,
) -> None:
    (person,) = await make_people(cluster.url, 1, secrets.token_hex(3))
    key = secrets.token_hex(8)
    headers = {"authorization": f"Bearer {person.token}", "idempotency-key": key}
    body = {"user_id": "nobody.there"}
    async with httpx.AsyncClient(timeout=30) as http:
        answers = await asyncio.gather(
            *(
                http.post(f"{gateway.url}/api/v1/friends/requests", json=body, headers=headers)
                for gateway in cluster.gateways * 3
            )
        )
    assert len({(answer.status_code, answer.text) for answer in answers}) == 1
    replayed = [answer for answer in answers if "idempotency-replayed" in answer.headers]
    assert len(replayed) == len(answers) - 1
