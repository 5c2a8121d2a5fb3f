"""What direct conversations are called: the names of the other ones."""

from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
from msgspec import Raw
from msgspec.structs import replace

from .events import ConversationChanged
from .store import Store

PAGE = 200


async def name_peers(
    store: Store,
    call: Callable[[str, dict[str, Any]], Awaitable[Raw]],
    publish: Callable[[ConversationChanged], None],
) -> None:
    """Give direct conversations without a name that of the other one.

    Raises:
        Refused, ConnectionLost: see there.
    """
    nameless: dict[str, list[str]] = {}
    for local in store.conversations():
        if local.kind == "direct" and local.peer_id and not local.name:
            nameless.setdefault(local.peer_id, []).append(local.conversation_id)
    user_ids = list(nameless)
    for start in range(0, len(user_ids), PAGE):
        raw = await call("user.get", {"user_ids": user_ids[start : start + PAGE]})
        for user in msgspec.json.decode(raw)["users"]:
            name = user.get("name") or user.get("handle") or ""
            for conversation_id in nameless[user["user_id"]]:
                now = store.conversation(conversation_id)
                if now is not None and name:
                    store.put_conversation(replace(now, name=name))
                    publish(ConversationChanged(replace(now, name=name)))
