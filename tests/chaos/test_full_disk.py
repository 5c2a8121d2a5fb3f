"""The whole server on a disk that fills up: clients are told, may read, and go on afterwards."""

import os
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from benchmarks.prepare import Preparation

from hongyan.access.rate_options import RateOptions
from hongyan.app.roles.embedded import Embedded, Server
from hongyan.app.settings.sections import ServerSettings, Settings
from tests.engines.disk import tiny_disk
from tests.engines.process import free_port

from .client import Client, Refused

DISK_BYTES = 6 * 1024 * 1024


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    with tiny_disk(tmp_path / "tiny", DISK_BYTES) as where:
        yield where


def fill(where: Path) -> Path:
    """Leave 100 KiB free."""
    ballast = where / "ballast"
    free = os.statvfs(where)
    ballast.write_bytes(b"\0" * (free.f_bavail * free.f_bsize - 100 * 1024))
    return ballast


async def until_refused(say: Callable[[int], Awaitable[int]]) -> tuple[list[int], Refused]:
    """Return the seqs of what was taken, and why the next was not."""
    seqs: list[int] = []
    while True:
        try:
            seqs.append(await say(len(seqs)))
        except Refused as refusal:
            return seqs, refusal


async def test_storage_full_is_said_and_passes(small_disk: Path) -> None:
    port = free_port()
    settings = Settings(
        server=ServerSettings(
            data_dir=str(small_disk / "data"), listen=f"127.0.0.1:{port}", drain_s=0.0
        ),
        rates=RateOptions(user_per_s=0, connection_per_s=0),
    )
    embedded = await Embedded.open(settings)
    server = Server(embedded)
    await server.start()
    try:
        made = Preparation(embedded.caller)
        (anna, anna_token), (boris, boris_token) = await made.users(2)
        (conversation,) = await made.direct([(anna, boris)])
        pushed: list[dict[str, Any]] = []
        one = await Client.open(f"127.0.0.1:{port}", anna_token, lambda _: None)
        other = await Client.open(f"127.0.0.1:{port}", boris_token, pushed.append)
        ballast = fill(small_disk)

        async def say(number: int) -> int:
            content = {"type": "text", "text": "x" * 4000}
            ack = await one.call(
                "message.send",
                conversation_id=conversation,
                client_id=f"c{number}",
                content=content,
            )
            seq: int = ack["seq"]
            return seq

        seqs, refusal = await until_refused(say)
        number = len(seqs)
        assert (refusal.code, refusal.retryable) == ("storage_full", True)
        assert seqs
        with pytest.raises(Refused, match="storage_full"):
            await say(number)
        page = await other.call("conversation.history", conversation_id=conversation, limit=200)
        said = [entry for entry in page["entries"] if entry["kind"] == "message"]
        assert [entry["seq"] for entry in said] == seqs
        assert (await one.call("ping"))["time_ms"]

        ballast.unlink()
        assert await say(number) == seqs[-1] + 1
        page = await other.call("conversation.history", conversation_id=conversation, limit=200)
        said = [entry for entry in page["entries"] if entry["kind"] == "message"]
        ids = [entry["client_id"] for entry in said]
        assert ids == [f"c{n}" for n in range(number + 1)]
        heard = [m["data"]["client_id"] for m in pushed if m["data"].get("kind") == "message"]
        assert heard == ids
        await one.close()
        await other.close()
    finally:
        await server.stop()
        await embedded.close()
