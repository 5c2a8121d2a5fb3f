"""Rows of one user's own view of conversations, and their kinds of entry in the user's log."""

from typing import ClassVar

from msgspec import Struct

from hongyan.domain.log.model import Row, Table
from hongyan.kernel.ids import ConversationId, UserId

CONVERSATION_READ = "conversation.read"
PREFERENCE_CHANGED = "preference.changed"
MESSAGES_HIDDEN = "messages.hidden"

READ_RECEIPT = "receipt.read"
DELIVERED_RECEIPT = "receipt.delivered"
TYPING = "typing"
PRESENCE = "presence"
"""Kinds of signal. Presence goes to the watcher's own log, the others to the conversation."""


class ConversationRead(Struct, frozen=True):
    """The body of ``CONVERSATION_READ``. Of several, the greatest ``read_seq`` holds."""

    conversation_id: ConversationId
    read_seq: int
    read_ordinal: int


class MessagesHidden(Struct, frozen=True):
    """The body of ``MESSAGES_HIDDEN``: these messages are gone for this user alone."""

    conversation_id: ConversationId
    seqs: tuple[int, ...]


class Preference(Row, frozen=True, kw_only=True):
    """How one user keeps one conversation."""

    TABLE: ClassVar = Table("preference", key=("user_id", "conversation_id"))

    user_id: UserId
    conversation_id: ConversationId
    pinned: bool = False
    muted_until_ms: int = 0
    """No notification until then; -1 means until unmuted."""
    archived: bool = False
    marked_unread: bool = False
    folder: str = ""
    draft: str = ""
    draft_at_ms: int = 0
    hidden: bool = False
    """Not listed until a message arrives after ``hidden_seq``."""
    hidden_seq: int = 0
    """Where the conversation's log ended when it was hidden."""
    cleared_seq: int = 0
    """This user no longer sees what stands at or before this seq."""
    cleared_ordinal: int = 0
    """The ordinal at ``cleared_seq``: nothing up to here counts as unread."""


class Mention(Row, frozen=True, kw_only=True):
    """A message that mentions this user by name; dropped when it is read, recalled or edited."""

    TABLE: ClassVar = Table("mention", key=("user_id", "conversation_id", "seq"))

    user_id: UserId
    conversation_id: ConversationId
    seq: int


class HiddenMessage(Row, frozen=True, kw_only=True):
    """A message that one user deleted for themselves."""

    TABLE: ClassVar = Table("hidden_message", key=("user_id", "conversation_id", "seq"))

    user_id: UserId
    conversation_id: ConversationId
    seq: int
