"""Reporting of this node's connections to the presence service."""

import asyncio
import logging

from hongyan.domain.conversation.commands_presence import NotePresence
from hongyan.kernel.bus import ANONYMOUS, Caller
from hongyan.kernel.errors import Refusal
from hongyan.kernel.ids import UserId
from hongyan.kernel.tasks import end_tasks

from .hub import Hub

log = logging.getLogger(__name__)

AT_ONCE = 64
RETRY_S = 1.0
REFRESH_S = 60.0


class PresenceReporting:
    """Reports each change of a user's devices, in order; give ``changed`` to the hub.

    Args:
        caller: Carries ``NotePresence``.
        hub: Knows who is here.
        node: What this node is called.
        refresh_s: How often everybody is reported again, in case it was forgotten; 0 for never.
    """

    def __init__(self, caller: Caller, hub: Hub, node: str, refresh_s: float = 0.0) -> None:
        self._caller = caller
        self._hub = hub
        self._node = node
        self._refresh_s = refresh_s
        self._changed: dict[UserId, None] = {}
        self._work: asyncio.Task[None] | None = None
        self._refreshing: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to report everybody again now and then."""
        if self._refresh_s:
            self._refreshing = asyncio.get_running_loop().create_task(self._refresh())

    async def close(self) -> None:
        """Report what changed last, for a moment, and end."""
        if self._refreshing is not None:
            await end_tasks([self._refreshing])
        if self._work is not None:
            await asyncio.wait((self._work,), timeout=1.0)
            await end_tasks([self._work])

    def changed(self, user_id: UserId) -> None:
        """The devices of the user that are connected here are others now."""
        self._changed[user_id] = None
        if self._work is None or self._work.done():
            self._work = asyncio.get_running_loop().create_task(self._report_all())

    async def _report_all(self) -> None:
        while self._changed:
            some = list(self._changed)[:AT_ONCE]
            for user_id in some:
                del self._changed[user_id]
            reported = await asyncio.gather(*(self._report(user_id) for user_id in some))
            failed = [
                user_id
                for user_id, is_reported in zip(some, reported, strict=True)
                if not is_reported
            ]
            self._changed.update(dict.fromkeys(failed))
            if failed:
                await asyncio.sleep(RETRY_S)

    async def _report(self, user_id: UserId) -> bool:
        devices = tuple(self._hub.devices(user_id))
        note = NotePresence(user_id=user_id, node=self._node, device_ids=devices)
        try:
            await self._caller.call(ANONYMOUS, note)
        except Refusal as refusal:
            return not refusal.retryable
        except Exception:
            log.exception("the presence of %s cannot be reported", user_id)
        return True

    async def _refresh(self) -> None:
        while True:
            await asyncio.sleep(self._refresh_s)
            for user_id in {peer.user_id for peer in self._hub.peers()}:
                self.changed(user_id)
