"""Frames and messages that are too big (RFC 6455, section 10.4; close code 1009)."""

import pytest

from .conftest import Serve
from .raw import BINARY, CONTINUATION, PING, PONG, TEXT, frame


@pytest.mark.parametrize("size", [999, 1000])
async def test_a_message_up_to_the_limit_is_taken(serve: Serve, size: int) -> None:
    client = await (await serve(max_message_bytes=1000)).text()
    await client.send(frame(TEXT, b"x" * size))
    await client.expect(TEXT, b"x" * size)


async def test_a_message_over_the_limit_fails(serve: Serve) -> None:
    served = await serve(max_message_bytes=1000)
    client = await served.text()
    await client.send(frame(TEXT, b"x" * 1001))
    assert "1000" in await client.expect_close(1009)
    assert served.sessions[0].got == []


async def test_fragments_over_the_limit_fail_before_the_message_ends(serve: Serve) -> None:
    client = await (await serve(max_message_bytes=1000)).text()
    await client.send(frame(TEXT, b"x" * 600, fin=False))
    await client.send(frame(CONTINUATION, b"x" * 401, fin=False))
    await client.expect_close(1009)


async def test_the_limit_is_each_message_s_own(serve: Serve) -> None:
    client = await (await serve(max_message_bytes=1000)).text()
    for _ in range(3):
        await client.send(frame(TEXT, b"x" * 500, fin=False), frame(CONTINUATION, b"x" * 500))
        await client.expect(TEXT, b"x" * 1000)


async def test_a_frame_over_its_limit_fails_by_its_header(serve: Serve) -> None:
    client = await (await serve(max_frame_bytes=1000)).text()
    await client.send(frame(TEXT, b"x" * 1001)[:8])
    await client.expect_close(1009)


async def test_fragments_may_exceed_a_frame_s_limit_together(serve: Serve) -> None:
    client = await (await serve(max_frame_bytes=1000)).text()
    await client.send(frame(TEXT, b"x" * 1000, fin=False), frame(CONTINUATION, b"x" * 1000))
    await client.expect(TEXT, b"x" * 2000)


@pytest.mark.parametrize("size", [2**32, 2**63 - 1])
async def test_an_announced_giant_fails(serve: Serve, size: int) -> None:
    client = await (await serve()).binary()
    await client.send(frame(BINARY, b"x" * 100, length=b"\x7f" + size.to_bytes(8, "big")))
    await client.expect_close(1009)


async def test_a_client_that_sends_on_can_read_why(serve: Serve) -> None:
    client = await (await serve(max_frame_bytes=1000)).text()
    await client.send(*[frame(TEXT, b"x" * 4_000_000)])
    await client.expect_close(1009)


async def test_control_frames_are_no_messages(serve: Serve) -> None:
    client = await (await serve(max_frame_bytes=10, max_message_bytes=10)).text()
    await client.send(frame(PING, b"x" * 125))
    await client.expect(PONG, b"x" * 125)
