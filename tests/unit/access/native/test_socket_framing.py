import zlib

from hongyan.access.native.framing import Framings
from hongyan.domain.log.model import Signal
from hongyan.kernel.ids import DeviceId, LogId, UserId
from hongyan.wire.native.codec import JSON, MSGPACK


def test_each_framing_is_made_once() -> None:
    framings = Framings(100)
    assert framings.of(JSON, 0) is framings.of(JSON, 0)
    made = {framings.of(form, bits) for form in (JSON, MSGPACK) for bits in (0, 9, 15)}
    assert len(made) == 6


def test_only_long_messages_are_compressed() -> None:
    frame = Framings(100).of(JSON, 15).frame
    assert frame(b"x" * 99) == b"\x81\x63" + b"x" * 99
    packed = frame(b"x" * 100)
    assert packed[0] == 0xC1
    assert zlib.decompressobj(-15).decompress(packed[2:] + b"\0\0\xff\xff") == b"x" * 100


def test_formats_have_their_kind_of_message() -> None:
    assert Framings(0).of(JSON, 0).frame(b"{}")[0] == 0x81
    assert Framings(0).of(MSGPACK, 0).frame(b"{}")[0] == 0x82


def test_events_are_framed_alike() -> None:
    framing = Framings(100).of(JSON, 0)
    signal = Signal(LogId("c1"), "typing", UserId("u1"), b"{}", DeviceId(""))
    frame = framing.encoder.encode(signal)
    assert frame is not None
    assert frame[:1] == b"\x81"
    assert b'"event":"signal"' in frame
