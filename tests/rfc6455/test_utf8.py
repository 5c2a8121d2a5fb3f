"""Text is UTF-8 (RFC 6455, section 8.1)."""

import pytest

from .conftest import Served
from .raw import BINARY, CONTINUATION, TEXT, frame

VALID = [
    "Hello-µ@ßöäüàá-UTF-8!!",
    "κόσμε",
    "鸿雁传书",
    "\U0001f426\U0001f468\u200d\U0001f469\u200d\U0001f467",
    "\x00\x7f",
    "\x80\u07ff\u0800\uffff",
    "\ud7ff\ue000\ufffd\ufffe\uffff",
    "\U00010000\U0010ffff",
    "\ufdd0\ufdef\U0001fffe",
]

INVALID = [
    b"\x80",
    b"\xbf",
    b"\xc0\x80",
    b"\xc1\xbf",
    b"\xc2",
    b"\xc2\x20",
    b"\xe0\x80\x80",
    b"\xe0\x9f\xbf",
    b"\xe1\x80",
    b"\xed\xa0\x80",
    b"\xed\xbf\xbf",
    b"\xed\xa0\xbd\xed\xb8\x80",
    b"\xf0\x80\x80\x80",
    b"\xf0\x8f\xbf\xbf",
    b"\xf1\x80\x80",
    b"\xf4\x90\x80\x80",
    b"\xf5\x80\x80\x80",
    b"\xf8\x88\x80\x80\x80",
    b"\xfc\x84\x80\x80\x80\x80",
    b"\xfe",
    b"\xff",
    b"\xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc\xce\xb5\xed\xa0\x80edited",
]


@pytest.mark.parametrize("text", VALID)
async def test_valid_text_comes_back(served: Served, text: str) -> None:
    client = await served.text()
    await client.send(frame(TEXT, text.encode()))
    await client.expect(TEXT, text.encode())


@pytest.mark.parametrize("text", VALID)
async def test_a_code_point_may_be_split_over_fragments(served: Served, text: str) -> None:
    client = await served.text()
    data = text.encode()
    await client.send(frame(TEXT, data[:1], fin=False))
    for i in range(1, len(data)):
        await client.send(frame(CONTINUATION, data[i : i + 1], fin=False))
    await client.send(frame(CONTINUATION, b""))
    await client.expect(TEXT, data)


@pytest.mark.parametrize("data", INVALID)
async def test_invalid_text_fails(served: Served, data: bytes) -> None:
    client = await served.text()
    await client.send(frame(TEXT, b"good " + data))
    await client.expect_close(1007)
    assert served.sessions[0].got == []


@pytest.mark.parametrize("data", INVALID)
async def test_invalid_text_in_fragments_fails(served: Served, data: bytes) -> None:
    client = await served.text()
    await client.send(frame(TEXT, data[:1], fin=False))
    await client.send(
        *(frame(CONTINUATION, data[i : i + 1], fin=False) for i in range(1, len(data)))
    )
    await client.send(frame(CONTINUATION, b""))
    await client.expect_close(1007)


@pytest.mark.parametrize("data", [b"\xff", b"\xc0", b"\xed\xa0", b"\xf4\x90", b"\xe0\x80"])
async def test_an_invalid_fragment_fails_before_the_message_ends(
    served: Served, data: bytes
) -> None:
    client = await served.text()
    await client.send(frame(TEXT, b"good ", fin=False), frame(CONTINUATION, data, fin=False))
    await client.expect_close(1007)


async def test_binary_is_not_looked_at(served: Served) -> None:
    client = await served.binary()
    await client.send(frame(BINARY, b"\xff\xfe\x80"))
    await client.expect(BINARY, b"\xff\xfe\x80")
