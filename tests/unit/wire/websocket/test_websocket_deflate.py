import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hongyan.wire.websocket.deflate import Corrupt, InflatedTooLong, agree, deflate, inflate


@given(st.binary(max_size=5000), st.integers(9, 15))
def test_inflate_undoes_deflate(data: bytes, bits: int) -> None:
    assert inflate(deflate(data, bits), len(data)) == data


@given(st.binary(min_size=1, max_size=5000))
def test_one_byte_more_than_the_limit_is_too_long(data: bytes) -> None:
    with pytest.raises(InflatedTooLong):
        inflate(deflate(data), len(data) - 1)


@given(st.binary(max_size=200))
def test_garbage_is_corrupt_or_inflates_within_the_limit(data: bytes) -> None:
    with contextlib.suppress(Corrupt, InflatedTooLong):
        assert len(inflate(data, 1000)) <= 1000


@given(st.text(alphabet='permsagdflt-_ ;=,"0123456789xbitw', max_size=80))
def test_whatever_is_offered_the_answer_keeps_no_context(offers: str) -> None:
    agreed = agree("permessage-deflate;" + offers)
    if agreed is not None:
        assert "server_no_context_takeover; client_no_context_takeover" in agreed[0]
        assert 9 <= agreed[1] <= 15
