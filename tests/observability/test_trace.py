"""Where is my message? Asked of a running server, and of a folder at rest."""

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from websockets.asyncio.client import connect

from tests.e2e.live_server import HONGYAN, LiveServer
from tests.files.people import Person


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "data"


@pytest.fixture
def server(folder: Path) -> Iterator[LiveServer]:
    live = LiveServer(folder)
    live.start()
    yield live
    live.stop()


def traced(folder: Path, message: str, *more: str) -> subprocess.CompletedProcess[str]:
    command = [str(HONGYAN), "trace", message, "--data", str(folder), *more]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def way(folder: Path, message: str) -> Any:
    ended = traced(folder, message, "--json")
    assert ended.returncode == 0, ended.stderr
    return json.loads(ended.stdout)


async def test_from_the_sender_to_the_reader(server: LiveServer, folder: Path) -> None:
    li, wang = Person(server.url, "li"), Person(server.url, "wang")
    direct = li.ask("POST", "/conversations/direct", user_id=wang.user_id)
    place = (direct.get("conversation") or direct)["conversation_id"]
    url = server.url.replace("http", "ws") + "/ws"
    async with connect(url, subprotocols=["hongyan.json"]) as socket:  # type: ignore[list-item]
        hello = {"id": 1, "method": "hello", "params": {"token": wang.token}}
        await socket.send(json.dumps(hello))
        device = json.loads(await socket.recv())["result"]["device_id"]
        content = {"type": "text", "text": "the secret words"}
        send = {"client_id": "c-1", "content": content}
        seq = li.ask("POST", f"/conversations/{place}/messages", **send)["seq"]
        await socket.recv()
        found = way(folder, f"{place}:{seq}")
        users = {user["user_id"]: user for user in found["users"]}
        (pushed,) = [one for one in users[wang.user_id]["devices"] if one["device_id"] == device]
        assert found["accepted_at_ms"] <= found["nodes"][0]["heard_at_ms"] == pushed["pushed_at_ms"]
        assert pushed["is_connected"]
        assert not users[wang.user_id]["is_delivered"]
        assert users[li.user_id]["is_read"]
    wang.ask("PUT", f"/conversations/{place}/read", seq=seq)
    found = way(folder, f"{place}:{li.user_id}:c-1")
    users = {user["user_id"]: user for user in found["users"]}
    assert (found["seq"], users[wang.user_id]["is_read"]) == (seq, True)
    page = traced(folder, f"{place}:{seq}").stdout
    assert "secret words" not in page + json.dumps(found)
    for word in ("accepted", "stored", "routed", f"{place}:{seq}", device, "by serve"):
        assert word in page
    server.stop()
    assert "no node remembers" in traced(folder, f"{place}:{seq}").stdout


def test_what_was_never_accepted(server: LiveServer, folder: Path) -> None:
    ended = traced(folder, "d-nobody:7")
    assert (ended.returncode, "was not accepted" in ended.stderr) == (1, True)
    ended = traced(folder, "rubbish")
    assert (ended.returncode, "CONVERSATION:SEQ" in ended.stderr) == (1, True)
