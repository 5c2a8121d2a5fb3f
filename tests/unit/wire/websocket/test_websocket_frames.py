import pytest

from hongyan.wire.websocket.frames import BINARY, TEXT, close_frame, frame


@pytest.mark.parametrize(
    ("size", "head"),
    [
        (0, b"\x81\x00"),
        (125, b"\x81\x7d"),
        (126, b"\x81\x7e\x00\x7e"),
        (65535, b"\x81\x7e\xff\xff"),
        (65536, b"\x81\x7f\x00\x00\x00\x00\x00\x01\x00\x00"),
    ],
)
def test_the_shortest_length_is_used(size: int, head: bytes) -> None:
    assert frame(TEXT, b"x" * size) == head + b"x" * size


def test_rsv1_says_compressed() -> None:
    assert frame(BINARY, b"x", rsv1=True) == b"\xc2\x01x"


def test_a_close_frame_says_code_and_reason() -> None:
    assert close_frame(1000, "bye") == b"\x88\x05\x03\xe8bye"
    assert close_frame(None) == b"\x88\x00"


@pytest.mark.parametrize("reason", ["x" * 500, "é" * 500, "雁" * 500, "\U0001f426" * 500])
def test_a_reason_too_long_is_cut_to_valid_text(reason: str) -> None:
    data = close_frame(4000, reason)
    assert data[1] == len(data) - 2 <= 125
    assert reason.startswith(data[4:].decode())
