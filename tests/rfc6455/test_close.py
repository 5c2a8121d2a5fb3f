"""Closing (RFC 6455, sections 5.5.1 and 7)."""

import asyncio

import pytest

from .conftest import Served
from .raw import CLOSE, PING, TEXT, close_payload, frame

ALLOWED = [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014]
ALLOWED += [3000, 3999, 4000, 4001, 4999]
FORBIDDEN = [0, 1, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65535]


@pytest.mark.parametrize("code", ALLOWED)
async def test_a_close_is_answered_with_its_code(served: Served, code: int) -> None:
    client = await served.text()
    await client.send(frame(CLOSE, close_payload(code, b"bye")))
    assert await client.expect_close(code) == ""
    await served.all_closed()


@pytest.mark.parametrize("code", FORBIDDEN)
async def test_a_code_that_may_not_be_sent_fails(served: Served, code: int) -> None:
    client = await served.text()
    await client.send(frame(CLOSE, close_payload(code)))
    await client.expect_close(1002)


async def test_a_close_without_code_is_answered_without_code(served: Served) -> None:
    client = await served.text()
    await client.send(frame(CLOSE))
    await client.expect_close(None)
    await served.all_closed()


async def test_half_a_code_fails(served: Served) -> None:
    client = await served.text()
    await client.send(frame(CLOSE, b"\x03"))
    await client.expect_close(1002)


@pytest.mark.parametrize("reason", [b"", b"x", "再见".encode(), b"r" * 123])
async def test_a_reason_may_be_any_text(served: Served, reason: bytes) -> None:
    client = await served.text()
    await client.send(frame(CLOSE, close_payload(1000, reason)))
    await client.expect_close(1000)


@pytest.mark.parametrize("reason", [b"\xff", b"\xed\xa0\x80", b"ok\xc3"])
async def test_a_reason_that_is_not_utf8_fails(served: Served, reason: bytes) -> None:
    client = await served.text()
    await client.send(frame(CLOSE, close_payload(1000, reason)))
    await client.expect_close(1007)


async def test_a_close_longer_than_125_fails(served: Served) -> None:
    client = await served.text()
    await client.send(frame(CLOSE, close_payload(1000, b"r" * 124)))
    await client.expect_close(1002)


@pytest.mark.parametrize(
    "behind",
    [frame(TEXT, b"more"), frame(PING), frame(CLOSE), b"garbage"],
    ids=["text", "ping", "close", "garbage"],
)
async def test_what_comes_behind_a_close_is_ignored(served: Served, behind: bytes) -> None:
    client = await served.text()
    await client.send(frame(CLOSE, close_payload(1000)))
    await client.send(behind)
    await client.expect_close(1000)
    assert served.sessions[0].got == []


async def test_messages_before_a_close_are_answered(served: Served) -> None:
    client = await served.text()
    await client.send(frame(TEXT, b"last words") + frame(CLOSE, close_payload(1000)))
    await client.expect(TEXT, b"last words")
    await client.expect_close(1000)


async def test_the_server_waits_for_the_answer_to_its_close(served: Served) -> None:
    client = await served.text()
    await client.send(frame(TEXT, b"x"))
    await client.expect(TEXT, b"x")
    served.sessions[0].socket.close(4003, "kicked")
    assert await client.frame() == (CLOSE, close_payload(4003, b"kicked"), 0)
    await client.send(frame(TEXT, b"crossing") + frame(PING, b"crossing"))
    await client.send(frame(CLOSE, close_payload(4003)))
    await client.expect_end()
    await served.all_closed()
    assert served.sessions[0].got == [b"x"]


async def test_what_was_pushed_before_a_close_is_sent_before_it(served: Served) -> None:
    client = await served.text()
    socket = served.sessions[0].socket
    socket.outbox.push(socket.frame(b"goodbye"))
    socket.close(4000, "")
    socket.outbox.push(socket.frame(b"too late"))
    await client.expect(TEXT, b"goodbye")
    assert await client.frame() == (CLOSE, close_payload(4000), 0)


async def test_a_long_reason_is_cut_between_characters(served: Served) -> None:
    client = await served.text()
    served.sessions[0].socket.close(4000, "雁" * 100)
    assert await client.frame() == (CLOSE, close_payload(4000, "雁".encode() * 41), 0)


async def test_a_fault_while_closing_ends_at_once(served: Served) -> None:
    client = await served.text()
    served.sessions[0].socket.close(4000, "")
    assert (await client.frame())[0] == CLOSE
    await client.send(frame(TEXT, b"", rsv=7))
    await client.expect_end()
    await client.close()
    await served.all_closed()


async def test_a_peer_that_never_answers_a_close_is_dropped(served: Served) -> None:
    client = await served.text()
    sockets = served.web.sockets
    served.sessions[0].socket.close(4000, "")
    assert (await client.frame())[0] == CLOSE
    await asyncio.sleep(0)
    assert served.sessions[0].closes == 1  # the session need not wait for it
    assert len(sockets) == 1
    sockets.advance(asyncio.get_running_loop().time() + 1000)
    await served.all_closed()


async def test_a_connection_that_breaks_is_told_once(served: Served) -> None:
    client = await served.text()
    client.writer.transport.abort()
    await served.all_closed()


async def test_a_half_close_ends_the_connection(served: Served) -> None:
    client = await served.text()
    await client.send(frame(TEXT, b"x"))
    await client.expect(TEXT, b"x")
    client.writer.write_eof()
    await client.expect_end()
    await served.all_closed()


async def test_a_half_close_inside_a_frame_ends_the_connection(served: Served) -> None:
    client = await served.text()
    await client.send(frame(TEXT, b"x" * 100)[:50])
    client.writer.write_eof()
    await client.expect_end()
    await served.all_closed()
    assert served.sessions[0].got == []
