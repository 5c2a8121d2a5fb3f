"""Edits that come without their content: the message is asked for as it stands now.

In a group that some may not read from its beginning, an edit says only that it happened. The
store remembers which messages it has outdated until the server has answered.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any

from msgspec import Raw

from .errors import HongyanError, Refused
from .events import Event
from .fold import apply_current
from .models import Entry
from .once import once
from .store import Store
from .wire import read

logger = logging.getLogger(__name__)


class Renewal:
    """Brings outdated messages up to date.

    Args:
        store: Knows which are outdated.
        call: Asks the server on the present connection.
        me: Says whose store it is.
        tell: Is given what has changed.
    """

    def __init__(
        self,
        store: Store,
        call: Callable[[str, dict[str, Any]], Awaitable[Raw]],
        me: Callable[[], str],
        tell: Callable[[list[Event]], None],
    ) -> None:
        self._store = store
        self._call = call
        self._me = me
        self._tell = tell
        self._tasks: dict[str, asyncio.Task[None]] = {}

    def start(self) -> None:
        """Ask for what is outdated, unless that is being done; on a lost connection it stays so."""
        if self._store.outdated():
            once(self._tasks, "", self._renew)

    async def _renew(self, _: str) -> None:
        try:
            while outdated := self._store.outdated():
                for conversation_id, seq in outdated:
                    await self._renew_one(conversation_id, seq)
        except HongyanError as error:  # the next connection begins with a sync, which starts us
            logger.info("cannot renew an edited message: %s", error)

    async def _renew_one(self, conversation_id: str, seq: int) -> None:
        params = {"conversation_id": conversation_id, "seq": seq}
        try:
            entry = read(await self._call("message.get", params), Entry)
        except Refused as refusal:
            if refusal.retryable:
                await asyncio.sleep(max(0.2, refusal.retry_after_ms / 1000))
                return
            self._store.drop_outdated(conversation_id, seq)  # not ours to see any more
            return
        with self._store.transaction():
            self._store.drop_outdated(conversation_id, seq)
            events = apply_current(self._store, self._me(), entry)
        self._tell(events)

    async def close(self) -> None:
        """Stop asking."""
        for task in list(self._tasks.values()):
            task.cancel()
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)
