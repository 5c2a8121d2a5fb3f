"""The operator's commands while a server runs, and the server's beginning and end."""

import asyncio
import json
import sys
import urllib.request
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

from .server_process import ServerProcess


async def hongyan(*arguments: str, stdin: str = "") -> tuple[int, str, str]:
    """Run a command and return its status and what it said."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "hongyan", *arguments),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await process.communicate(stdin.encode())
    assert process.returncode is not None
    return process.returncode, out.decode(), err.decode()


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[ServerProcess]:
    server = ServerProcess(tmp_path / "data", {"server.drain_s": "0.5"})
    await server.start()
    yield server
    assert await server.stop() == 0


async def test_accounts_are_made_through_the_running_server(server: ServerProcess) -> None:
    folder = str(server.data_dir)
    made = await hongyan("user", "create", "li", "--data", folder, stdin="plum blossom 7\n")
    assert made[0] == 0, made
    status, token, _ = await hongyan("token", "mint", "li", "--data", folder)
    assert status == 0
    async with connect(server.websocket_url, subprotocols=[Subprotocol("hongyan.json")]) as socket:
        hello = {"id": 1, "method": "hello", "params": {"token": token.strip()}}
        await socket.send(json.dumps(hello))
        assert json.loads(await socket.recv())["result"]["user_id"].startswith("u")
        assert (await hongyan("token", "revoke", "li", "--data", folder))[0] == 0
        removed, kicked = json.loads(await socket.recv()), json.loads(await socket.recv())
        assert removed["data"]["kind"] == "device.removed"
        assert kicked == {"event": "kicked", "data": {"reason": "kicked"}}
        with pytest.raises(ConnectionClosed):
            await socket.recv()
    assert socket.close_code == 4003


async def test_a_second_server_on_the_same_folder_is_refused(server: ServerProcess) -> None:
    status, _, said = await hongyan("serve", "--data", str(server.data_dir))
    assert (status, "works on" in said) == (3, True)


async def test_a_taken_port_is_told(server: ServerProcess, tmp_path: Path) -> None:
    listen = server.url.removeprefix("http://")
    status, _, said = await hongyan("serve", "--data", str(tmp_path / "two"), "--listen", listen)
    assert (status, f"cannot serve on {listen}" in said) == (1, True)


async def test_the_protocol_is_offered(server: ServerProcess) -> None:
    def read(path: str) -> bytes:
        with urllib.request.urlopen(server.url + path) as answer:
            return bytes(answer.read())

    assert json.loads(await asyncio.to_thread(read, "/protocol/asyncapi.json"))["asyncapi"]
    schema = await asyncio.to_thread(read, "/protocol/schemas/message.send.json")
    assert json.loads(schema)["title"] == "message.send"
    assert b"4003" in await asyncio.to_thread(read, "/protocol/README.md")


async def test_a_stopping_server_asks_to_reconnect(tmp_path: Path) -> None:
    server = ServerProcess(tmp_path / "data", {"server.drain_s": "1"})
    await server.start()
    folder = str(server.data_dir)
    await hongyan("user", "create", "li", "--no-password", "--data", folder)
    _, token, _ = await hongyan("token", "mint", "li", "--data", folder)
    async with connect(server.websocket_url) as socket:
        hello = {"id": 1, "method": "hello", "params": {"token": token.strip()}}
        await socket.send(json.dumps(hello))
        await socket.recv()
        stopping = asyncio.create_task(server.stop())
        pushed = json.loads(await socket.recv())
        assert pushed["event"] == "reconnect"
        assert 0 <= pushed["data"]["after_ms"] <= 1000
        with pytest.raises(ConnectionClosed):
            await socket.recv()
    assert socket.close_code == 1012
    assert await stopping == 0
    assert not (server.data_dir / "control.sock").exists()
