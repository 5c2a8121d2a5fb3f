"""What the server answers about conversations and logs."""

from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from .models import Conversation, Entry


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
    member_count: int = 0
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


class Page(Struct, frozen=True):
    """A stretch of a log: all that is visible from ``from_seq`` to ``to_seq``."""

    entries: tuple[Entry, ...]
    from_seq: int
    to_seq: int
    more_before: bool = False
    more_after: bool = False


def merge_remote(local: Conversation, remote: Remote) -> Conversation:
    """Return the conversation after the server told how it stands."""
    member = remote.member
    info = {"member": member, "group": remote.group, "preference": remote.preference}
    is_newer = remote.head.seq >= local.tip
    read_ordinal = max(local.read_ordinal, remote.head.ordinal - remote.unread)
    return replace(
        local,
        peer_id=remote.peer_id,
        name=str(remote.group.get("name", "")) if remote.group else local.name,
        ordinal=max(local.ordinal, remote.head.ordinal),
        read_seq=max(local.read_seq, int(remote.cursor.get("read_seq", 0))),
        read_ordinal=read_ordinal,
        active=bool(member.get("active", True)) if is_newer else local.active,
        member_count=remote.member_count if is_newer else local.member_count,
        joined_at_ms=int(member.get("joined_at_ms", 0)),
        active_at_ms=max(local.active_at_ms, remote.last.sent_at_ms if remote.last else 0),
        info=info if is_newer else local.info,
    )
