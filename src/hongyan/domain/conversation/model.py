"""One user's own view of conversations: its rows, its kinds of entry, and what is answered."""

from typing import ClassVar

from msgspec import Struct

from hongyan.domain.group.model import Group, Member
from hongyan.domain.log.model import Cursor, Entry, LogState, Row, Table
from hongyan.domain.visibility.model import Preference
from hongyan.kernel.ids import ConversationId, Kind, UserId

CONVERSATION_READ = "conversation.read"
"""In the user's log. Body: ``ConversationRead``."""
PREFERENCE_CHANGED = "preference.changed"
"""In the user's log. Body: ``Preference`` as it is now."""
MESSAGES_HIDDEN = "messages.hidden"
"""In the user's log. Body: ``MessagesHidden``."""

CONVERSATION_TRIMMED = "conversation.trimmed"
"""In the conversation: what is older than it is kept for is gone. Body: ``ConversationTrimmed``."""

READ_RECEIPT = "receipt.read"
"""A signal to the conversation: ``read_seq`` says up to where the sender has read."""
DELIVERED_RECEIPT = "receipt.delivered"
"""A signal to the conversation: ``delivered_seq`` says up to where the sender has received."""
TYPING = "typing"
"""A signal to the conversation: ``state`` as in ``conversation.typing``."""
PROFILE = "profile"
"""A signal to the sender's direct conversations and small groups: the sender's profile as it is
now, some seconds after it changed. Body: ``Profile``."""
PRESENCE = "presence"
"""A signal to the watcher's own log. Body: ``UserPresence``."""


class ConversationRead(Struct, frozen=True):
    """The body of ``CONVERSATION_READ``. Of several, the greatest ``read_seq`` holds."""

    conversation_id: ConversationId
    read_seq: int
    read_ordinal: int


class MessagesHidden(Struct, frozen=True):
    """The body of ``MESSAGES_HIDDEN``: these messages are gone for this user alone."""

    conversation_id: ConversationId
    seqs: tuple[int, ...]


class ConversationTrimmed(Struct, frozen=True):
    """Messages at or before ``up_to_seq`` are gone for everybody; clients remove them."""

    up_to_seq: int


class Mention(Row, frozen=True, kw_only=True):
    """A message that mentions this user by name; dropped when it is read, recalled or edited."""

    TABLE: ClassVar = Table(
        "mention",
        key=("user_id", "conversation_id", "seq"),
        indexes={"by_message": ("conversation_id", "seq")},
    )

    user_id: UserId
    conversation_id: ConversationId
    seq: int


class About(Struct, frozen=True):
    """The details of a conversation that some protocols say to clients."""

    name: str = ""
    """Of a group or channel; else empty."""
    pair: tuple[UserId, ...] = ()
    """The two of a direct conversation; else empty."""


class Conversation(Struct, frozen=True, kw_only=True):
    """One conversation as its caller sees it in a list."""

    conversation_id: ConversationId
    kind: Kind
    head: LogState
    """The state of the conversation's log."""
    member: Member
    """The caller's own place in it."""
    peer_id: UserId = UserId("")
    """The other one of a direct conversation; else empty."""
    group: Group | None = None
    """The group or channel; None for other kinds."""
    member_count: int = 0
    """Members of the group or channel; 0 for other kinds."""
    preference: Preference
    """The caller's preference for it."""
    cursor: Cursor = Cursor()
    """The caller's cursor: read and received up to here."""
    unread: int = 0
    """Messages of others after the cursor."""
    mentions: int = 0
    """Unread messages that mention the caller or everybody."""
    last: Entry | None = None
    """The newest message that the caller may see."""


class SyncedConversation(Struct, frozen=True):
    """A conversation and what a device lacks of it."""

    conversation: Conversation
    entries: tuple[Entry, ...]
    """The newest ones that the device lacks, oldest first."""
    from_seq: int
    """``entries`` has all that is visible from this seq to ``conversation.head.seq``."""
    gap: bool
    """There is more between what the device knows and ``from_seq``: ask for the history."""


class Entries(Struct, frozen=True):
    """A stretch of a log."""

    entries: tuple[Entry, ...]
    """Oldest first."""
    from_seq: int
    to_seq: int
    """All that is visible from ``from_seq`` to ``to_seq`` is in ``entries``."""
    more_before: bool
    more_after: bool
    """Whether there is more that the caller may see in that direction."""
