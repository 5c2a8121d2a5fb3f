from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hongyan.wire.websocket.deflate import deflate
from hongyan.wire.websocket.frames import BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT
from hongyan.wire.websocket.messages import (
    RSV1,
    Assembler,
    Violation,
    close_code,
    may_close_with,
)


def feed_cut(
    assembler: Assembler, opcode: int, data: bytes, cuts: list[int], rsv: int = 0
) -> tuple[int, bytes] | None:
    """Feed a message in fragments cut at these places, with a ping before each."""
    edges = [0, *sorted(cut % (len(data) + 1) for cut in cuts), len(data)]
    whole = None
    for number, (start, end) in enumerate(pairwise(edges)):
        assert whole is None
        assert assembler.feed(PING, True, 0, b"p") == (PING, b"p")
        whole = assembler.feed(
            CONTINUATION if number else opcode,
            number == len(edges) - 2,
            0 if number else rsv,
            data[start:end],
        )
    return whole


@given(st.text(), st.lists(st.integers(0, 1000), max_size=8))
def test_text_comes_out_as_it_went_in_however_it_is_cut(text: str, cuts: list[int]) -> None:
    assembler = Assembler(1_000_000)
    data = text.encode()
    assert feed_cut(assembler, TEXT, data, cuts) == (TEXT, data)
    assert feed_cut(assembler, TEXT, data, cuts) == (TEXT, data)


@given(st.binary(), st.lists(st.integers(0, 1000), max_size=8))
def test_compressed_data_comes_out_inflated(data: bytes, cuts: list[int]) -> None:
    assembler = Assembler(1_000_000, compressed=True)
    assert feed_cut(assembler, BINARY, deflate(data), cuts, RSV1) == (BINARY, data)


@given(st.binary(max_size=40), st.lists(st.integers(0, 1000), max_size=8))
def test_bytes_are_text_exactly_if_they_decode(data: bytes, cuts: list[int]) -> None:
    try:
        data.decode()
    except UnicodeDecodeError:
        with pytest.raises(Violation) as violation:
            feed_cut(Assembler(1000), TEXT, data, cuts)
        assert violation.value.code == 1007
    else:
        assert feed_cut(Assembler(1000), TEXT, data, cuts) == (TEXT, data)


@given(
    st.lists(
        st.tuples(st.integers(0, 15), st.booleans(), st.integers(0, 7), st.binary(max_size=130)),
        max_size=20,
    )
)
def test_whatever_comes_is_a_message_or_a_violation(
    frames: list[tuple[int, bool, int, bytes]],
) -> None:
    assembler = Assembler(200, 3, compressed=True)
    code = None
    for opcode, fin, rsv, payload in frames:
        try:
            whole = assembler.feed(opcode, fin, rsv, payload)
        except Violation as violation:
            code = violation.code
            break
        assert whole is None or whole[0] in (TEXT, BINARY, CLOSE, PING, PONG)
        assert whole is None or len(whole[1]) <= 200
    assert code in (None, 1002, 1007, 1009)


def test_limits_hold_for_whole_and_for_fragmented_messages() -> None:
    for frames in (
        [(TEXT, True, b"x" * 11)],
        [(TEXT, False, b"x" * 11)],
        [(TEXT, False, b"x" * 10), (CONTINUATION, True, b"x")],
        [(TEXT, False, b""), *[(CONTINUATION, False, b"")] * 4],
    ):
        assembler = Assembler(10, 4)
        *before, (opcode, fin, payload) = frames
        for earlier in before:
            assert assembler.feed(earlier[0], earlier[1], 0, earlier[2]) is None
        with pytest.raises(Violation) as violation:
            assembler.feed(opcode, fin, 0, payload)
        assert violation.value.code == 1009


def test_which_codes_a_peer_may_close_with() -> None:
    allowed = {code for code in range(65536) if may_close_with(code)}
    registered = {1000, 1001, 1002, 1003, *range(1007, 1015)}
    assert allowed == registered | set(range(3000, 5000))


def test_close_code() -> None:
    assert close_code(b"") is None
    assert close_code(b"\x03\xe8bye") == 1000
