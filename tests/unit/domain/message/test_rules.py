"""What a message may hold."""

import pytest

from hongyan.domain.message.commands import NotEditable, TooLong
from hongyan.domain.message.model import (
    Custom,
    Entity,
    File,
    ForwardedMessage,
    Image,
    MergedForward,
    Notice,
    Poll,
    Text,
)
from hongyan.domain.message.rules import MessageLimits, check_content, check_edit, mentioned
from hongyan.kernel.errors import Invalid

LIMITS = MessageLimits()


def nested(depth):
    content = {"type": "text", "text": "core"}
    for _ in range(depth):
        message = {"sender": "a", "name": "A", "sent_at_ms": 1, "content": content}
        content = {"type": "forward", "title": "", "messages": [message]}
    return content


@pytest.mark.parametrize(
    "content",
    [
        Text("x" * 16_384),
        Text("bold", (Entity("bold", 0, 4),)),
        Text("see", (Entity("link", 0, 3, url="https://example.org"),)),
        File(media_id="m1"),
        Custom("card", {"x": "y" * 32_000}),
        Poll("?", tuple(str(n) for n in range(20))),
        MergedForward("", (ForwardedMessage("a", "A", 1, nested(2)),) * 100),
    ],
)
def test_what_fits_is_taken(content):
    check_content(content, 100, LIMITS)


@pytest.mark.parametrize(
    ("content", "refusal"),
    [
        (Text(""), Invalid),
        (Text(" \n"), Invalid),
        (Text("x" * 16_385), TooLong),
        (Text("汉" * 5_462), TooLong),
        (Text("a", (Entity("bold", 0, 2),)), Invalid),
        (Text("a", (Entity("bold", -1, 1),)), Invalid),
        (Text("a", (Entity("bold", 0, 0),)), Invalid),
        (Text("a", (Entity("mention", 0, 1),)), Invalid),
        (Text("a", (Entity("link", 0, 1, url="javascript:x"),)), Invalid),
        (Text("a", (Entity("bold", 0, 1),) * 201), TooLong),
        (File(media_id=""), Invalid),
        (Image(media_id="m", caption="x" * 16_385), TooLong),
        (Custom("", {}), Invalid),
        (Custom("card", {}, media_ids=("m",) * 21), TooLong),
        (Custom("card", {"x": "y" * 33_000}), TooLong),
        (Poll("?", ("a",)), Invalid),
        (Poll("?", ("a", "a")), Invalid),
        (Poll("?", ("a", "")), Invalid),
        (Poll("?", tuple(str(n) for n in range(21))), Invalid),
        (Poll("?" * 501, ("a", "b")), Invalid),
        (MergedForward("", ()), Invalid),
        (MergedForward("", (ForwardedMessage("a", "A", 1, nested(0)),) * 101), Invalid),
        (MergedForward("", (ForwardedMessage("a", "A", 1, nested(3)),)), TooLong),
        (Notice("I am the system"), Invalid),
    ],
)
def test_what_does_not_fit_is_refused(content, refusal):
    with pytest.raises(refusal):
        check_content(content, 100, LIMITS)


def test_any_content_has_a_largest_size():
    with pytest.raises(TooLong):
        check_content(Text("a"), LIMITS.content_bytes + 1, LIMITS)


def test_who_is_mentioned():
    text = Text("...", (Entity("mention", 0, 1, "bob"), Entity("mention_all", 1, 1)))
    assert mentioned(text).user_ids == {"bob"}
    assert (mentioned(text).all, mentioned(text).admins) == (True, False)
    assert mentioned(File(media_id="m")) == mentioned(None) == mentioned(Text("plain"))


def test_a_text_becomes_no_file_and_a_file_no_other():
    check_edit(Text("a"), Text("b"))
    check_edit(File(media_id="m", caption="a"), File(media_id="m", caption="b"))
    for old, new in (
        (Text("a"), File(media_id="m")),
        (File(media_id="m"), File(media_id="n")),
        (File(media_id="m"), Image(media_id="m")),
    ):
        with pytest.raises(NotEditable):
            check_edit(old, new)
