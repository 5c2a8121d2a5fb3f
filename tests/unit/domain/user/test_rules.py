"""Identifiers, names and search keys."""

import pytest

from hongyan.domain.user.common_passwords import COMMON_PASSWORDS
from hongyan.domain.user.model import Privacy, User
from hongyan.domain.user.rules import (
    clean_email,
    clean_handle,
    clean_phone,
    identifiers,
    search_keys,
    terms,
)
from hongyan.kernel.errors import Invalid


def test_common_passwords_are_long_enough_to_matter():
    assert len(COMMON_PASSWORDS) > 150
    assert {word for word in COMMON_PASSWORDS if len(word) < 8 or word != word.casefold()} == set()


@pytest.mark.parametrize("text", ["\u212aelvin", "\uff41lice", "al\u0131ce", "alice\n"])
def test_handles_are_ascii_and_look_alikes_are_not(text):
    if text.strip().lower().isascii():
        assert clean_handle(text).isascii()
    else:
        with pytest.raises(Invalid):
            clean_handle(text)


@pytest.mark.parametrize(
    ("text", "email"),
    [
        ("A.B+c@Example.org", "a.b+c@example.org"),
        ("a@\u4f8b\u5b50.\u4e2d\u56fd", "a@xn--fsqu00a.xn--fiqs8s"),
    ],
)
def test_emails(text, email):
    assert clean_email(text) == email


@pytest.mark.parametrize(
    "text",
    [
        "",
        "@",
        "a@",
        "@b.org",
        "a b@c.org",
        "a@b",
        "a@-b.org",
        "a@b..org",
        "a\n@b.org",
        "x" * 65 + "@b.org",
        "a@" + "x." * 130 + "org",
        "a@b.org\r\nBcc: c@d.org",
    ],
)
def test_no_emails(text):
    with pytest.raises(Invalid):
        clean_email(text)


def test_phones():
    assert clean_phone("+44 20 7946 0958") == "+442079460958"
    assert clean_phone("13800138000", "CN") == "+8613800138000"
    for text in ("", "abc", "+", "13800138000", "+1", "+" + "1" * 60):
        with pytest.raises(Invalid):
            clean_phone(text)


def test_what_an_identifier_may_mean():
    assert identifiers("@Alice") == [("handle", "alice")]
    assert identifiers("13800138000") == [("handle", "13800138000")]
    assert identifiers("13800138000", "CN") == [
        ("handle", "13800138000"),
        ("phone", "+8613800138000"),
    ]
    assert identifiers("a@b.org") == [("email", "a@b.org")]
    assert identifiers("\u4f60\u597d") == identifiers("") == []


def test_terms_part_han_from_other_words():
    assert terms("Ada \u738b\u5c0f\u660eSmith-Li") == ["ada", "\u738b\u5c0f\u660e", "smith", "li"]


def test_search_keys():
    user = User(user_id="u", handle="a.b", name="\u738b\u5c0f\u660e", privacy=Privacy())
    assert search_keys(user) == {
        "a.b",
        "a",
        "b",
        "\u738b",
        "\u5c0f",
        "\u660e",
        "\u738b\u5c0f",
        "\u5c0f\u660e",
    }
