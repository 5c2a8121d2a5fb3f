"""Lengths, masks, reserved bits and opcodes (RFC 6455, section 5)."""

import pytest

from .conftest import Serve, Served
from .raw import BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT, frame

SIZES = [0, 1, 125, 126, 127, 128, 65534, 65535, 65536, 65537, 300_000]


@pytest.mark.parametrize("size", SIZES)
async def test_text_of_every_length_comes_back(served: Served, size: int) -> None:
    client = await served.text()
    await client.send(frame(TEXT, b"*" * size))
    await client.expect(TEXT, b"*" * size)


@pytest.mark.parametrize("size", SIZES)
async def test_binary_of_every_length_comes_back(served: Served, size: int) -> None:
    client = await served.binary()
    await client.send(frame(BINARY, b"\xfe" * size))
    await client.expect(BINARY, b"\xfe" * size)


@pytest.mark.parametrize("size", [0, 1, 125, 126, 127, 200])
async def test_a_message_may_come_a_byte_at_a_time(served: Served, size: int) -> None:
    client = await served.text()
    data = frame(TEXT, b"a" * size) + frame(PING, b"behind")
    await client.send(*(data[i : i + 1] for i in range(len(data))))
    await client.expect(TEXT, b"a" * size)
    await client.expect(PONG, b"behind")


@pytest.mark.parametrize("chunk", [2, 3, 5, 7, 1000, 1793, 4096])
async def test_a_stream_may_be_cut_anywhere(served: Served, chunk: int) -> None:
    client = await served.text()
    messages = [b"x" * size for size in (0, 3, 125, 126, 1790, 2048, 5000)]
    data = b"".join(frame(TEXT, message) for message in messages)
    await client.send(*(data[i : i + chunk] for i in range(0, len(data), chunk)))
    for message in messages:
        await client.expect(TEXT, message)


async def test_many_messages_in_one_write_come_back_in_order(served: Served) -> None:
    client = await served.text()
    messages = [b"%d" % number * 20 for number in range(3000)]
    await client.send(b"".join(frame(TEXT, message) for message in messages))
    for message in messages:
        await client.expect(TEXT, message)


async def test_a_grown_buffer_is_given_back_without_loss(served: Served) -> None:
    client = await served.text()
    transport = served.sessions[0].socket._transport
    for size in (100_000, 5, 40_000, 0, 200_000):
        await client.send(frame(TEXT, b"b" * size), frame(PING, b"p"), frame(TEXT, b"c"))
        await client.expect(TEXT, b"b" * size)
        await client.expect(PONG, b"p")
        await client.expect(TEXT, b"c")
    assert len(transport.get_protocol().get_buffer(-1)) <= 2048


@pytest.mark.parametrize("key", [b"\0\0\0\0", b"\xff\xff\xff\xff", b"\x01\x80\x7f\xfe"])
async def test_every_mask_is_taken_off(served: Served, key: bytes) -> None:
    client = await served.binary()
    payload = bytes(range(256)) * 5
    await client.send(frame(BINARY, payload, key=key))
    await client.expect(BINARY, payload)


@pytest.mark.parametrize("opcode", [TEXT, BINARY, CONTINUATION, PING, PONG, CLOSE])
@pytest.mark.parametrize("size", [0, 10])
async def test_an_unmasked_frame_fails(served: Served, opcode: int, size: int) -> None:
    client = await served.text()
    await client.send(frame(opcode, b"x" * size, masked=False))
    await client.expect_close(1002)


@pytest.mark.parametrize("rsv", range(1, 8))
@pytest.mark.parametrize("opcode", [TEXT, PING, PONG, CLOSE])
async def test_a_reserved_bit_fails(served: Served, rsv: int, opcode: int) -> None:
    client = await served.text()
    await client.send(frame(opcode, b"", rsv=rsv))
    await client.expect_close(1002)


@pytest.mark.parametrize("opcode", [3, 4, 5, 6, 7, 0xB, 0xC, 0xD, 0xE, 0xF])
@pytest.mark.parametrize("fin", [True, False])
async def test_a_reserved_opcode_fails(served: Served, opcode: int, fin: bool) -> None:
    client = await served.text()
    await client.send(frame(opcode, b"x", fin=fin))
    await client.expect_close(1002)


@pytest.mark.parametrize("payload", [b"", b"x", bytes(range(125))])
async def test_a_ping_is_answered_with_its_payload(served: Served, payload: bytes) -> None:
    client = await served.text()
    await client.send(frame(PING, payload))
    await client.expect(PONG, payload)


async def test_pings_are_answered_in_order(served: Served) -> None:
    client = await served.text()
    await client.send(b"".join(frame(PING, b"%d" % number) for number in range(10)))
    for number in range(10):
        await client.expect(PONG, b"%d" % number)


@pytest.mark.parametrize("payload", [b"", b"unasked"])
async def test_a_pong_nobody_asked_for_is_ignored(served: Served, payload: bytes) -> None:
    client = await served.text()
    await client.send(frame(PONG, payload))
    await client.expect_silence()


@pytest.mark.parametrize("opcode", [PING, PONG, CLOSE])
@pytest.mark.parametrize("size", [126, 65536])
async def test_a_long_control_frame_fails(served: Served, opcode: int, size: int) -> None:
    client = await served.text()
    await client.send(frame(opcode, b"x" * size))
    await client.expect_close(1002)


@pytest.mark.parametrize(
    "length",
    [
        b"\x7e\x00\x05",
        b"\x7e\x00\x7d",
        b"\x7f\x00\x00\x00\x00\x00\x00\x00\x05",
        b"\x7f\x00\x00\x00\x00\x00\x00\xff\xff",
        b"\x7f\x80\x00\x00\x00\x00\x00\x00\x05",
        b"\x7f\xff\xff\xff\xff\xff\xff\xff\xff",
    ],
)
async def test_a_length_that_is_not_the_shortest_fails(served: Served, length: bytes) -> None:
    client = await served.text()
    await client.send(frame(TEXT, b"hello", length=length))
    await client.expect_close(1002)


async def test_what_came_before_a_fault_is_still_answered(served: Served) -> None:
    client = await served.text()
    await client.send(frame(TEXT, b"good") + frame(PING, b"p") + frame(3, b"bad"))
    await client.expect(TEXT, b"good")
    await client.expect(PONG, b"p")
    await client.expect_close(1002)


async def test_what_comes_behind_a_fault_is_ignored(served: Served) -> None:
    client = await served.text()
    await client.send(frame(TEXT, b"", rsv=2) + frame(TEXT, b"more") + frame(PING, b"p"))
    await client.expect_close(1002)
    assert served.sessions[0].got == []


async def test_messages_of_the_other_kind_are_unsupported(served: Served) -> None:
    text, binary = await served.text(), await served.binary()
    await text.send(frame(BINARY, b"{}"))
    await text.expect_close(1003)
    await binary.send(frame(TEXT, b"{}"))
    await binary.expect_close(1003)


async def test_an_exception_above_closes_with_1011_and_tells_nothing(serve: Serve) -> None:
    from .conftest import Echo

    class Broken(Echo):
        def received(self, data: bytes) -> None:
            raise RuntimeError("a secret")

    served = await serve(session=Broken)
    client = await served.text()
    await client.send(frame(TEXT, b"x"))
    assert await client.expect_close(1011) == ""
