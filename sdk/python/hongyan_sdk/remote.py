"""What the server answers about conversations and logs."""

from typing import Any

from msgspec import Struct

from .models import Entry


class Head(Struct, frozen=True):
    """How far a log has come."""

    seq: int = 0
    ordinal: int = 0


class Remote(Struct, frozen=True, kw_only=True):
    """A conversation as the server tells it."""

    conversation_id: str
    kind: str = ""
    head: Head = Head()
    peer_id: str = ""
    member: dict[str, Any] = {}
    group: dict[str, Any] | None = None
    preference: dict[str, Any] = {}
    cursor: dict[str, Any] = {}
    unread: int = 0
    mentions: int = 0
    last: Entry | None = None


class SyncedConversation(Struct, frozen=True):
    """A conversation and what the device lacks of it."""

    conversation: Remote
    entries: tuple[Entry, ...]
    from_seq: int
    gap: bool


class Synced(Struct, frozen=True):
    """A page of what the device lacks."""

    conversations: tuple[SyncedConversation, ...]
    next_after: str | None = None
    left: tuple[str, ...] = ()
    user_seq: int = 0
    user_entries: tuple[Entry, ...] = ()
    user_log_truncated: bool = False
    generation: str = ""


class Page(Struct, frozen=True):
    """A stretch of a log: all that is visible from ``from_seq`` to ``to_seq``."""

    entries: tuple[Entry, ...]
    from_seq: int
    to_seq: int
    more_before: bool = False
    more_after: bool = False
