"""Sizes and places in lists."""

import base64

import pytest

from hongyan.kernel.errors import Invalid, LimitReached
from hongyan.kernel.limits import check_length, check_range
from hongyan.kernel.pages import PAGE_MAX, check_page, read_page_token, write_page_token


@pytest.mark.parametrize("values", [("a",), (1, "é/:"), ("", 0), (2**60, "x" * 64)])
def test_a_place_comes_back(values):
    assert read_page_token(write_page_token(*values), *(type(value) for value in values)) == values


def test_no_place_is_the_start():
    assert read_page_token("", str, int) == ()


def encoded(raw):
    return base64.urlsafe_b64encode(raw).decode()


NONSENSE = [
    *("x", "é", "====", "A" * 5),
    *(encoded(raw) for raw in (b"{", b"[1]", b"[true]", b'["a",1]', b"[\xff]", b'{"a":1}')),
    *(encoded(raw) for raw in (b"[" * 5000, b"[-1]", b"[9223372036854775808]", b'["\\ud800"]')),
]


@pytest.mark.parametrize("text", NONSENSE)
@pytest.mark.parametrize("kind", [str, int])
def test_what_is_no_place_is_refused(text, kind):
    with pytest.raises(Invalid):
        read_page_token(text, kind, kind)


def test_bounds():
    check_length("name", "abc", 3, least=3)
    check_range("n", 1, 1, 1)
    check_page(1)
    check_page(PAGE_MAX)
    with pytest.raises(LimitReached) as refusal:
        check_length("name", "abcd", 3)
    assert refusal.value.details == {"field": "name", "limit": 3}
    for check in (
        lambda: check_length("name", "", 3, least=1),
        lambda: check_range("n", 2, 0, 1),
        lambda: check_page(0),
        lambda: check_page(PAGE_MAX + 1),
    ):
        with pytest.raises(Invalid):
            check()
