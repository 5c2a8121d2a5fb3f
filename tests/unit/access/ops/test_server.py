"""A port for probes: few words, no patience."""

import asyncio

import pytest

from hongyan.access.ops import server
from hongyan.access.ops.server import OpsResponse, OpsServer


async def fine():
    return OpsResponse(b"fine\n")


async def broken():
    raise RuntimeError("broken")


@pytest.fixture
async def ops():
    made = OpsServer(
        {"/metrics": fine, "/healthz": fine, "/broken": broken}, "secret", frozenset({"/healthz"})
    )
    await made.open("127.0.0.1", 0)
    yield made
    await made.close()


async def ask(ops, text):
    reader, writer = await asyncio.open_connection(*ops.address)
    writer.write(text.replace("\n", "\r\n").encode())
    answer = await reader.read()
    writer.close()
    return answer.decode()


@pytest.mark.parametrize(
    ("text", "status"),
    [
        ("GET /healthz HTTP/1.1\nhost: x\n\n", "200 OK"),
        ("GET /healthz?a=b HTTP/1.0\n\n", "200 OK"),
        ("GET /metrics HTTP/1.1\n\n", "401 Unauthorized"),
        ("GET /metrics HTTP/1.1\nAuthorization: Bearer wrong\n\n", "401 Unauthorized"),
        ("GET /metrics HTTP/1.1\nAuthorization: Bearer secret\n\n", "200 OK"),
        ("POST /healthz HTTP/1.1\n\n", "405 Method Not Allowed"),
        ("GET /nothing HTTP/1.1\n\n", "404 Not Found"),
        ("rubbish\n\n", "400 Bad Request"),
        ("GET /broken HTTP/1.1\nauthorization: Bearer secret\n\n", "500 Internal Server Error"),
    ],
)
async def test_answers(ops, text, status):
    assert (await ask(ops, text)).startswith(f"HTTP/1.1 {status}\r\n")


async def test_head_has_no_body(ops):
    answer = await ask(ops, "HEAD /healthz HTTP/1.1\n\n")
    assert "content-length: 5" in answer
    assert answer.endswith("\r\n\r\n")


async def test_who_says_too_much_or_nothing_is_cut_off(ops, monkeypatch):
    assert await ask(ops, "GET /healthz HTTP/1.1\nx: " + "y" * 50_000) == ""
    monkeypatch.setattr(server, "TIMEOUT_S", 0.05)
    assert await ask(ops, "GET /healthz") == ""
