"""The upload protocol, header by header (https://tus.io/protocols/resumable-upload)."""

import base64
import hashlib
import os
import threading
import time
from collections.abc import Iterator

import httpx
import pytest

from .conftest import FILE_BYTES_MAX, QUOTA_BYTES, Meet
from .people import OFFSET_TYPE, Person, sha256


def checksum(algorithm: str, data: bytes) -> str:
    digest = hashlib.new(algorithm, data).digest()
    return f"{algorithm} {base64.b64encode(digest).decode()}"


def test_what_is_offered(alice: Person) -> None:
    answer = httpx.options(f"{alice.url}/api/v1/uploads")
    assert answer.status_code == 204
    assert answer.headers["tus-version"] == "1.0.0"
    assert answer.headers["tus-max-size"] == str(FILE_BYTES_MAX)
    assert answer.headers["tus-checksum-algorithm"] == "sha1,sha256"
    assert set(answer.headers["tus-extension"].split(",")) == {
        "creation",
        "creation-with-upload",
        "expiration",
        "checksum",
        "termination",
    }


def test_chunk_by_chunk(alice: Person) -> None:
    data = os.urandom(300_000)
    made = alice.begin(len(data), "地图 🗺.bin")
    assert made.status_code == 201
    assert made.headers["tus-resumable"] == "1.0.0"
    place = made.headers["location"]
    for offset in range(0, len(data), 100_000):
        told = alice.tus("HEAD", place)
        assert told.status_code == 200
        assert told.headers["upload-offset"] == str(offset)
        assert told.headers["upload-length"] == str(len(data))
        assert told.headers["cache-control"] == "no-store"
        assert "upload-expires" in told.headers
        answer = alice.append(place, offset, data[offset : offset + 100_000])
        assert answer.status_code == 204
        assert answer.headers["upload-offset"] == str(offset + 100_000)
    media_id = answer.headers["upload-media-id"]
    assert alice.tus("HEAD", place).headers["upload-media-id"] == media_id
    fetched = alice.fetch(media_id)
    assert fetched.content == data
    assert fetched.headers["etag"] == f'"{sha256(data)}"'
    assert (
        "filename*=UTF-8''%E5%9C%B0%E5%9B%BE%20%F0%9F%97%BA.bin"
        in (fetched.headers["content-disposition"])
    )


def test_creation_with_upload_and_an_empty_file(alice: Person) -> None:
    headers = {"upload-length": "5", "content-type": OFFSET_TYPE}
    made = alice.tus("POST", "/api/v1/uploads", headers=headers, content=b"hello")
    assert made.status_code == 201
    assert made.headers["upload-offset"] == "5"
    assert alice.fetch(made.headers["upload-media-id"]).content == b"hello"
    empty = alice.begin(0)
    assert alice.fetch(empty.headers["upload-media-id"]).content == b""


@pytest.mark.parametrize("algorithm", ["sha1", "sha256"])
def test_checksums(alice: Person, algorithm: str) -> None:
    data = os.urandom(3_000_000)
    place = alice.begin(len(data)).headers["location"]
    half = len(data) // 2
    assert alice.append(place, 0, data[:half]).status_code == 204
    wrong = alice.append(place, half, data[half:], upload_checksum=checksum(algorithm, b"else"))
    assert wrong.status_code == 460
    assert wrong.json()["code"] == "wrong_checksum"
    assert alice.tus("HEAD", place).headers["upload-offset"] == str(half)
    right = checksum(algorithm, data[half:])
    answer = alice.append(place, half, data[half:], upload_checksum=right)
    assert answer.status_code == 204
    assert alice.fetch(answer.headers["upload-media-id"]).content == data
    assert alice.append(place, 0, b"x", upload_checksum="md5 aaaa").status_code == 409


def test_unknown_checksum_algorithm(alice: Person) -> None:
    place = alice.begin(5).headers["location"]
    assert alice.append(place, 0, b"hello", upload_checksum="crc32 aaaa").status_code == 400
    assert alice.append(place, 0, b"hello", upload_checksum="sha1 !!").status_code == 400


def test_refusals_of_the_protocol(alice: Person) -> None:
    place = alice.begin(10).headers["location"]
    assert alice.append(place, 3, b"abc").status_code == 409
    assert alice.append(place, 0, b"12345678901").status_code == 413
    assert alice.tus("HEAD", place).headers["upload-offset"] == "0"

    def endless() -> Iterator[bytes]:
        yield b"123456"
        yield b"789012"

    assert alice.append(place, 0, endless()).status_code == 413
    assert alice.tus("HEAD", place).headers["upload-offset"] == "0"
    old = alice.http.head(place, headers={"tus-resumable": "0.2.2"})
    assert old.status_code == 412
    assert old.headers["tus-version"] == "1.0.0"
    wrong = alice.tus("PATCH", place, headers={"upload-offset": "0"}, content=b"abc")
    assert wrong.status_code == 415
    for headers in ({}, {"upload-length": "-1"}, {"upload-length": "many"}):
        assert alice.tus("POST", "/api/v1/uploads", headers=headers).status_code == 400
    metadata = {"upload-length": "1", "upload-metadata": "filename not*base64"}
    assert alice.tus("POST", "/api/v1/uploads", headers=metadata).status_code == 400


def test_too_large_and_the_quota(meet: Meet) -> None:
    alice = meet()
    answer = alice.begin(FILE_BYTES_MAX + 1)
    assert (answer.status_code, answer.json()["code"]) == (413, "too_large")
    most = QUOTA_BYTES // FILE_BYTES_MAX
    places = [alice.begin(FILE_BYTES_MAX).headers["location"] for _ in range(most)]
    answer = alice.begin(1)
    assert (answer.status_code, answer.json()["code"]) == (413, "quota_exceeded")
    assert alice.tus("DELETE", places[0]).status_code == 204
    assert alice.tus("HEAD", places[0]).status_code == 404
    assert alice.begin(1).status_code == 201
    usage = alice.ask("GET", "/me/media")
    assert usage["reserved_bytes"] == (most - 1) * FILE_BYTES_MAX + 1


def test_too_many_uploads(meet: Meet) -> None:
    alice = meet()
    answers = [alice.begin(1).status_code for _ in range(6)]
    assert answers == [201] * 5 + [422]


def test_only_its_owner_knows_an_upload(alice: Person, bob: Person) -> None:
    place = alice.begin(5).headers["location"]
    assert bob.tus("HEAD", place).status_code == 404
    assert bob.append(place, 0, b"hello").status_code == 404
    assert bob.tus("DELETE", place).status_code == 404
    version = {"tus-resumable": "1.0.0"}
    assert httpx.head(place, headers=version).status_code == 401
    assert httpx.post(f"{alice.url}/api/v1/uploads", headers=version).status_code == 401


def test_termination_and_method_override(alice: Person) -> None:
    place = alice.begin(5).headers["location"]
    headers = {"x-http-method-override": "PATCH", "upload-offset": "0", "content-type": OFFSET_TYPE}
    answer = alice.tus("POST", place, headers=headers, content=b"hel")
    assert (answer.status_code, answer.headers["upload-offset"]) == (204, "3")
    headers = {"x-http-method-override": "DELETE"}
    assert alice.tus("POST", place, headers=headers).status_code == 204
    assert alice.append(place, 3, b"lo").status_code == 404


def test_one_writer_at_a_time(alice: Person) -> None:
    """A second PATCH is locked out; a HEAD makes the first let go, and keeps what it sent."""
    data = os.urandom(2_000_000)
    place = alice.begin(len(data)).headers["location"]
    release = threading.Event()

    def slow() -> Iterator[bytes]:
        yield data[:1_500_000]
        release.wait(20)
        yield data[1_500_000:]

    answers: list[httpx.Response] = []

    def write() -> None:
        with httpx.Client(base_url=alice.url, timeout=30) as http:
            headers = {
                "authorization": f"Bearer {alice.token}",
                "tus-resumable": "1.0.0",
                "upload-offset": "0",
                "content-type": OFFSET_TYPE,
            }
            answers.append(http.patch(place, headers=headers, content=slow()))

    writer = threading.Thread(target=write)
    writer.start()
    time.sleep(1)
    locked = alice.append(place, 0, data)
    assert (locked.status_code, locked.json()["code"]) == (423, "upload_locked")
    told = alice.tus("HEAD", place)
    assert told.headers["upload-offset"] == "1500000"
    release.set()
    writer.join()
    assert answers[0].status_code == 408
    assert alice.append(place, 1_500_000, data[1_500_000:]).status_code == 204


def test_refused_types(alice: Person) -> None:
    program = b"\x7fELF" + os.urandom(100)
    place = alice.begin(len(program), "holiday.jpg").headers["location"]
    answer = alice.append(place, 0, program)
    assert (answer.status_code, answer.json()["code"]) == (415, "unsupported_type")
    assert alice.tus("HEAD", place).status_code == 404
    assert alice.ask("GET", "/me/media")["reserved_bytes"] == 0
