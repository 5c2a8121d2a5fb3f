"""Clients that others wrote, over ways that break and servers that die."""

import asyncio
import io
import json
import os
from pathlib import Path

import aiohttp
import aiotus
import pytest

from tests.e2e.live_server import LiveServer

from .people import Person, sha256
from .proxy import BreakingProxy

NODE = Path(__file__).parent / "node"
MIB = 1024 * 1024
RETRY = aiotus.RetryConfiguration(retry_attempts=30, max_retry_period_seconds=0.5)


async def upload_by_aiotus(url: str, person: Person, data: bytes, chunk_bytes: int) -> str:
    """Upload and return the media id."""
    headers = {"authorization": f"Bearer {person.token}"}
    async with aiohttp.ClientSession() as http:
        place = await aiotus.upload(
            f"{url}/api/v1/uploads",
            io.BytesIO(data),
            {"filename": b"by aiotus.bin"},
            client_session=http,
            config=RETRY,
            headers=headers,
            chunksize=chunk_bytes,
        )
    assert place is not None
    told = await asyncio.to_thread(person.tus, "HEAD", place.path)
    assert told.headers["upload-offset"] == str(len(data))
    return str(told.headers["upload-media-id"])


async def upload_by_npm(url: str, person: Person, path: Path, chunk_bytes: int) -> tuple[str, int]:
    """Upload and return the media id, and how often the client tried again."""
    if not (NODE / "node_modules").exists():
        pytest.skip("npm's packages are not here: tools/prepare-tests gets them")
    endpoint = f"{url}/api/v1/uploads"
    out = await run("node", "upload.mjs", endpoint, person.token, str(path), str(chunk_bytes))
    report = json.loads(out)
    return report["mediaId"], report["retries"]


async def run(*command: str) -> str:
    process = await asyncio.create_subprocess_exec(
        *command, cwd=NODE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    async with asyncio.timeout(90):
        out, err = await process.communicate()
    assert process.returncode == 0, err.decode()
    return out.decode()


async def test_aiotus_over_a_way_that_breaks(server: LiveServer, alice: Person) -> None:
    data = os.urandom(12 * MIB)
    proxy = BreakingProxy(server.url, [MIB, 3 * MIB, 100_000, 5 * MIB])
    async with proxy.running():
        media_id = await upload_by_aiotus(proxy.url, alice, data, 8 * MIB)
    assert proxy.broken == 4
    assert sha256(alice.fetch(media_id).content) == sha256(data)


@pytest.mark.xdist_group("npm")
@pytest.mark.parametrize("chunk_bytes", [MIB, 64 * MIB])
async def test_npm_over_a_way_that_breaks(
    server: LiveServer, alice: Person, tmp_path: Path, chunk_bytes: int
) -> None:
    data = os.urandom(10 * MIB)
    path = tmp_path / "file.bin"
    path.write_bytes(data)
    proxy = BreakingProxy(server.url, [700_000, 900_000])
    async with proxy.running():
        media_id, retries = await upload_by_npm(proxy.url, alice, path, chunk_bytes)
    assert proxy.broken == 2
    assert retries >= 2
    fetched = alice.fetch(media_id)
    assert sha256(fetched.content) == sha256(data)
    assert fetched.headers["content-type"] == "application/octet-stream"


async def kill_in_the_middle(
    server: LiveServer, folder: Path, upload: asyncio.Task[object]
) -> None:
    """Kill the server once some of the file is there, and start it again."""
    staging = folder / "files" / "staging"
    async with asyncio.timeout(30):
        while sum(path.stat().st_size for path in staging.iterdir()) < 8 * MIB:
            assert not upload.done()
            await asyncio.sleep(0.01)
    server.kill()
    assert not upload.done()
    await asyncio.sleep(0.5)
    await asyncio.to_thread(server.start)


@pytest.mark.parametrize("chunk_bytes", [2 * MIB, 200 * MIB])
async def test_the_server_is_killed_in_the_middle(tmp_path: Path, chunk_bytes: int) -> None:
    """What was acknowledged is there afterwards, and the file is whole in the end."""
    server = LiveServer(tmp_path / "data")
    server.start()
    try:
        alice = await asyncio.to_thread(Person, server.url, "alice")
        data = os.urandom(96 * MIB)
        upload = asyncio.create_task(upload_by_aiotus(server.url, alice, data, chunk_bytes))
        await kill_in_the_middle(server, tmp_path / "data", upload)  # type: ignore[arg-type]
        media_id = await upload
        fetched = await asyncio.to_thread(alice.fetch, media_id)
        assert sha256(fetched.content) == sha256(data)
        assert list((tmp_path / "data" / "files" / "staging").iterdir()) == []
    finally:
        server.stop()


@pytest.mark.xdist_group("npm")
async def test_npm_survives_the_death_of_the_server(tmp_path: Path) -> None:
    server = LiveServer(tmp_path / "data")
    server.start()
    try:
        alice = await asyncio.to_thread(Person, server.url, "alice")
        data = os.urandom(96 * MIB)
        path = tmp_path / "file.bin"
        path.write_bytes(data)
        upload = asyncio.create_task(upload_by_npm(server.url, alice, path, 2 * MIB))
        await kill_in_the_middle(server, tmp_path / "data", upload)  # type: ignore[arg-type]
        media_id, retries = await upload
        assert retries >= 1
        fetched = await asyncio.to_thread(alice.fetch, media_id)
        assert sha256(fetched.content) == sha256(data)
    finally:
        server.stop()


async def test_an_acknowledged_offset_outlives_a_crash(tmp_path: Path) -> None:
    server = LiveServer(tmp_path / "data")
    server.start()
    try:
        alice = await asyncio.to_thread(Person, server.url, "alice")
        place = alice.begin(3 * MIB).headers["location"]
        assert alice.append(place, 0, bytes(MIB)).headers["upload-offset"] == str(MIB)
        server.kill()
        server.start()
        assert alice.tus("HEAD", place).headers["upload-offset"] == str(MIB)
        answer = alice.append(place, MIB, bytes(2 * MIB))
        assert alice.fetch(answer.headers["upload-media-id"]).content == bytes(3 * MIB)
    finally:
        server.stop()
