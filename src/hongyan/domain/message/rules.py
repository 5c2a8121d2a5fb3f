"""Rules of messages: pure functions."""

import msgspec
from msgspec import Struct

from hongyan.domain.group.model import Role
from hongyan.domain.relation.commands import Blocked
from hongyan.kernel.errors import Forbidden, Invalid
from hongyan.kernel.ids import Kind, UserId

from .commands import (
    FriendsOnly,
    MayNotSpeak,
    Muted,
    NotEditable,
    NotForwardable,
    TooLate,
    TooLong,
)
from .model import Content, Custom, Media, MergedForward, MessageBody, Notice, Poll, Text
from .send_contexts import SendContext

CANNOT_WRITE = "You cannot write to this person."


class MessageLimits(Struct, frozen=True):
    """Limits of a message."""

    text_bytes: int = 16 * 1024
    custom_bytes: int = 32 * 1024
    custom_files: int = 20
    content_bytes: int = 128 * 1024
    """Any content, encoded as JSON."""
    entities: int = 200
    poll_options: int = 20
    poll_characters: int = 500
    forwarded_messages: int = 100
    forward_depth: int = 3
    burn_ms: int = 7 * 24 * 3600 * 1000
    """The longest time that a message may live after it was read."""


DEFAULT_LIMITS = MessageLimits()
MENTIONS = ("mention", "mention_all", "mention_admins")


class Windows(Struct, frozen=True):
    """Windows after sending in which something is allowed; 0 means for ever."""

    edit_ms: int = 24 * 3600 * 1000
    recall_ms: int = 2 * 60 * 1000
    """For the author."""
    admin_recall_ms: int = 0
    """For a group's admins: their own messages and those of lower ranks."""


DEFAULT_WINDOWS = Windows()


def check_may_speak(context: SendContext, content: Content, now_ms: int) -> None:
    """Refuse where the sender may not say this here now.

    Raises:
        Blocked, FriendsOnly, Muted, MayNotSpeak: as ``SendMessage``.
    """
    if context.kind == Kind.DIRECT:
        if context.blocked:
            raise Blocked(CANNOT_WRITE)
        if context.friends_only:
            raise FriendsOnly
        return
    if context.kind == Kind.SYSTEM:
        raise MayNotSpeak("Nobody can answer here.")
    group, member = context.group, context.member
    if group is None:
        return
    until_ms = member.muted_until_ms
    if until_ms == -1 or until_ms > now_ms:
        raise Muted(until_ms=until_ms)
    if group.muted_all and member.role == Role.MEMBER:
        raise Muted("Everybody but the admins is muted here.", until_ms=-1)
    least = group.permissions.speak
    brings_files = isinstance(content, Media) or (isinstance(content, Custom) and content.media_ids)
    if brings_files and group.permissions.add_files.rank > least.rank:
        least = group.permissions.add_files
    if member.role.rank < least.rank:
        raise MayNotSpeak(needs=least)


def check_content(content: Content, encoded_bytes: int, limits: MessageLimits) -> None:
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
    elif isinstance(content, Media):
        if not content.media_id:
            raise Invalid("A file needs a media_id.")
        if len(content.caption.encode()) > limits.text_bytes:
            raise TooLong(limit=limits.text_bytes)
    elif isinstance(content, Poll):
        _check_poll(content, limits)
    elif isinstance(content, Custom):
        if len(msgspec.json.encode(content.data)) > limits.custom_bytes:
            raise TooLong(limit=limits.custom_bytes)
        if not content.name:
            raise Invalid("A custom message needs a name.")
        if len(content.media_ids) > limits.custom_files:
            raise TooLong("There are too many files.", limit=limits.custom_files)
    elif isinstance(content, MergedForward):
        _check_forward(content, limits)


def _check_text(content: Text, limits: MessageLimits) -> None:
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


def _check_poll(content: Poll, limits: MessageLimits) -> None:
    if not content.question.strip():
        raise Invalid("The question is empty.")
    if not 2 <= len(content.options) <= limits.poll_options:
        raise Invalid(f"A poll has 2 to {limits.poll_options} options.")
    if len(content.question) > limits.poll_characters or any(
        not 0 < len(option) <= limits.poll_characters for option in content.options
    ):
        raise Invalid(f"A question or option has 1 to {limits.poll_characters} characters.")
    if len(set(content.options)) < len(content.options):
        raise Invalid("Two options are the same.")


def _check_forward(content: MergedForward, limits: MessageLimits) -> None:
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


def check_burn(kind: Kind, burn_after_ms: int, limits: MessageLimits) -> None:
    """Refuse to burn after too long, or where more than one reads.

    Raises:
        Invalid: ``burn_after_ms`` is not allowed here.
    """
    if not 0 <= burn_after_ms <= limits.burn_ms:
        raise Invalid(f"burn_after_ms is 0 to {limits.burn_ms}.")
    if burn_after_ms and kind != Kind.DIRECT:
        raise Invalid("Only messages of a direct conversation burn.")


class Mentioned(Struct, frozen=True):
    """The users whom a message mentions."""

    user_ids: frozenset[UserId] = frozenset()
    all: bool = False
    admins: bool = False


NOBODY_MENTIONED = Mentioned()


def mentioned(content: Content | None) -> Mentioned:
    """Return whom this content mentions."""
    if not isinstance(content, Text) or not content.entities:
        return NOBODY_MENTIONED
    types = {entity.type for entity in content.entities}
    user_ids = frozenset(e.user_id for e in content.entities if e.type == "mention")
    return Mentioned(user_ids, "mention_all" in types, "mention_admins" in types)


def check_may_mark(context: SendContext, now_ms: int) -> None:
    """Refuse a reaction from whom the other one blocked, or who is muted.

    Raises:
        Blocked, Muted: as ``React``.
    """
    if context.blocked:
        raise Blocked(CANNOT_WRITE)
    until_ms = context.member.muted_until_ms
    if until_ms == -1 or until_ms > now_ms:
        raise Muted(until_ms=until_ms)


def check_may_pin(context: SendContext) -> None:
    """Refuse where the permission table does not let the member pin.

    Raises:
        MayNotSpeak: it does not.
        Blocked: the other one of a direct conversation blocked the caller.
    """
    if context.blocked:
        raise Blocked(CANNOT_WRITE)
    if context.group is not None:
        least = context.group.permissions.pin
        if context.member.role.rank < least.rank:
            raise MayNotSpeak(needs=least)


def check_window(sent_at_ms: int, window_ms: int, now_ms: int) -> None:
    """Refuse what comes too late.

    Raises:
        TooLate: more than ``window_ms`` have passed.
    """
    if window_ms and now_ms - sent_at_ms > window_ms:
        raise TooLate(window_ms=window_ms)


def check_may_recall(
    context: SendContext,
    sender: UserId,
    sender_rank: int,
    sent_at_ms: int,
    now_ms: int,
    windows: Windows = DEFAULT_WINDOWS,
) -> None:
    """Refuse who may not take this message back now.

    Args:
        context: Where the caller stands.
        sender: Whose message it is.
        sender_rank: The sender's rank here; -1 for who is not here any more.
        sent_at_ms: When it was sent.
        now_ms: The time.
        windows: For how long one may.

    Raises:
        Forbidden, TooLate: as ``RecallMessage``.
    """
    rank = context.member.role.rank
    is_own = sender == context.member.user_id
    if context.group is not None and rank > 0 and (is_own or rank > sender_rank):
        check_window(sent_at_ms, windows.admin_recall_ms, now_ms)
    elif not is_own:
        raise Forbidden("You may not recall this person's messages.")
    elif context.kind != Kind.SELF:
        check_window(sent_at_ms, windows.recall_ms, now_ms)


def check_edit(old: Content, new: Content) -> None:
    """Refuse an edit that changes more than a text or a caption.

    Raises:
        NotEditable: it does.
    """
    if isinstance(old, Text) and isinstance(new, Text):
        return
    if not isinstance(old, Media) or not isinstance(new, Media) or type(old) is not type(new):
        raise NotEditable
    if old.media_id != new.media_id:
        raise NotEditable("Only the caption of a file can be edited.")


def edited_content(old: Content, new: Content) -> Content:
    """Return what an edit makes of a message: of a file only the caption changes."""
    if isinstance(old, Media) and isinstance(new, Media):
        return msgspec.structs.replace(old, caption=new.caption)
    return new


def check_may_forward(body: MessageBody, seq: int) -> None:
    """Refuse what is bound to its place: polls, notices, and messages that burn.

    Raises:
        NotForwardable: it is such a one.
    """
    if isinstance(body.content, Poll | Notice) or body.burn_after_ms:
        raise NotForwardable(seq=seq)
