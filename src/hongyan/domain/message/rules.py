"""What may be said, and by whom: pure functions."""

import msgspec
from msgspec import Struct

from hongyan.domain.group.model import Role
from hongyan.kernel.errors import Invalid
from hongyan.kernel.ids import Kind

from .api import Blocked, FriendsOnly, MayNotSpeak, Muted, TooLong
from .model import Content, Custom, Media, MergedForward, Notice, Poll, Text
from .rooms import Room


class Limits(Struct, frozen=True):
    """How large a message may be."""

    text_bytes: int = 16 * 1024
    custom_bytes: int = 32 * 1024
    content_bytes: int = 128 * 1024
    """Any content, encoded as JSON."""
    entities: int = 200
    poll_options: int = 20
    forwarded_messages: int = 100
    forward_depth: int = 3
    burn_ms: int = 7 * 24 * 3600 * 1000
    """The longest time that a message may live after it was read."""


DEFAULT_LIMITS = Limits()


def check_may_speak(room: Room, content: Content, now_ms: int) -> None:
    """Refuse where the sender may not say this here now.

    Raises:
        Blocked, FriendsOnly, Muted, MayNotSpeak: as ``SendMessage``.
    """
    if room.kind == Kind.DIRECT:
        if room.blocked:
            raise Blocked
        if room.friends_only:
            raise FriendsOnly
        return
    if room.kind == Kind.SYSTEM:
        raise MayNotSpeak("Nobody can answer here.")
    group, member = room.group, room.member
    if group is None:
        return
    until_ms = member.muted_until_ms
    if until_ms == -1 or until_ms > now_ms:
        raise Muted(until_ms=until_ms)
    if group.muted_all and member.role == Role.MEMBER:
        raise Muted("Everybody but the admins is muted here.", until_ms=-1)
    least = group.permissions.speak
    if isinstance(content, Media) and group.permissions.add_files.rank > least.rank:
        least = group.permissions.add_files
    if member.role.rank < least.rank:
        raise MayNotSpeak(needs=least)


def check_content(content: Content, encoded_bytes: int, limits: Limits) -> None:
    """Refuse content that is empty, inconsistent or too large.

    Args:
        content: What is to be sent.
        encoded_bytes: Its size as JSON.
        limits: The limits.

    Raises:
        Invalid: it is empty or says what cannot be.
        TooLong: it is larger than a limit, which ``details`` names.
    """
    if encoded_bytes > limits.content_bytes:
        raise TooLong(limit=limits.content_bytes)
    if isinstance(content, Text):
        _check_text(content, limits)
    elif isinstance(content, Notice):
        raise Invalid("Only the system sends notices.")
    elif isinstance(content, Media) and not content.media_id:
        raise Invalid("A file needs a media_id.")
    elif isinstance(content, Poll):
        _check_poll(content, limits)
    elif isinstance(content, Custom):
        if len(msgspec.json.encode(content.data)) > limits.custom_bytes:
            raise TooLong(limit=limits.custom_bytes)
        if not content.name:
            raise Invalid("A custom message needs a name.")
    elif isinstance(content, MergedForward):
        _check_forward(content, limits)


def _check_text(content: Text, limits: Limits) -> None:
    text = content.text
    if not text.strip():
        raise Invalid("The text is empty.")
    if len(text) * 4 > limits.text_bytes and len(text.encode()) > limits.text_bytes:
        raise TooLong(limit=limits.text_bytes)
    if len(content.entities) > limits.entities:
        raise TooLong("There are too many entities.", limit=limits.entities)
    for entity in content.entities:
        if entity.offset < 0 or entity.length < 1 or entity.offset + entity.length > len(text):
            raise Invalid("An entity lies outside the text.")
        if entity.type == "mention" and not entity.user_id:
            raise Invalid("A mention needs a user_id.")
        if entity.type == "link" and not entity.url.startswith(("http://", "https://", "mailto:")):
            raise Invalid("A link needs an http, https or mailto url.")


def _check_poll(content: Poll, limits: Limits) -> None:
    if not content.question.strip():
        raise Invalid("The question is empty.")
    if not 2 <= len(content.options) <= limits.poll_options:
        raise Invalid(f"A poll has 2 to {limits.poll_options} options.")
    if len(set(content.options)) < len(content.options):
        raise Invalid("Two options are the same.")


def _check_forward(content: MergedForward, limits: Limits) -> None:
    if not 1 <= len(content.messages) <= limits.forwarded_messages:
        raise Invalid(f"A merged forward holds 1 to {limits.forwarded_messages} messages.")
    layer = [message.content for message in content.messages]
    for _ in range(limits.forward_depth):
        layer = [
            inner.get("content", {})
            for outer in layer
            if outer.get("type") == "forward"
            for inner in outer.get("messages", ())
        ]
    if layer:
        raise TooLong("Forwards are nested too deeply.", limit=limits.forward_depth)
