"""A server whose files are in a bucket of real S3, and clients that reach the bucket themselves."""

import hashlib
import random
import time
from collections.abc import Iterator

import httpx
import pytest

from hongyan.infra.objects import bucket
from hongyan.infra.objects.bucket import open_bucket
from tests.e2e.live_server import LiveServer
from tests.engines.seaweed import Seaweed

from . import samples
from .people import Person

MIB = 1024 * 1024
pytestmark = pytest.mark.xdist_group("seaweed")


@pytest.fixture(scope="module")
def seaweed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Seaweed]:
    made = Seaweed(tmp_path_factory.mktemp("seaweed"))
    yield made
    made.stop()


@pytest.fixture(scope="module")
def server(seaweed: Seaweed, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    folder = tmp_path_factory.mktemp("bucket") / "data"
    piece = f"objects.piece_bytes={MIB}"
    live = LiveServer(folder, *seaweed.settings("objects.direct_uploads=true", piece))
    live.start()
    yield live
    live.stop()


@pytest.fixture(scope="module")
def linking(seaweed: Seaweed, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    """Another server, which sends its clients to the bucket."""
    folder = tmp_path_factory.mktemp("linking") / "data"
    more = ("objects.direct_downloads=true", "objects.download_link_s=2", "objects.prefix=two")
    live = LiveServer(folder, *seaweed.settings(*more))
    live.start()
    yield live
    live.stop()


def sent_directly(person: Person, data: bytes) -> str:
    """Send all pieces of a file, and return the upload's id."""
    begun = person.ask("POST", "/me/media/direct", length_bytes=len(data), name="d.bin")
    for piece in begun["pieces"]:
        part = data[piece["first"] : piece["first"] + piece["length_bytes"]]
        assert httpx.put(piece["url"], content=part, timeout=60).status_code == 200
    return str(begun["upload_id"])


def test_tus_up_and_parts_down(alice: Person) -> None:
    data = random.Random(2).randbytes(5 * MIB)
    place = alice.begin(len(data), "a.bin").headers["location"]
    assert alice.append(place, 0, data[: 2 * MIB]).headers["upload-offset"] == str(2 * MIB)
    done = alice.append(place, 2 * MIB, data[2 * MIB :])
    media_id = done.headers["upload-media-id"]
    assert alice.fetch(media_id).content == data
    part = alice.fetch(media_id, range=f"bytes={MIB}-{3 * MIB}")
    assert (part.status_code, part.content) == (206, data[MIB : 3 * MIB + 1])
    assert alice.http.head(f"/api/v1/media/{media_id}").headers["content-length"] == str(5 * MIB)


def test_an_empty_file(alice: Person) -> None:
    assert alice.fetch(alice.send_file(b"", "empty")).content == b""


def test_the_worker_looks_into_what_is_in_the_bucket(alice: Person) -> None:
    media_id = alice.send_file(samples.picture((40, 30)), "p.png")
    details = alice.facts(media_id)["facts"]
    assert (details["width"], details["height"]) == (40, 30)
    assert alice.fetch(media_id, "?variant=thumb").headers["content-type"] == "image/webp"


def test_a_broken_chunk_leaves_nothing(alice: Person) -> None:
    place = alice.begin(3).headers["location"]
    wrong = alice.append(place, 0, b"abc", upload_checksum="sha1 AAAAAAAAAAAAAAAAAAAAAAAAAAA=")
    assert wrong.status_code == 460
    assert alice.tus("HEAD", place).headers["upload-offset"] == "0"
    assert alice.append(place, 0, b"abc").headers["upload-media-id"]


def test_pieces_sent_to_the_bucket_become_a_file(alice: Person) -> None:
    data = random.Random(3).randbytes(2 * MIB + 5)
    upload_id = sent_directly(alice, data)
    sha256 = hashlib.sha256(data).hexdigest()
    finish = f"/me/media/direct/{upload_id}/finish"
    info = alice.ask("POST", finish, sha256=sha256)
    assert (info["sha256"], info["size_bytes"], info["name"]) == (sha256, len(data), "d.bin")
    assert alice.ask("POST", finish)["media_id"] == info["media_id"]
    assert alice.fetch(info["media_id"]).content == data


def test_only_missing_pieces_are_asked_for_again(alice: Person) -> None:
    data = b"x" * (2 * MIB)
    begun = alice.ask("POST", "/me/media/direct", length_bytes=len(data))
    first, second = begun["pieces"]
    assert httpx.put(first["url"], content=data[:MIB]).status_code == 200
    early = alice.ask("POST", f"/me/media/direct/{begun['upload_id']}/finish")
    assert (early["code"], early["details"]["missing"]) == ("invalid", 1)
    resumed = alice.ask("POST", f"/me/media/direct/{begun['upload_id']}")
    assert [piece["first"] for piece in resumed["pieces"]] == [second["first"]]


def test_a_piece_has_exactly_its_length(alice: Person) -> None:
    begun = alice.ask("POST", "/me/media/direct", length_bytes=4)
    url = begun["pieces"][0]["url"]
    assert httpx.put(url, content=b"longer than said").status_code == 403
    assert httpx.get(url).status_code == 403


def test_other_bytes_than_were_announced(alice: Person) -> None:
    upload_id = sent_directly(alice, b"something")
    finish = f"/me/media/direct/{upload_id}/finish"
    refused = alice.ask("POST", finish, sha256="0" * 64)
    assert refused["code"] == "wrong_content"
    assert alice.ask("POST", finish)["sha256"] == hashlib.sha256(b"something").hexdigest()


def test_somebody_elses_upload_is_not_there(alice: Person, bob: Person) -> None:
    upload_id = sent_directly(alice, b"mine")
    for path in (f"/me/media/direct/{upload_id}", f"/me/media/direct/{upload_id}/finish"):
        assert bob.ask("POST", path)["code"] == "no_such_upload"


def test_a_download_is_sent_to_the_bucket(linking: LiveServer) -> None:
    carol, dave = Person(linking.url, "carol"), Person(linking.url, "dave")
    media_id = carol.send_file(b"<script>alert(1)</script>", "猫.html")
    assert dave.fetch(media_id).status_code == 404
    sent = carol.fetch(media_id)
    assert (sent.status_code, sent.headers["cache-control"]) == (307, "no-store")
    url = sent.headers["location"]
    there = httpx.get(url, headers={"range": "bytes=1-6"})
    assert (there.status_code, there.content) == (206, b"script")
    assert there.headers["content-type"] == "application/octet-stream"
    assert there.headers["content-disposition"].startswith("attachment;")
    assert carol.fetch(media_id, if_none_match=f'"{hashlib.sha256(b"x").hexdigest()}"').is_redirect
    forged = url.replace("application%2Foctet-stream", "text%2Fhtml")
    assert httpx.get(forged).status_code == 403
    until = time.monotonic() + 20
    while httpx.get(url).status_code != 403:
        assert time.monotonic() < until, "the link never ended"
        time.sleep(0.2)


def test_a_server_may_keep_its_clients_from_the_bucket(linking: LiveServer) -> None:
    erin = Person(linking.url, "erin")
    assert erin.ask("POST", "/me/media/direct", length_bytes=1)["code"] == "direct_off"


async def test_a_cancelled_upload_leaves_the_bucket(alice: Person, seaweed: Seaweed) -> None:
    place = alice.begin(10).headers["location"]
    alice.append(place, 0, b"12345")
    folder = f"staging/{place.rpartition('/')[2]}/"
    store = open_bucket(seaweed.options)
    assert len(await bucket.names(store, folder)) == 1
    assert alice.tus("DELETE", place).status_code == 204
    assert await bucket.names(store, folder) == {}


def test_the_service_is_down(tmp_path_factory, seaweed: Seaweed) -> None:  # type: ignore[no-untyped-def]
    folder = tmp_path_factory.mktemp("down") / "data"
    settings = [*seaweed.settings(), "objects.url=http://127.0.0.1:9"]
    live = LiveServer(folder, *settings)
    live.start()
    try:
        grace = Person(live.url, "grace")
        place = grace.begin(3).headers["location"]
        answer = grace.append(place, 0, b"abc")
        assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
        assert grace.tus("HEAD", place).headers["upload-offset"] == "0"
    finally:
        live.stop()
