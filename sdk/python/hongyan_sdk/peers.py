"""Titles of direct conversations: the names of the other ones."""

from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
from msgspec import Raw
from msgspec.structs import replace

from .events import ConversationChanged
from .store import Store

PAGE = 200

Publish = Callable[[ConversationChanged], None]


async def name_peers(
    store: Store,
    call: Callable[[str, dict[str, Any]], Awaitable[Raw]],
    publish: Publish,
    again: int = 0,
) -> None:
    """Give direct conversations without a name that of the other one.

    Args:
        store: Where the conversations are.
        call: Asks the server.
        publish: Takes those that have another name now.
        again: So many of the others, the latest, may have another name by now.

    Raises:
        Refused, ConnectionLost: see there.
    """
    direct = [local for local in store.conversations() if local.kind == "direct" and local.peer_id]
    named = [local for local in direct if local.name]
    named.sort(key=lambda local: local.active_at_ms, reverse=True)
    asked = [local for local in direct if not local.name] + named[:again]
    conversations = {local.peer_id: local.conversation_id for local in asked}
    user_ids = list(conversations)
    for start in range(0, len(user_ids), PAGE):
        raw = await call("user.get", {"user_ids": user_ids[start : start + PAGE]})
        for user in msgspec.json.decode(raw)["users"]:
            name_peer(store, user, conversations[user["user_id"]], publish)


def name_peer(store: Store, profile: dict[str, Any], log_id: str, publish: Publish) -> None:
    """Give the direct conversation with somebody that one's name."""
    name = profile.get("name") or profile.get("handle") or ""
    local = store.conversation(log_id)
    is_theirs = local is not None and local.peer_id == profile["user_id"]
    if local is not None and is_theirs and name not in ("", local.name):
        store.put_conversation(replace(local, name=name))
        publish(ConversationChanged(replace(local, name=name)))
