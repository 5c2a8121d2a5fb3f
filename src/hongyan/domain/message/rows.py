"""Rows that are kept beside messages: private to the message service.

What happens to a conversation's messages is serialised by the version of a log of its own
(``metadata_log``), so that a reaction does not make every sender's context stale.
"""

from typing import ClassVar

from msgspec import Struct

from hongyan.domain.log.model import Row, Table
from hongyan.kernel.ids import ClientId, ConversationId, LogId, UserId

from .model import Content

NEVER_MS = 2**53 - 1
"""A due time that does not come."""


def metadata_log(conversation_id: ConversationId) -> LogId:
    """Return the log, for ever without entries, whose version guards a conversation's marks."""
    return LogId("!" + conversation_id)


class Revision(Row, frozen=True, kw_only=True):
    """An earlier version of a message."""

    TABLE: ClassVar = Table("revision", key=("conversation_id", "seq", "version"))

    conversation_id: ConversationId
    seq: int
    version: int
    content: Content
    since_ms: int
    """When this version was sent or edited."""
    ended_seq: int = 0
    """The seq of the edit that ended this version."""


class EmojiCount(Struct, frozen=True):
    """One emoji on one message: how many have it, and the first three of them."""

    emoji: str
    count: int
    first: tuple[UserId, ...]


class MessageMetadata(Row, frozen=True, kw_only=True):
    """The metadata of one message. A message without any has no row."""

    TABLE: ClassVar = Table(
        "marks",
        key=("conversation_id", "seq"),
        indexes={"pins": ("conversation_id", "pinned", "pinned_at_ms")},
    )

    conversation_id: ConversationId
    seq: int
    emojis: tuple[EmojiCount, ...] = ()
    """In the order in which they first came."""
    pinned: bool = False
    pinned_at_ms: int = 0
    pinned_by: UserId = UserId("")
    tallies: tuple[int, ...] = ()
    """A poll's votes by option; empty until somebody votes."""
    voters: int = 0
    poll_closed: bool = False


class Reaction(Row, frozen=True, kw_only=True):
    """One user's emoji on one message."""

    TABLE: ClassVar = Table(
        "reaction",
        key=("conversation_id", "seq", "user_id", "emoji"),
        indexes={"by_emoji": ("conversation_id", "seq", "emoji", "at_ms")},
    )

    conversation_id: ConversationId
    seq: int
    user_id: UserId
    emoji: str
    at_ms: int


class Vote(Row, frozen=True, kw_only=True):
    """One user's vote in a poll."""

    TABLE: ClassVar = Table("vote", key=("conversation_id", "seq", "user_id"))

    conversation_id: ConversationId
    seq: int
    user_id: UserId
    choice: tuple[int, ...]


class Favourite(Row, frozen=True, kw_only=True):
    """A message that one user keeps: a reference, so that what is recalled is gone here too."""

    TABLE: ClassVar = Table(
        "favourite",
        key=("user_id", "conversation_id", "seq"),
        indexes={
            "by_time": ("user_id", "at_ms"),
            "by_message": ("conversation_id", "seq"),
        },
    )

    user_id: UserId
    conversation_id: ConversationId
    seq: int
    at_ms: int


class BurnTask(Row, frozen=True, kw_only=True):
    """A message that burns some time after ``reader_id`` has read it."""

    TABLE: ClassVar = Table(
        "burn_task", key=("conversation_id", "seq"), indexes={"by_due": ("due_at_ms",)}
    )

    conversation_id: ConversationId
    seq: int
    reader_id: UserId
    after_ms: int
    due_at_ms: int = NEVER_MS
    """``NEVER_MS`` until it was read."""


class ScheduledMessage(Row, frozen=True, kw_only=True):
    """A message that is to be sent later, under its own client id."""

    TABLE: ClassVar = Table(
        "scheduled_message",
        key=("user_id", "client_id"),
        indexes={"by_due": ("due_at_ms",), "by_time": ("user_id", "at_ms")},
    )

    user_id: UserId
    client_id: ClientId
    conversation_id: ConversationId
    content: Content
    quote_seq: int = 0
    burn_after_ms: int = 0
    at_ms: int
    due_at_ms: int
    """When the server tries next; ``NEVER_MS`` once it was refused for good."""
    failed_code: str = ""
    failed_message: str = ""
    """The refusal; it waits for the user to move or cancel it."""
    told_seq: int = 0
    """The seq of its first entry in the user's log; its files are in use there until it is sent."""
