"""Entries into messages and counts."""

from typing import Any

import pytest

from hongyan_sdk import (
    ConversationChanged,
    EntryReceived,
    MemoryStore,
    Message,
    MessageChanged,
    MessageReceived,
)
from hongyan_sdk.fold import apply_current, apply_entry, apply_user_entry, messages_of
from hongyan_sdk.models import Conversation, Entry


class Log:
    """One conversation of ``me``, entry after entry."""

    def __init__(self) -> None:
        self.store = MemoryStore()
        self.store.put_conversation(Conversation(conversation_id="c", floor=1))
        self.seq = self.ordinal = 0

    def add(self, kind: str, sender: str = "bob", **body: Any) -> list[Any]:
        self.seq += 1
        self.ordinal += kind == "message"
        entry = Entry("c", self.seq, self.ordinal, kind, sender, "", 10, body)
        with self.store.transaction():
            return apply_entry(self.store, "me", entry)

    def say(self, text: str, sender: str = "bob", mention: str = "") -> list[Any]:
        content: dict[str, Any] = {"type": "text", "text": text}
        if mention:
            content["entities"] = [{"type": "mention", "user_id": mention}]
        return self.add("message", sender, content=content)

    def now(self, seq: int, content: dict[str, Any] | None, version: int) -> Entry:
        """Return the message as the server has it."""
        body = {"content": content, "version": version}
        return Entry("c", seq, seq, "message", "bob", "", 10, body)

    @property
    def state(self) -> Conversation:
        state = self.store.conversation("c")
        assert state is not None
        return state

    def message(self, seq: int) -> Message:
        found = self.store.entry("c", seq)
        assert found is not None
        return messages_of(self.store, [found])[0]


@pytest.fixture
def log() -> Log:
    return Log()


def test_a_message_is_told_and_counted(log: Log) -> None:
    told, changed = log.say("hi")
    assert isinstance(told, MessageReceived)
    assert told.message.text == "hi"
    assert isinstance(changed, ConversationChanged)
    assert changed.conversation.unread == 1


def test_to_write_is_to_have_read(log: Log) -> None:
    log.say("one")
    log.say("two", sender="me")
    assert log.state.unread == 0
    log.say("three")
    assert log.state.unread == 1


def test_edit_changes_the_message_in_place(log: Log) -> None:
    log.say("helo")
    content = {"type": "text", "text": "hello"}
    told, _ = log.add("message.edited", seq=1, content=content, version=2, edited_at_ms=99)
    assert isinstance(told, MessageChanged)
    assert (told.message.text, told.message.edited_at_ms) == ("hello", 99)
    older = {"type": "text", "text": "helo!"}
    log.add("message.edited", seq=1, content=older, version=1, edited_at_ms=98)
    assert log.message(1).text == "hello"
    assert log.state.unread == 1


def test_an_edit_without_content_leaves_the_message_outdated_until_it_is_told(log: Log) -> None:
    log.say("@eve", mention="eve")
    told = log.add("message.edited", seq=1, content=None, version=3, edited_at_ms=99)
    assert [type(event) for event in told] == [ConversationChanged]
    assert (log.message(1).text, log.store.outdated()) == ("@eve", [("c", 1)])
    entities = [{"type": "mention", "user_id": "me"}]
    now = log.now(1, {"type": "text", "text": "@me", "entities": entities}, version=3)
    changed, conversation = apply_current(log.store, "me", now)
    assert (changed.message.text, conversation.conversation.mentions) == ("@me", 1)
    assert apply_current(log.store, "me", now) == []  # it says this already


@pytest.mark.parametrize(
    ("body", "is_outdated"),
    [
        ({"version": 2, "content": {"type": "text", "text": "told"}}, False),
        ({"version": 1, "content": None}, False),  # the message came with this edit
        ({"version": 2, "content": None}, True),
    ],
)
def test_only_an_edit_that_is_newer_and_tells_nothing_outdates(
    log: Log, body: dict[str, Any], is_outdated: bool
) -> None:
    log.say("hi")
    log.add("message.edited", seq=1, edited_at_ms=1, **body)
    assert bool(log.store.outdated()) == is_outdated


def test_what_has_ended_is_not_outdated_and_stays_ended(log: Log) -> None:
    log.say("hi")
    log.add("message.recalled", seq=1)
    log.add("message.edited", seq=1, content=None, version=2, edited_at_ms=1)
    assert log.store.outdated() == []
    assert apply_current(log.store, "me", log.now(1, {"type": "text", "text": "x"}, 9)) == []
    assert log.message(1).content is None


def test_recall_takes_content_and_reactions_and_no_edit_brings_them_back(log: Log) -> None:
    log.say("oops")
    log.add("message.reacted", seq=1, emoji="👍", added=True)
    told, _ = log.add("message.recalled", seq=1)
    assert told.message.recalled
    assert told.message.reactions == {}
    log.add("message.edited", seq=1, content={"type": "text", "text": "x"}, version=9)
    assert log.message(1).content is None


def test_reactions_come_and_go(log: Log) -> None:
    log.say("hi", sender="me")
    log.add("message.reacted", "bob", seq=1, emoji="👍", added=True)
    log.add("message.reacted", "eve", seq=1, emoji="👍", added=True)
    log.add("message.reacted", "bob", seq=1, emoji="❤️", added=True)
    assert log.message(1).reactions == {"👍": ["bob", "eve"], "❤️": ["bob"]}
    log.add("message.reacted", "bob", seq=1, emoji="❤️", added=False)
    assert log.message(1).reactions == {"👍": ["bob", "eve"]}


def test_mentions_count_until_read_recalled_or_edited_away(log: Log) -> None:
    log.say("@me", mention="me")
    log.say("@eve", mention="eve")
    log.say("@me again", mention="me")
    assert log.state.mentions == 2
    log.add("message.recalled", seq=1)
    assert log.state.mentions == 1
    log.add("message.edited", seq=3, content={"type": "text", "text": "nobody"}, version=2)
    assert log.state.mentions == 0


def test_reading_on_another_device_counts_here(log: Log) -> None:
    for text in ("a", "b", "c"):
        log.say(text)
    body = {"conversation_id": "c", "read_seq": 2, "read_ordinal": 2}
    apply_user_entry(log.store, Entry("@me", 5, 0, "conversation.read", "me", "", 0, body))
    assert log.state.unread == 1
    assert log.store.user_tip() == 5
    body = {"conversation_id": "c", "read_seq": 1, "read_ordinal": 1}
    apply_user_entry(log.store, Entry("@me", 6, 0, "conversation.read", "me", "", 0, body))
    assert log.state.unread == 1


def test_clearing_takes_what_was_said(log: Log) -> None:
    log.say("a")
    log.say("b")
    body = {"conversation_id": "c", "cleared_seq": 1, "cleared_ordinal": 1}
    apply_user_entry(log.store, Entry("@me", 1, 0, "preference.changed", "me", "", 0, body))
    assert [e.seq for e in log.store.entries("c", 0, 9, 9)] == [2]
    assert log.state.unread == 1


def test_leaving_and_joining(log: Log) -> None:
    told, _ = log.add("members.left", user_ids=["me"])
    assert isinstance(told, EntryReceived)
    assert not log.state.active
    log.add("members.joined", user_ids=["me"])
    assert log.state.active


def test_what_was_said_before_one_joined_is_no_news(log: Log) -> None:
    joined_later = Conversation(conversation_id="c", joined_at_ms=11)
    log.store.put_conversation(joined_later)
    (changed,) = log.say("long ago")
    assert isinstance(changed, ConversationChanged)
