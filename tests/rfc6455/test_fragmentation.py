"""Messages in several frames (RFC 6455, section 5.4)."""

import pytest

from .conftest import Serve, Served
from .raw import BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT, close_payload, frame


def fragments(*parts: bytes, opcode: int = TEXT) -> list[bytes]:
    return [
        frame(CONTINUATION if number else opcode, part, fin=number == len(parts) - 1)
        for number, part in enumerate(parts)
    ]


@pytest.mark.parametrize(
    "parts",
    [
        (b"one", b"two"),
        (b"", b""),
        (b"", b"x"),
        (b"x", b""),
        (b"", b"", b"x", b"", b""),
        tuple(b"%d" % number for number in range(100)),
        (b"a" * 70_000, b"b" * 70_000),
    ],
)
@pytest.mark.parametrize("together", [True, False])
async def test_fragments_become_one_message(
    served: Served, parts: tuple[bytes, ...], together: bool
) -> None:
    client = await served.text()
    frames = fragments(*parts)
    await client.send(*([b"".join(frames)] if together else frames))
    await client.expect(TEXT, b"".join(parts))


async def test_binary_fragments_become_one_message(served: Served) -> None:
    client = await served.binary()
    await client.send(*fragments(b"\xff", b"\x00\xfe", opcode=BINARY))
    await client.expect(BINARY, b"\xff\x00\xfe")


async def test_fragments_may_come_a_byte_at_a_time(served: Served) -> None:
    client = await served.text()
    data = b"".join(fragments(b"hello ", b"wor", b"ld"))
    await client.send(*(data[i : i + 1] for i in range(len(data))))
    await client.expect(TEXT, b"hello world")


@pytest.mark.parametrize("together", [True, False])
async def test_a_ping_between_fragments_is_answered_at_once(served: Served, together: bool) -> None:
    client = await served.text()
    first, last = fragments(b"one", b"two")
    frames = [first, frame(PING, b"between"), last]
    await client.send(*([b"".join(frames)] if together else frames))
    await client.expect(PONG, b"between")
    await client.expect(TEXT, b"onetwo")


async def test_many_pings_between_fragments(served: Served) -> None:
    client = await served.text()
    for number, part in enumerate(fragments(*[b"x"] * 5)):
        await client.send(part + frame(PING, b"%d" % number))
        if number < 4:
            await client.expect(PONG, b"%d" % number)
    await client.expect(TEXT, b"xxxxx")
    await client.expect(PONG, b"4")


async def test_a_pong_between_fragments_is_ignored(served: Served) -> None:
    client = await served.text()
    first, last = fragments(b"one", b"two")
    await client.send(first, frame(PONG, b"between"), last)
    await client.expect(TEXT, b"onetwo")


async def test_a_close_between_fragments_closes(served: Served) -> None:
    client = await served.text()
    await client.send(fragments(b"one", b"two")[0] + frame(CLOSE, close_payload(1000)))
    await client.expect_close(1000)
    assert served.sessions[0].got == []


@pytest.mark.parametrize("fin", [True, False])
@pytest.mark.parametrize("payload", [b"", b"x"])
async def test_a_continuation_of_nothing_fails(served: Served, fin: bool, payload: bytes) -> None:
    client = await served.text()
    await client.send(frame(CONTINUATION, payload, fin=fin))
    await client.expect_close(1002)


async def test_a_continuation_behind_a_whole_message_fails(served: Served) -> None:
    client = await served.text()
    await client.send(frame(TEXT, b"whole") + frame(CONTINUATION, b"more"))
    await client.expect(TEXT, b"whole")
    await client.expect_close(1002)


async def test_a_second_continuation_behind_the_last_fails(served: Served) -> None:
    client = await served.text()
    await client.send(*fragments(b"a", b"b"), frame(CONTINUATION, b"c"))
    await client.expect(TEXT, b"ab")
    await client.expect_close(1002)


@pytest.mark.parametrize("opcode", [TEXT, BINARY])
@pytest.mark.parametrize("fin", [True, False])
async def test_a_new_message_inside_a_fragmented_one_fails(
    served: Served, opcode: int, fin: bool
) -> None:
    client = await served.text()
    await client.send(frame(TEXT, b"one", fin=False), frame(opcode, b"two", fin=fin))
    await client.expect_close(1002)


@pytest.mark.parametrize("opcode", [PING, PONG, CLOSE])
async def test_a_fragmented_control_frame_fails(served: Served, opcode: int) -> None:
    client = await served.text()
    await client.send(frame(opcode, b"", fin=False))
    await client.expect_close(1002)


@pytest.mark.parametrize("rsv", [1, 2, 4])
async def test_a_reserved_bit_on_a_continuation_fails(served: Served, rsv: int) -> None:
    client = await served.text()
    await client.send(frame(TEXT, b"one", fin=False), frame(CONTINUATION, b"two", rsv=rsv))
    await client.expect_close(1002)


async def test_the_next_message_starts_afresh(served: Served) -> None:
    client = await served.text()
    for _ in range(3):
        await client.send(*fragments(b"a", b"b"), frame(TEXT, b"whole"))
        await client.expect(TEXT, b"ab")
        await client.expect(TEXT, b"whole")


async def test_too_many_fragments_fail(serve: Serve) -> None:
    served = await serve(max_fragments=4)
    client = await served.text()
    await client.send(*fragments(*[b"x"] * 4))
    await client.expect(TEXT, b"xxxx")
    await client.send(*fragments(*[b""] * 5))
    await client.expect_close(1009)
