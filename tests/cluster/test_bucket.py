"""Files in a cluster: a bucket of real S3, and uploads that wander between gateways."""

import random
from pathlib import Path

import httpx
import pytest

from tests.cluster.live_cluster import LiveCluster
from tests.engines.seaweed import Seaweed
from tests.files import samples
from tests.files.people import Person

pytestmark = [pytest.mark.xdist_group("cluster"), pytest.mark.timeout(300)]
MIB = 1024 * 1024


def test_an_upload_wanders_between_gateways(tmp_path: Path) -> None:
    seaweed = Seaweed(tmp_path / "s3")
    settings = seaweed.settings("objects.direct_uploads=true")
    cluster = LiveCluster(tmp_path / "cluster", *settings, with_proxy=False)
    for node in (*cluster.gateways, *cluster.backends, *cluster.workers):
        node._settings["server.data_dir"] = str(tmp_path / node.name)  # nothing is shared
    try:
        cluster.start()
        first, second = (gateway.url for gateway in cluster.gateways)
        li = Person(first, "li")
        data = random.Random(8).randbytes(7 * MIB)
        path = "/api/v1/uploads/" + li.begin(len(data), "a.bin").headers["location"].split("/")[-1]
        offset = 0
        for number, size in enumerate((MIB, 3 * MIB, 5, 3 * MIB - 5)):
            li.moved((first, second)[number % 2])
            chunk = li.append(path, offset, data[offset : offset + size])
            assert chunk.status_code == 204, chunk.text
            offset += size
            li.moved((second, first)[number % 2])
            assert li.tus("HEAD", path).headers["upload-offset"] == str(offset)
        media_id = chunk.headers["upload-media-id"]
        for url in (first, second):
            li.moved(url)
            assert li.fetch(media_id).content == data
        picture = li.send_file(samples.picture((40, 30)), "p.png")
        assert li.facts(picture)["facts"]["width"] == 40, "the worker has looked into it"
        begun = li.ask("POST", "/me/media/direct", length_bytes=5)
        assert httpx.put(begun["pieces"][0]["url"], content=b"hello").status_code == 200
        li.moved(first)
        done = li.ask("POST", f"/me/media/direct/{begun['upload_id']}/finish")
        assert li.fetch(done["media_id"]).content == b"hello"
    finally:
        cluster.stop()
        seaweed.stop()
