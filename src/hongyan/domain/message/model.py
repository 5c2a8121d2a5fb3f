"""Contents of messages, and the kinds of entry that messages make in a log.

A message entry's body is ``MessageBody``. An edit rewrites it in place (older versions go to
``Revision`` rows), a recall empties it; both also append an entry that says so, for devices
that already have the message. The rows are in ``rows.py``.
"""

from typing import Any, Literal

import msgspec
from msgspec import Struct

from hongyan.domain.log.model import Entry
from hongyan.kernel.ids import ClientId, ConversationId, UserId

MESSAGE = "message"
"""Body: ``MessageBody``."""
MESSAGE_EDITED = "message.edited"
"""Body: ``MessageEdited``."""
MESSAGE_RECALLED = "message.recalled"
"""Body: ``MessageRecalled``; the entry's sender recalled it."""
MESSAGE_REACTED = "message.reacted"
"""Body: ``MessageReacted``."""
MESSAGE_PINNED = "message.pinned"
"""Body: ``MessagePinned``, for pinning and unpinning."""
MESSAGE_BURNED = "message.burned"
"""Body: ``MessageBurned``; the system is its sender."""
POLL_VOTED = "poll.voted"
"""Body: ``PollVoted``; of an anonymous poll the system is its sender."""
POLL_CLOSED = "poll.closed"
"""Body: ``PollClosed``."""

FAVOURITE_CHANGED = "favourite.changed"
"""In the user's log. Body: ``FavouriteChanged``."""
SCHEDULE_CHANGED = "schedule.changed"
"""In the user's log. Body: ``ScheduleChanged``."""

SHOWN = (MESSAGE,)
"""The kinds that stand as bubbles in a history and as a preview in a list."""


class Entity(Struct, frozen=True, omit_defaults=True):
    """A range of a text with a meaning. Offsets count Unicode code points."""

    type: Literal[
        "mention",
        "mention_all",
        "mention_admins",
        "link",
        "code",
        "pre",
        "bold",
        "italic",
        "strike",
        "quote",
    ]
    offset: int
    length: int
    user_id: UserId = UserId("")
    """The user who is mentioned."""
    url: str = ""
    language: str = ""


class Media(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """The common fields of every kind that carries a file."""

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
    media_ids: tuple[str, ...] = ()
    """The files that ``data`` is about: who sees the message may fetch these, and they are kept
    with it. What is not named here is its owner's alone."""


class Poll(Struct, frozen=True, omit_defaults=True, tag="poll"):
    """A question with options; ``closes_at_ms`` 0 means that its author closes it."""

    question: str
    options: tuple[str, ...]
    multiple: bool = False
    anonymous: bool = False
    closes_at_ms: int = 0


class Notice(Struct, frozen=True, omit_defaults=True, tag="notice"):
    """A notice; only the system may send it."""

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
    """The origin of a forwarded message."""

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
    trimmed: bool = False
    """Gone because the conversation is kept for a time only."""


_decoder = msgspec.json.Decoder(MessageBody)


def decode_body(entry: Entry) -> MessageBody:
    """Return what an entry of the kind ``MESSAGE`` holds."""
    return _decoder.decode(entry.body)


class MessageEdited(Struct, frozen=True):
    """A message has another content.

    ``content`` is None where a later edit or the message's end came: ask ``message.get``.
    """

    seq: int
    version: int
    edited_at_ms: int
    content: Content | None


class MessageRecalled(Struct, frozen=True):
    """A message's content is gone, with its reactions, pin, votes, mentions and favourites."""

    seq: int


class MessageBurned(Struct, frozen=True):
    """A message has lived its time; all goes that a recall takes."""

    seq: int


class MessageReacted(Struct, frozen=True):
    """The entry's sender put an emoji to a message, or took it back."""

    seq: int
    emoji: str
    added: bool
    count: int
    """Users who have this emoji there now."""


class MessagePinned(Struct, frozen=True):
    """A message was pinned or unpinned for everybody."""

    seq: int
    pinned: bool


class PollVoted(Struct, frozen=True):
    """The state of a poll after a vote."""

    seq: int
    tallies: tuple[int, ...]
    """Votes by option."""
    voters: int
    choice: tuple[int, ...] | None = None
    """The choice of the entry's sender; None in an anonymous poll."""


class PollClosed(Struct, frozen=True):
    """The final state of a poll."""

    seq: int
    tallies: tuple[int, ...]
    voters: int


class FavouriteChanged(Struct, frozen=True):
    """The user keeps a message, or no longer does."""

    conversation_id: ConversationId
    seq: int
    kept: bool


ScheduleState = Literal["waiting", "cancelled", "sent", "failed"]


class ScheduleChanged(Struct, frozen=True, omit_defaults=True):
    """The outcome of a scheduled message."""

    client_id: ClientId
    conversation_id: ConversationId
    state: ScheduleState
    """Once sent, it stands in the conversation under its ``client_id``."""
    at_ms: int = 0
    """When it is to be sent."""
    code: str = ""
    message: str = ""
    """The refusal, once failed."""
