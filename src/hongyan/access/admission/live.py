"""The rights of connected devices as they are now, not as they were at the start.

An entry that changes rights (the account, its devices) makes them unsure; so does anything that
may have been lost on its way here. Who is unsure is asked for at the next request, and half a
second later in any case: whoever may be here no more goes, also one that asks nothing. The same
look follows each arrival, for the entry may pass by while a device is just being let in.
"""

import asyncio
import logging
from collections.abc import Callable, Collection, Iterable
from typing import Protocol

from hongyan.domain.integration.commands import CheckKeys
from hongyan.domain.user.commands import CheckDevices
from hongyan.kernel.bus import ANONYMOUS, Actor, Caller
from hongyan.kernel.clock import Clock
from hongyan.kernel.errors import Refusal
from hongyan.kernel.ids import UserId
from hongyan.kernel.tasks import end_tasks

log = logging.getLogger(__name__)

AT_ONCE = 500
PAUSE_S = 0.5


class Holder(Protocol):
    """Somebody whose rights are kept fresh."""

    actor: Actor
    resyncs: int
    """Times that the rights became unsure."""

    def resync(self) -> None:
        """Trust the rights no more until they were learned anew."""
        ...

    def learn(self, actor: Actor | None, resyncs: int) -> None:
        """Take what an answer says.

        Args:
            actor: Who that is now; None for somebody who may be here no more.
            resyncs: How often the rights had become unsure when it was asked.
        """
        ...


class Live:
    """Keeps the rights of those who stay connected fresh.

    Args:
        caller: Carries ``CheckDevices`` and ``CheckKeys``.
        clock: The time at which keys expire.
        pause_s: How long those to look at are gathered before they are asked for together.
        later: Calls a function after so many seconds; None takes the event loop's.
    """

    def __init__(
        self,
        caller: Caller,
        clock: Clock,
        pause_s: float = PAUSE_S,
        later: Callable[[float, Callable[[], None]], asyncio.TimerHandle] | None = None,
    ) -> None:
        self._caller = caller
        self._clock = clock
        self._pause_s = pause_s
        self._later = later
        self._holders: dict[UserId, dict[Holder, None]] = {}
        self._timers: dict[Holder, asyncio.TimerHandle] = {}
        self._due: dict[Holder, None] = {}
        self._work: asyncio.Task[None] | None = None
        self._asking: dict[Holder, asyncio.Future[None]] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def add(self, holder: Holder) -> None:
        """Keep this one's rights fresh from now on."""
        self._holders.setdefault(holder.actor.user_id, {})[holder] = None
        if holder.actor.expires_at_ms:
            self._expire(holder)

    def discard(self, holder: Holder) -> None:
        """Keep them no more."""
        holders = self._holders.get(holder.actor.user_id)
        if holders is not None:
            holders.pop(holder, None)
            if not holders:
                del self._holders[holder.actor.user_id]
        self._due.pop(holder, None)
        if holder in self._timers:
            self._timers.pop(holder).cancel()

    def changed(self, user_id: UserId) -> None:
        """The rights of this user, or of a device or key of theirs, are others now."""
        for holder in self._holders.get(user_id, ()):
            holder.resync()
            self.look_soon(holder)

    def resync_all(self) -> None:
        """Make all rights unsure: any change may have been missed."""
        for user_id in self._holders:
            self.changed(user_id)

    def look_soon(self, holder: Holder) -> None:
        """Ask for this one's rights in a moment, together with others."""
        self._due[holder] = None
        if self._work is None or self._work.done():
            self._work = asyncio.get_running_loop().create_task(self._run())

    async def renew(self, holder: Holder) -> None:
        """Ask for this one's rights now, together with all who ask in this turn of the loop.

        Raises:
            Refusal: they cannot be asked for.
        """
        loop = asyncio.get_running_loop()
        if not self._asking:
            loop.call_soon(self._ask)
        future = self._asking.get(holder)
        if future is None or future.done():  # whoever waited for it has gone
            future = self._asking[holder] = loop.create_future()
        await future

    async def close(self) -> None:
        """End."""
        await end_tasks(task for task in (self._work, *self._tasks) if task is not None)

    # --- inside ---

    def _expire(self, holder: Holder) -> None:
        """Look at a holder again when the key ends."""
        left_ms = holder.actor.expires_at_ms - self._clock.now_ms()
        if left_ms > 0:
            later = self._later or asyncio.get_running_loop().call_later
            self._timers[holder] = later(left_ms / 1000, lambda: self._expire(holder))
        else:
            self._timers.pop(holder, None)
            holder.resync()
            self.look_soon(holder)

    async def _run(self) -> None:
        while self._due:
            await asyncio.sleep(self._pause_s)
            some = list(self._due)[:AT_ONCE]
            for holder in some:
                del self._due[holder]
            try:
                await self._look(some)
            except Refusal:
                self._due.update(dict.fromkeys(some))
            except Exception:
                log.exception("the rights of those who are connected could not be asked for")

    def _ask(self) -> None:
        asking, self._asking = self._asking, {}
        task = asyncio.get_running_loop().create_task(self._answer(asking))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _answer(self, asking: dict[Holder, asyncio.Future[None]]) -> None:
        holders = list(asking)
        for start in range(0, len(holders), AT_ONCE):
            some = holders[start : start + AT_ONCE]
            try:
                await self._look(some)
            except Exception as error:
                _resolve((asking[holder] for holder in some), error)
            else:
                _resolve(asking[holder] for holder in some)

    async def _look(self, holders: Collection[Holder]) -> None:
        """Ask what these may do now, and let them know."""
        devices = [(one, one.resyncs) for one in holders if not one.actor.key_id]
        keys = [(one, one.resyncs) for one in holders if one.actor.key_id]
        if devices:
            asked = tuple((one.actor.user_id, one.actor.device_id) for one, _ in devices)
            found = await self._caller.call(ANONYMOUS, CheckDevices(devices=asked))
            for (holder, resyncs), actor in zip(devices, found, strict=True):
                holder.learn(actor, resyncs)
        if keys:
            named = tuple((one.actor.key_id, one.actor.user_id) for one, _ in keys)
            found = await self._caller.call(ANONYMOUS, CheckKeys(holders=named))
            for (holder, resyncs), actor in zip(keys, found, strict=True):
                holder.learn(actor, resyncs)


def _resolve(futures: Iterable["asyncio.Future[None]"], error: Exception | None = None) -> None:
    for future in futures:
        if future.done():
            continue  # whoever waited has gone
        if error is None:
            future.set_result(None)
        else:
            future.set_exception(error)
