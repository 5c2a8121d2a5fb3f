"""HTTP on the same port."""

import asyncio
import contextlib

import pytest

from .conftest import Serve, Served
from .raw import TEXT, frame, request

GET = b"GET /hello HTTP/1.1\r\nHost: x\r\n\r\n"


async def test_the_application_answers_beside_the_websocket(served: Served) -> None:
    client = await served.connect()
    for _ in range(2):
        await client.send(GET)
        response = await client.response()
        assert (response.status, response.body) == (200, b"GET /hello 127.0.0.1")
        assert "date" in response.headers


async def test_a_connection_may_be_upgraded_after_a_request(served: Served) -> None:
    client = await served.connect()
    await client.send(GET)
    assert (await client.response()).status == 200
    await client.upgrade()
    await client.send(frame(TEXT, b"x"))
    await client.expect(TEXT, b"x")


async def test_a_request_at_the_websocket_s_path_is_told_to_upgrade(served: Served) -> None:
    client = await served.connect()
    await client.send(b"GET /ws HTTP/1.1\r\nHost: x\r\n\r\n")
    response = await client.response()
    assert response.status == 426
    assert response.headers["upgrade"] == "websocket"


async def test_an_upgrade_to_something_else_is_an_ordinary_request(served: Served) -> None:
    client = await served.connect()
    await client.send(request("/hello", Upgrade="h2c"))
    assert (await client.response()).status == 200


async def test_headers_without_end_are_refused(served: Served) -> None:
    client = await served.connect()
    await client.send(b"GET / HTTP/1.1\r\n" + b"X: " + b"y" * 40_000)
    assert (await client.response()).status == 431
    await client.expect_end()


@pytest.mark.parametrize("data", [b"", b"GET", b"GET / HTTP/1.1\r\nHost: x\r\n"])
async def test_headers_must_come_in_time(serve: Serve, data: bytes) -> None:
    served = await serve(handshake_timeout_s=0.1)
    client = await served.connect()
    if data:
        await client.send(data)
    with contextlib.suppress(ConnectionError):
        assert await asyncio.wait_for(client.reader.read(), 3) == b""


async def test_an_idle_connection_outlives_the_timeout_of_its_headers(serve: Serve) -> None:
    served = await serve(handshake_timeout_s=0.05)
    client = await served.connect()
    await client.send(GET)
    assert (await client.response()).status == 200
    await asyncio.sleep(0.2)
    await client.send(GET)
    assert (await client.response()).status == 200


async def test_garbage_is_a_bad_request(served: Served) -> None:
    client = await served.connect()
    await client.send(b"\x16\x03\x01\x02\x00\x01\x00\r\n\r\n")
    assert (await client.response()).status == 400


async def test_an_upgrade_while_a_request_runs_ends_the_connection(served: Served) -> None:
    client = await served.connect()
    await client.send(GET + request())
    with contextlib.suppress(ConnectionError):
        assert await asyncio.wait_for(client.reader.read(), 5) == b""
    assert served.sessions == []
