"""The models of an app: entries, messages, conversations, and items of the outbox."""

from typing import Any, Literal

from msgspec import Struct

MESSAGE = "message"
MESSAGE_EDITED = "message.edited"
MESSAGE_RECALLED = "message.recalled"
MESSAGE_REACTED = "message.reacted"
MESSAGE_BURNED = "message.burned"
MESSAGE_PINNED = "message.pinned"
POLL_VOTED = "poll.voted"
POLL_CLOSED = "poll.closed"
MEMBERS_JOINED = "members.joined"
MEMBERS_LEFT = "members.left"
MEMBER_CHANGED = "member.changed"
MEMBERSHIP_JOINED = "membership.joined"
CONVERSATION_CHANGED = "conversation.changed"
CONVERSATION_DISSOLVED = "conversation.dissolved"
CONVERSATION_READ = "conversation.read"
PREFERENCE_CHANGED = "preference.changed"
MESSAGES_HIDDEN = "messages.hidden"
CHANGES_INFO = frozenset(
    {CONVERSATION_CHANGED, CONVERSATION_DISSOLVED, MEMBER_CHANGED, MEMBERS_JOINED, MEMBERS_LEFT}
)
"""Kinds of entries after which a conversation stands otherwise than before."""

Content = dict[str, Any]
"""``{"type": "text", "text": "..."}`` and so on; see ``protocol/README.md``."""


class Entry(Struct, frozen=True):
    """One thing that happened, as it stands in a log. ``kind`` says the shape of ``body``."""

    log_id: str
    seq: int
    ordinal: int
    kind: str
    sender: str
    client_id: str
    sent_at_ms: int
    body: dict[str, Any]


class Ack(Struct, frozen=True):
    """An entry of ours is on the server's disk, and this is its place in the log."""

    seq: int
    ordinal: int = 0
    sent_at_ms: int = 0


class PollState(Struct, frozen=True):
    """The state of a poll."""

    tallies: tuple[int, ...]
    """Votes by option."""
    voters: int = 0
    mine: tuple[int, ...] = ()
    """The choice of this user, as far as the log has it."""
    closed: bool = False


class Message(Struct, frozen=True, kw_only=True):
    """A message as it stands now, edits, recalls and reactions folded in."""

    conversation_id: str
    seq: int
    """Its place in the conversation; 0 while it waits in the outbox."""
    ordinal: int = 0
    sender: str
    client_id: str = ""
    sent_at_ms: int
    """When the server took it; for a pending one, when it was written."""
    content: Content | None
    """None once it is recalled or burned."""
    body: dict[str, Any] = {}
    """Everything that the server says of it."""
    reactions: dict[str, list[str]] = {}
    """Emoji -> the users who reacted with it."""
    pinned: bool = False
    poll: PollState | None = None
    """None for what is no poll."""
    state: Literal["sent", "pending", "failed"] = "sent"

    @property
    def text(self) -> str:
        """The text, or for other content what stands for it; empty when recalled."""
        return summary(self.content) if self.content is not None else ""

    @property
    def recalled(self) -> bool:
        """Whether its sender or an admin took it back."""
        return self.content is None and self.state == "sent"

    @property
    def edited_at_ms(self) -> int:
        """When it was last edited; 0 for never."""
        return int(self.body.get("edited_at_ms", 0))

    @property
    def quote_seq(self) -> int:
        """The seq of the message that it answers; 0 for none."""
        return int((self.body.get("quote") or {}).get("seq", 0))


class OutboxItem(Struct, frozen=True, kw_only=True):
    """A message that the server has not taken yet."""

    client_id: str
    conversation_id: str
    params: dict[str, Any]
    """The parameters of ``message.send``."""
    created_at_ms: int
    error_code: str = ""
    """The code with which the server refused it for good; empty while it is to be sent."""
    error_message: str = ""


class Account(Struct, frozen=True, kw_only=True):
    """The owner of a store, and the tokens of its device."""

    url: str
    user_id: str
    device_id: str
    access_token: str = ""
    expires_at_ms: int = 0
    refresh_token: str = ""
    identifier: str = ""
    """The handle, e-mail address or telephone number that was logged in with."""


def summary(content: Content) -> str:
    """Return one line for a content of any type."""
    kind = content.get("type", "")
    if kind == "text":
        return str(content.get("text", ""))
    for field in ("summary", "caption", "title", "name", "question", "text", "emoji", "url"):
        if content.get(field):
            return f"[{kind}] {content[field]}"
    return f"[{kind}]"


def text(value: str, mentions: dict[str, str] | None = None) -> Content:
    """Return the content of a text message.

    Args:
        value: The text.
        mentions: What stands in the text (``"@bob"``) -> the user id that it mentions, or
            ``"all"`` for everybody; the first place where it stands counts.
    """
    entities = []
    for name, user_id in (mentions or {}).items():
        at = value.find(name)
        if at >= 0 and user_id == "all":
            entities.append({"type": "mention_all", "offset": at, "length": len(name)})
        elif at >= 0:
            place = {"offset": at, "length": len(name)}
            entities.append({"type": "mention", **place, "user_id": user_id})
    return {"type": "text", "text": value, **({"entities": entities} if entities else {})}


class Conversation(Struct, frozen=True, kw_only=True):
    """A conversation as this device knows it."""

    conversation_id: str
    kind: str = ""
    """``direct``, ``group``, ``channel``, ``self`` or ``system``."""
    name: str = ""
    """A group's name, or what the other one of a direct conversation is called."""
    peer_id: str = ""
    """The other one of a direct conversation."""
    tip: int = 0
    """The store has every entry from ``floor`` up to this seq that this user may see."""
    floor: int = 1
    ordinal: int = 0
    """Countable entries up to ``tip``."""
    read_seq: int = 0
    read_ordinal: int = 0
    active: bool = True
    """Whether this user is a member."""
    member_count: int = 0
    """Active members of a group; 0 for other conversations."""
    mentions: int = 0
    """Unread messages that mention this user."""
    active_at_ms: int = 0
    """When the last message came."""
    joined_at_ms: int = 0
    """Messages from before are history, not news."""
    info: dict[str, Any] = {}
    """The server's data of it: ``group``, ``member`` (this user's own) and ``preference``."""

    @property
    def role(self) -> str:
        """The role of this user: ``member``, ``admin`` or ``owner``."""
        return str((self.info.get("member") or {}).get("role", "member"))

    @property
    def unread(self) -> int:
        """The countable entries that this user has not read on any device; 0 after leaving."""
        return max(0, self.ordinal - self.read_ordinal) if self.active else 0

    @property
    def marked_unread(self) -> bool:
        """Whether this user wants it to look unread."""
        return bool((self.info.get("preference") or {}).get("marked_unread", False))
