import contextlib
from http import HTTPStatus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hongyan.wire.websocket.handshake import (
    Headers,
    Policy,
    Refused,
    accept,
    accept_key,
    choose_subprotocol,
    origin_allowed,
)

POLICY = Policy(("a", "b"), "a")
GOOD = [
    (b"Host", b"chat.example.org"),
    (b"Sec-WebSocket-Version", b"13"),
    (b"Sec-WebSocket-Key", b"dGhlIHNhbXBsZSBub25jZQ=="),
]


def test_the_rfc_s_key() -> None:
    assert accept_key("dGhlIHNhbXBsZSBub25jZQ==") == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="


def test_an_accepted_upgrade() -> None:
    accepted = accept("GET", "1.1", Headers(GOOD), POLICY)
    assert accepted.response.startswith(b"HTTP/1.1 101 Switching Protocols\r\n")
    assert accepted.response.endswith(b"\r\n\r\n")
    assert (accepted.subprotocol, accepted.window_bits) == ("a", 0)


def test_a_refusal_is_a_complete_response() -> None:
    refused = Refused(HTTPStatus.FORBIDDEN, "No.", ("X", "y"))
    assert refused.response() == (
        b"HTTP/1.1 403 Forbidden\r\nX: y\r\nContent-Type: text/plain; charset=utf-8\r\n"
        b"Content-Length: 4\r\nConnection: close\r\n\r\nNo.\n"
    )


@given(st.lists(st.tuples(st.sampled_from([name for name, _ in GOOD]), st.binary(max_size=30))))
def test_whatever_the_headers_are_there_is_an_answer(fields: list[tuple[bytes, bytes]]) -> None:
    with contextlib.suppress(Refused):
        accepted = accept("GET", "1.1", Headers(fields), POLICY)
        assert sorted(fields) == sorted(GOOD)
        assert accepted.subprotocol == "a"


@given(st.text(max_size=40), st.text(max_size=40))
def test_whatever_the_origin_is_it_is_judged(origin: str, host: str) -> None:
    assert origin_allowed(origin, host, ("*",))
    assert origin_allowed(origin, host, ()) in (True, False)


@pytest.mark.parametrize(
    ("offered", "chosen"), [([], "a"), (["b", "a"], "b"), (["x", "a"], "a"), (["a"], "a")]
)
def test_choose_subprotocol(offered: list[str], chosen: str) -> None:
    assert choose_subprotocol(offered, POLICY) == chosen


def test_without_fallback_a_client_must_offer() -> None:
    with pytest.raises(Refused):
        choose_subprotocol([], Policy(("b",)))


def test_headers() -> None:
    headers = Headers([(b"A", b" 1 "), (b"a", b"2, 3,"), (b"B", b"x")])
    assert headers.all("a") == "1, 2, 3,"
    assert headers.tokens("a") == ["1", "2", "3"]
    assert (headers.one("b"), headers.one("c")) == ("x", "")
    with pytest.raises(Refused):
        headers.one("a")
