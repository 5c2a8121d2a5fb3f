"""What a message holds, and the kinds of entry that messages make in a conversation's log.

A message entry's body is ``MessageBody``. An edit rewrites it in place (older versions go to
``Revision`` rows), a recall empties it; both also append an entry that says so, for devices
that already have the message.
"""

from typing import Any, Literal

from msgspec import Struct

from hongyan.kernel.ids import ConversationId, UserId

MESSAGE = "message"
MESSAGE_EDITED = "message.edited"
MESSAGE_RECALLED = "message.recalled"
MESSAGE_REACTED = "message.reacted"
MESSAGE_PINNED = "message.pinned"
MESSAGE_BURNED = "message.burned"
POLL_VOTED = "poll.voted"
POLL_CLOSED = "poll.closed"

SHOWN = (MESSAGE,)
"""The kinds that stand as bubbles in a history and as a preview in a list."""


class Entity(Struct, frozen=True, omit_defaults=True):
    """A range of a text with a meaning. Offsets count Unicode code points."""

    type: Literal[
        "mention", "mention_all", "link", "code", "pre", "bold", "italic", "strike", "quote"
    ]
    offset: int
    length: int
    user_id: UserId = UserId("")
    """Who is mentioned."""
    url: str = ""
    language: str = ""


class Media(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """What every kind that carries a file says of it."""

    media_id: str
    name: str = ""
    mime: str = ""
    size_bytes: int = 0
    caption: str = ""


class Text(Struct, frozen=True, omit_defaults=True, tag="text"):
    """Plain text with entities."""

    text: str
    entities: tuple[Entity, ...] = ()


class Image(Media, frozen=True, tag="image"):
    """A picture; width and height in pixels."""

    width: int = 0
    height: int = 0
    thumbhash: str = ""


class Voice(Media, frozen=True, tag="voice"):
    """A voice message; the waveform holds loudness from 0 to 31."""

    duration_ms: int = 0
    waveform: tuple[int, ...] = ()


class Video(Media, frozen=True, tag="video"):
    """A video; width and height in pixels."""

    duration_ms: int = 0
    width: int = 0
    height: int = 0
    poster_id: str = ""


class File(Media, frozen=True, tag="file"):
    """Any other file."""


class Sticker(Struct, frozen=True, omit_defaults=True, tag="sticker"):
    """A sticker of a pack, or one large emoji."""

    emoji: str = ""
    pack: str = ""
    media_id: str = ""


class Location(Struct, frozen=True, omit_defaults=True, tag="location"):
    """A place: WGS 84 degrees."""

    latitude: float
    longitude: float
    name: str = ""
    address: str = ""


class Contact(Struct, frozen=True, omit_defaults=True, tag="contact"):
    """A card that names a user."""

    user_id: UserId
    name: str = ""
    avatar: str = ""


class Link(Struct, frozen=True, omit_defaults=True, tag="link"):
    """A link with a preview that the sender made."""

    url: str
    title: str = ""
    description: str = ""
    image: str = ""


class ForwardedMessage(Struct, frozen=True, omit_defaults=True):
    """One message as it stood when it was forwarded."""

    sender: UserId
    name: str
    sent_at_ms: int
    content: dict[str, Any]


class MergedForward(Struct, frozen=True, omit_defaults=True, tag="forward"):
    """Several messages forwarded as one."""

    title: str
    messages: tuple[ForwardedMessage, ...]


class Custom(Struct, frozen=True, omit_defaults=True, tag="custom"):
    """Anything a developer wants to carry; ``summary`` is shown where it is not understood."""

    name: str
    data: dict[str, Any]
    summary: str = ""


class Poll(Struct, frozen=True, omit_defaults=True, tag="poll"):
    """A question with options; ``closes_at_ms`` 0 means that its author closes it."""

    question: str
    options: tuple[str, ...]
    multiple: bool = False
    anonymous: bool = False
    closes_at_ms: int = 0


class Notice(Struct, frozen=True, omit_defaults=True, tag="notice"):
    """What the system says; only the system may send it."""

    text: str
    data: dict[str, Any] = {}


Content = (
    Text
    | Image
    | Voice
    | Video
    | File
    | Sticker
    | Location
    | Contact
    | Link
    | MergedForward
    | Custom
    | Poll
    | Notice
)


class Quote(Struct, frozen=True, omit_defaults=True):
    """The message that this one answers. Its text is not copied, so a recall leaves none."""

    seq: int
    sender: UserId


class Origin(Struct, frozen=True, omit_defaults=True):
    """Where a forwarded message came from."""

    sender: UserId
    name: str = ""
    conversation_id: ConversationId = ConversationId("")


class MessageBody(Struct, frozen=True, omit_defaults=True):
    """The body of a message entry. ``content`` is None once it is recalled or burned."""

    content: Content | None
    quote: Quote | None = None
    forwarded_from: Origin | None = None
    edited_at_ms: int = 0
    version: int = 1
    recalled_by: UserId = UserId("")
    burn_after_ms: int = 0
    """Milliseconds that the message lives after its reader has read it; 0 means for ever."""
    burned: bool = False
