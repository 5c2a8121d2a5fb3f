"""Clients that others wrote, against the same server."""

import asyncio
import json
from pathlib import Path

import aiohttp
import pytest
import websockets

from .conftest import Serve, Served

NODE = Path(__file__).parent / "node"
SIZES = [0, 1, 125, 126, 5000, 65535, 65536, 300_000]
SUBPROTOCOLS = ["hongyan.json", "hongyan.msgpack"]


@pytest.fixture(params=[False, True], ids=["plain", "deflate"])
def compressed(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


@pytest.fixture
async def server(serve: Serve, compressed: bool) -> Served:
    return await serve(compression=compressed)


def messages(subprotocol: str) -> list[str | bytes]:
    if subprotocol == "hongyan.json":
        return ["é" * (size // 2) for size in SIZES]
    return [b"\xfe" * size for size in SIZES]


@pytest.mark.parametrize("subprotocol", SUBPROTOCOLS)
async def test_websockets(server: Served, compressed: bool, subprotocol: str) -> None:
    async with websockets.connect(
        server.url,
        subprotocols=[websockets.Subprotocol(subprotocol)],
        compression="deflate" if compressed else None,
    ) as client:
        assert client.subprotocol == subprotocol
        assert bool(client.protocol.extensions) == compressed
        for message in messages(subprotocol):
            await client.send(message)
            assert await client.recv() == message
        parts = ["in ", "three ", "parts"]
        if subprotocol == "hongyan.json":
            await client.send(parts)
            assert await client.recv() == "in three parts"
        else:
            await client.send([part.encode() for part in parts])
            assert await client.recv() == b"in three parts"
        await asyncio.wait_for(await client.ping(), 5)
        await client.close(4321, "done")
        assert client.close_code == 4321
    await server.all_closed()


async def test_websockets_is_closed_by_the_server(server: Served, compressed: bool) -> None:
    async with websockets.connect(
        server.url, compression="deflate" if compressed else None
    ) as client:
        server.sessions[0].socket.close(4003, "kicked")
        with pytest.raises(websockets.ConnectionClosedError) as closed:
            await client.recv()
        assert closed.value.rcvd == websockets.frames.Close(4003, "kicked")
        assert closed.value.rcvd_then_sent
    await server.all_closed()


@pytest.mark.parametrize("subprotocol", SUBPROTOCOLS)
async def test_aiohttp(server: Served, compressed: bool, subprotocol: str) -> None:
    async with (
        aiohttp.ClientSession() as http,
        http.ws_connect(
            server.url.replace("ws://", "http://"),
            protocols=[subprotocol],
            compress=15 if compressed else 0,
            autoping=False,
        ) as client,
    ):
        assert client.protocol == subprotocol
        assert bool(client.compress) == compressed
        for message in messages(subprotocol):
            if isinstance(message, str):
                await client.send_str(message)
                assert await client.receive_str(timeout=5) == message
            else:
                await client.send_bytes(message)
                assert await client.receive_bytes(timeout=5) == message
        await client.ping(b"there?")
        assert await client.receive(timeout=5) == (aiohttp.WSMsgType.PONG, b"there?", "")
        await client.close(code=4321, message=b"done")
        assert client.close_code == 4321
    await server.all_closed()


async def run(*command: str, cwd: Path) -> str:
    process = await asyncio.create_subprocess_exec(
        *command, cwd=cwd, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    async with asyncio.timeout(100):
        out, err = await process.communicate()
    assert process.returncode == 0, err.decode()
    return out.decode()


@pytest.mark.xdist_group("npm")
@pytest.mark.parametrize("subprotocol", SUBPROTOCOLS)
async def test_npm_ws(server: Served, compressed: bool, subprotocol: str) -> None:
    if not (NODE / "node_modules").exists():
        pytest.skip("npm's packages are not here: tools/prepare-tests gets them")
    command = ("node", "echo.mjs", server.url, subprotocol, json.dumps(compressed))
    report = json.loads(await run(*command, cwd=NODE))
    assert report == {
        "subprotocol": subprotocol,
        "compressed": compressed,
        "echoed": [True] * 9,
        "pong": "are you there?",
        "close": [4321, ""],
    }
    await server.all_closed()
