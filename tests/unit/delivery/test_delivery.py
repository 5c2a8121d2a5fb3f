"""What a door learns of an event."""

import pytest

from hongyan.delivery.delivery import Delivery
from hongyan.domain.conversation.model import About
from hongyan.domain.log.model import Signal
from hongyan.kernel.ids import Kind, direct_id

DIRECT = direct_id("ann", "bob")


def delivery(log_id=DIRECT, about=None, sender="ann", origin="k1"):
    return Delivery(Signal(log_id, "typing", sender, b"{}"), origin, about=about)


def test_each_of_the_two_has_the_other():
    one = delivery(about=About(pair=("ann", "bob")))
    assert (one.other("ann"), one.other("bob")) == ("bob", "ann")
    assert (one.kind, one.conversation_id) == (Kind.DIRECT, DIRECT)
    with pytest.raises(LookupError):
        one.other("eve")


@pytest.mark.parametrize(
    "one", [delivery(), delivery("g" + "a" * 16, About("Team")), delivery("@ann")]
)
def test_elsewhere_there_is_no_other(one):
    with pytest.raises(LookupError):
        one.other("ann")


def test_the_log_of_a_user_is_no_conversation():
    one = delivery("@ann")
    assert (one.kind, one.conversation_id, one.name) == (None, None, "")


def test_whose_it_is_and_who_asked():
    one = delivery()
    assert (one.is_own("ann"), one.is_own("bob")) == (True, False)
    assert (one.is_origin("k1"), one.is_origin("k2")) == (True, False)
    assert not delivery(origin="").is_origin("")


def test_it_is_encoded_once_for_each_key():
    one, made = delivery(), []

    def make(what):
        made.append(what)
        return what

    for key in ("xml", "xml", ("xml", "ann")):
        one.encoded(key, lambda: make(b"x"))
    assert one.encoded("none", lambda: make(None)) is None
    assert one.encoded("none", lambda: make(b"late")) is None
    assert made == [b"x", b"x", None]


def test_what_cannot_be_encoded_is_tried_once_and_raises_for_each():
    one, tried = delivery(), []

    def fail():
        tried.append(1)
        raise ValueError("no")

    for _ in range(3):
        with pytest.raises(ValueError, match="no"):
            one.encoded("xml", fail)
    assert one.encoded("json", lambda: b"{}") == b"{}"
    assert tried == [1]
