"""permessage-deflate (RFC 7692)."""

import zlib

import pytest

from .conftest import Serve, Served
from .raw import BINARY, CONTINUATION, PING, PONG, TEXT, Raw, frame

RSV1 = 4
TAIL = b"\x00\x00\xff\xff"


def packed(data: bytes, bits: int = 15) -> bytes:
    stream = zlib.compressobj(wbits=-bits)
    return (stream.compress(data) + stream.flush(zlib.Z_SYNC_FLUSH))[:-4]


def unpacked(data: bytes, bits: int = 15) -> bytes:
    return zlib.decompressobj(-bits).decompress(data + TAIL)


@pytest.fixture
async def deflating(serve: Serve) -> Served:
    return await serve(compression=True, compression_threshold_bytes=100)


async def upgraded(served: Served, offer: str = "permessage-deflate") -> Raw:
    return await served.upgraded(
        Sec_WebSocket_Protocol="hongyan.json", Sec_WebSocket_Extensions=offer
    )


BOTH = "permessage-deflate; server_no_context_takeover; client_no_context_takeover"


@pytest.mark.parametrize(
    ("offer", "answer"),
    [
        ("permessage-deflate", BOTH),
        ("Permessage-Deflate", BOTH),
        ("permessage-deflate; client_max_window_bits", BOTH),
        ("permessage-deflate; client_max_window_bits=10", BOTH),
        ('permessage-deflate; client_max_window_bits="8"', BOTH),
        ("permessage-deflate; server_no_context_takeover", BOTH),
        ("permessage-deflate;client_no_context_takeover;server_no_context_takeover", BOTH),
        (
            "permessage-deflate; server_max_window_bits=10",
            BOTH + "; server_max_window_bits=10",
        ),
        ("permessage-deflate; server_max_window_bits=8", None),
        ("permessage-deflate; server_max_window_bits=8, permessage-deflate", BOTH),
        ("permessage-deflate; unknown, permessage-deflate", BOTH),
        ("x-other, permessage-deflate", BOTH),
        ("x-other", None),
        ("permessage-deflate; server_max_window_bits", None),
        ("permessage-deflate; server_max_window_bits=16", None),
        ("permessage-deflate; server_max_window_bits=010", None),
        ("permessage-deflate; client_max_window_bits=7", None),
        ("permessage-deflate; client_max_window_bits=", None),
        ("permessage-deflate; server_no_context_takeover=1", None),
        ("permessage-deflate; client_max_window_bits; client_max_window_bits", None),
        ("", None),
    ],
)
async def test_negotiation(deflating: Served, offer: str, answer: str | None) -> None:
    client = await deflating.connect()
    response = await client.upgrade(Sec_WebSocket_Extensions=offer)
    assert response.headers.get("sec-websocket-extensions") == answer


async def test_off_by_default(served: Served) -> None:
    client = await served.connect()
    response = await client.upgrade(Sec_WebSocket_Extensions="permessage-deflate")
    assert "sec-websocket-extensions" not in response.headers
    await client.send(frame(TEXT, packed(b"x"), rsv=RSV1))
    await client.expect_close(1002)


@pytest.mark.parametrize("size", [100, 126, 5000, 70_000, 500_000])
async def test_long_messages_are_compressed_both_ways(deflating: Served, size: int) -> None:
    client = await upgraded(deflating)
    message = (b"hongyan " * (size // 8 + 1))[:size]
    for _ in range(2):  # no context is kept
        await client.send(frame(TEXT, packed(message), rsv=RSV1))
        opcode, payload, rsv = await client.frame()
        assert (opcode, rsv) == (TEXT, RSV1)
        assert unpacked(payload) == message
        assert len(payload) < size


@pytest.mark.parametrize("size", [0, 1, 99])
async def test_short_messages_are_not_compressed(deflating: Served, size: int) -> None:
    client = await upgraded(deflating)
    await client.send(frame(TEXT, packed(b"x" * size), rsv=RSV1))
    await client.expect(TEXT, b"x" * size)


@pytest.mark.parametrize("bits", [9, 12, 15])
async def test_the_server_keeps_to_the_window_asked_for(deflating: Served, bits: int) -> None:
    client = await upgraded(deflating, f"permessage-deflate; server_max_window_bits={bits}")
    message = bytes(range(97, 123)) * 1000
    await client.send(frame(TEXT, message))
    _, payload, rsv = await client.frame()
    assert rsv == RSV1
    assert unpacked(payload, bits) == message


async def test_a_peer_need_not_compress(deflating: Served) -> None:
    client = await upgraded(deflating)
    await client.send(frame(TEXT, b"plain"))
    await client.expect(TEXT, b"plain")


async def test_a_peer_that_did_not_ask_is_sent_nothing_compressed(deflating: Served) -> None:
    client = await deflating.text()
    await client.send(frame(TEXT, b"x" * 1000))
    await client.expect(TEXT, b"x" * 1000)
    await client.send(frame(TEXT, b"", rsv=RSV1))
    await client.expect_close(1002)


async def test_a_compressed_message_may_be_fragmented(deflating: Served) -> None:
    client = await upgraded(deflating)
    data = packed(b"a fragmented message")
    await client.send(frame(TEXT, data[:5], fin=False, rsv=RSV1))
    await client.send(frame(PING, b"between"))
    await client.expect(PONG, b"between")
    await client.send(frame(CONTINUATION, data[5:6], fin=False), frame(CONTINUATION, data[6:]))
    await client.expect(TEXT, b"a fragmented message")


async def test_other_ways_to_compress(deflating: Served) -> None:
    client = await upgraded(deflating)
    stored = zlib.compressobj(0, wbits=-15)
    final = zlib.compressobj(wbits=-15)
    first = zlib.compressobj(wbits=-15)
    pieces = first.compress(b"Hello") + first.flush(zlib.Z_FULL_FLUSH)
    pieces += first.compress(b" Hello") + first.flush(zlib.Z_SYNC_FLUSH)
    for data, message in (
        (b"\x00", b""),  # RFC 7692, section 7.2.3.6: an empty message
        (bytes.fromhex("f248cdc9c90700"), b"Hello"),  # 7.2.3.1
        (bytes.fromhex("000500faff48656c6c6f00"), b"Hello"),  # 7.2.3.3: no compression
        (bytes.fromhex("f348cdc9c9070000"), b"Hello"),  # 7.2.3.4: a final block
        (bytes.fromhex("f248050000 00ffff cac9c90700".replace(" ", "")), b"Hello"),  # 7.2.3.5
        ((stored.compress(b"zz") + stored.flush(zlib.Z_SYNC_FLUSH))[:-4], b"zz"),
        (final.compress(b"end") + final.flush() + b"\x00", b"end"),
        (pieces[:-4], b"Hello Hello"),
    ):
        await client.send(frame(TEXT, data, rsv=RSV1))
        await client.expect(TEXT, message)


@pytest.mark.parametrize("rsv", [1, 2, 3, 5, 6, 7])
async def test_other_reserved_bits_still_fail(deflating: Served, rsv: int) -> None:
    client = await upgraded(deflating)
    await client.send(frame(TEXT, b"", rsv=rsv))
    await client.expect_close(1002)


@pytest.mark.parametrize("opcode", [PING, PONG, 8])
async def test_control_frames_are_never_compressed(deflating: Served, opcode: int) -> None:
    client = await upgraded(deflating)
    await client.send(frame(opcode, b"", rsv=RSV1))
    await client.expect_close(1002)


async def test_only_the_first_frame_says_compressed(deflating: Served) -> None:
    client = await upgraded(deflating)
    await client.send(frame(TEXT, b"a", fin=False, rsv=RSV1), frame(CONTINUATION, b"", rsv=RSV1))
    await client.expect_close(1002)


async def test_compressed_text_must_be_utf8(deflating: Served) -> None:
    client = await upgraded(deflating)
    await client.send(frame(TEXT, packed(b"\xff"), rsv=RSV1))
    await client.expect_close(1007)


async def test_corrupt_data_fails(deflating: Served) -> None:
    client = await upgraded(deflating)
    await client.send(frame(TEXT, b"\xff\xff\xff\xff", rsv=RSV1))
    await client.expect_close(1007)


async def test_a_bomb_is_not_inflated(serve: Serve) -> None:
    served = await serve(compression=True, max_message_bytes=100_000)
    client = await upgraded(served)
    await client.send(frame(TEXT, packed(b"x" * 100_000), rsv=RSV1))
    opcode, payload, _ = await client.frame()
    assert (opcode, len(unpacked(payload))) == (TEXT, 100_000)
    bomb = packed(b"x" * 50_000_000)
    assert len(bomb) < 100_000
    await client.send(frame(TEXT, bomb, rsv=RSV1))
    await client.expect_close(1009)


async def test_a_bomb_of_final_blocks_is_not_inflated(serve: Serve) -> None:
    served = await serve(compression=True, max_message_bytes=100_000)
    client = await upgraded(served)
    stream = zlib.compressobj(wbits=-15)
    block = stream.compress(b"x" * 60_000) + stream.flush()
    await client.send(frame(TEXT, block * 2, rsv=RSV1))
    await client.expect_close(1009)


async def test_binary_too(deflating: Served) -> None:
    client = await deflating.upgraded(
        Sec_WebSocket_Protocol="hongyan.msgpack", Sec_WebSocket_Extensions="permessage-deflate"
    )
    await client.send(frame(BINARY, packed(b"\xff" * 1000), rsv=RSV1))
    opcode, payload, rsv = await client.frame()
    assert (opcode, rsv, unpacked(payload)) == (BINARY, RSV1, b"\xff" * 1000)
