"""Rows of one user's own view of conversations, and their kinds of entry in the user's log."""

from typing import ClassVar

from hongyan.domain.log.model import Row, Table
from hongyan.kernel.ids import ConversationId, UserId

CONVERSATION_READ = "conversation.read"
PREFERENCE_CHANGED = "preference.changed"
MESSAGES_HIDDEN = "messages.hidden"


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
    """Not listed until something new arrives."""
    cleared_seq: int = 0
    """This user no longer sees what stands at or before this seq."""


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
