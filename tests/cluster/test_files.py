"""Files in a bucket: they come in at one gateway and are read at another."""

import asyncio
import os
import secrets
from collections.abc import Iterator

import httpx
import pytest

from tests.cluster.live_cluster import LiveCluster, opened_cluster
from tests.cluster.load import make_people

pytestmark = [pytest.mark.xdist_group("cluster"), pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveCluster]:
    with opened_cluster(tmp_path_factory.mktemp("cluster")) as made:
        yield made


async def test_a_file_that_began_at_one_gateway_goes_on_at_the_other(cluster: LiveCluster) -> None:
    (person,) = await make_people(cluster.url, 1, secrets.token_hex(3))
    here, there = (gateway.url for gateway in cluster.gateways)
    data = os.urandom(700_000)
    mine = {"authorization": f"Bearer {person.token}", "tus-resumable": "1.0.0"}
    chunk = {"content-type": "application/offset+octet-stream"}
    async with httpx.AsyncClient(timeout=60) as http:
        length = {"upload-length": str(len(data))}
        made = await http.post(f"{here}/api/v1/uploads", headers=mine | length)
        assert made.status_code == 201
        path = "/api/v1/uploads/" + made.headers["location"].rsplit("/", 1)[1]
        first, rest = data[:300_000], data[300_000:]
        sent = await http.patch(
            here + path, headers=mine | chunk | {"upload-offset": "0"}, content=first
        )
        assert (sent.status_code, sent.headers["upload-offset"]) == (204, "300000")
        told = await http.head(there + path, headers=mine)
        assert told.headers["upload-offset"] == "300000"
        await asyncio.to_thread(cluster.backends[0].restart)
        sent = await http.patch(
            there + path, headers=mine | chunk | {"upload-offset": "300000"}, content=rest
        )
        assert sent.status_code == 204
        media_id = sent.headers["upload-media-id"]
        for url in (here, there):
            got = await http.get(f"{url}/api/v1/media/{media_id}", headers=mine)
            assert got.status_code == 200
            assert got.content == data
