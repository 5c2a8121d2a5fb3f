"""Scrolling back: older messages than the store has."""

from collections.abc import Awaitable, Callable
from typing import Any

from msgspec import Raw
from msgspec.structs import replace

from .fold import messages_of
from .models import Conversation, Message
from .remote import Page
from .store import Store
from .wire import read

PAGE = 100


class Past:
    """Reads conversations backwards, from the store as far as it goes, then from the server.

    Args:
        store: The local store.
        call: Asks the server.
        refresh: Makes a conversation known to the store.
    """

    def __init__(
        self,
        store: Store,
        call: Callable[[str, dict[str, Any]], Awaitable[Raw]],
        refresh: Callable[[str], Awaitable[Conversation]],
    ) -> None:
        self._store = store
        self._call = call
        self._refresh = refresh

    async def history(
        self, conversation_id: str, before_seq: int | None, limit: int
    ) -> list[Message]:
        """Return the newest messages before a seq, oldest first, fetching what is not here.

        Raises:
            Refused, ConnectionLost: see there.
        """
        while True:
            local = self._store.conversation(conversation_id)
            if local is None:
                local = await self._refresh(conversation_id)
            last = local.tip if before_seq is None else before_seq - 1
            found = self._store.entries(
                conversation_id, local.floor, last, limit, newest=True, kinds=("message",)
            )
            if len(found) >= limit or local.floor <= 1:
                return messages_of(self._store, found)
            await self._fetch_before(local)

    async def _fetch_before(self, local: Conversation) -> None:
        conversation_id = local.conversation_id
        params = {"conversation_id": conversation_id, "before_seq": local.floor, "limit": PAGE}
        page = read(await self._call("conversation.history", params), Page)
        with self._store.transaction():
            now = self._store.conversation(conversation_id)
            if now is None or now.floor != local.floor:
                return  # somebody else was quicker
            self._store.put_entries(page.entries)
            is_progress = page.more_before and page.from_seq < now.floor
            self._store.put_conversation(replace(now, floor=page.from_seq if is_progress else 1))
