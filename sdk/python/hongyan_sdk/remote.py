"""The server's answers about conversations and logs."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from msgspec import Raw, Struct
from msgspec.structs import replace

from .errors import Refused
from .models import Conversation, Entry
from .wire import read

Call = Callable[[str, dict[str, Any]], Awaitable[Raw]]
"""Asks the server."""


class Head(Struct, frozen=True):
    """The state of a log: its last seq, ordinal and version."""

    seq: int = 0
    ordinal: int = 0


class Remote(Struct, frozen=True, kw_only=True):
    """A conversation as the server sends it."""

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
    generation: str = ""


class Page(Struct, frozen=True):
    """A stretch of a log: all that is visible from ``from_seq`` to ``to_seq``."""

    entries: tuple[Entry, ...]
    from_seq: int
    to_seq: int
    more_before: bool = False
    more_after: bool = False


def begin_conversation(remote: Remote, first: int) -> Conversation:
    """Return a conversation of which nothing was known; what is before ``first`` is not kept."""
    return Conversation(
        conversation_id=remote.conversation_id, kind=remote.kind, tip=first - 1, floor=first
    )


def merge_remote(local: Conversation, remote: Remote) -> Conversation:
    """Return the conversation after the server sent its state."""
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


async def read_page(call: Call, log_id: str, after_seq: int, limit: int) -> Page:
    """Ask for what comes after a seq in a log, be it the user's own.

    Raises:
        Refused, ConnectionLost: see there.
    """
    params: dict[str, Any] = {"after_seq": after_seq, "limit": limit}
    if log_id[:1] == "@":
        return read(await call("conversation.user_log", params), Page)
    return read(await call("conversation.history", {**params, "conversation_id": log_id}), Page)


async def read_between(call: Call, log_id: str, first: int, last: int, limit: int) -> Page:
    """Ask for what is missing of a log, again where it is too early; empty where it is not ours.

    Raises:
        Refused, ConnectionLost: see there.
    """
    while True:
        try:
            return await read_page(call, log_id, first - 1, limit)
        except Refused as refusal:
            if refusal.code in {"not_a_member", "not_found"}:
                return Page((), first, last)
            if not refusal.retryable:
                raise
            await asyncio.sleep(max(0.2, refusal.retry_after_ms / 1000))
