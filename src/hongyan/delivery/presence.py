"""Who is online here, and telling those who want to know.

Everything is in memory and of this node: it is forgotten when the process ends.
"""

import asyncio
import functools
from collections import OrderedDict
from collections.abc import Callable, Collection, Iterable, Sequence
from typing import Any

from hongyan.domain.conversation.model import PRESENCE
from hongyan.domain.conversation.presence_api import (
    GetPresence,
    NotConnected,
    Presences,
    UnwatchPresence,
    UserPresence,
    WatchPresence,
)
from hongyan.domain.log.model import Signal, encode_body
from hongyan.domain.log.ports import Records
from hongyan.domain.relation.model import Relation
from hongyan.domain.user.model import Device, User
from hongyan.kernel.bus import DONE, Actor, Done, Publisher, handles
from hongyan.kernel.clock import Clock
from hongyan.kernel.errors import LimitReached
from hongyan.kernel.ids import DeviceId, UserId, user_log

LAST_SEEN_KEPT = 100_000
TOLD_AT_ONCE = 1_000

Glance = tuple[UserId, UserId]
"""Who looks at whom."""


class Presence:
    """Answers ``presence.*``; give ``came`` and ``went`` to the hub.

    Args:
        records: Users, relations and devices.
        publisher: Takes the signals to the watchers.
        clock: The time of day, for "last seen".
        devices: Tells which of a user's devices are connected here (``Hub.devices``).
        later: Calls a function after so many seconds (``loop.call_later``).
        debounce_s: How long a change must hold before it is told.
        watches_max: How many users one user may watch.
    """

    def __init__(
        self,
        records: Records,
        publisher: Publisher,
        clock: Clock,
        devices: Callable[[UserId], Collection[DeviceId]],
        later: Callable[[float, Callable[[], None]], Any],
        debounce_s: float = 2.0,
        watches_max: int = 500,
    ) -> None:
        self._records = records
        self._publisher = publisher
        self._clock = clock
        self._devices = devices
        self._later = later
        self._debounce_s = debounce_s
        self._watches_max = watches_max
        self._watches: dict[UserId, dict[UserId, set[DeviceId]]] = {}
        self._watchers: dict[UserId, set[UserId]] = {}
        self._unsettled: dict[UserId, bool] = {}
        """Watched users who changed a moment ago -> what is told of them until it settles."""
        self._last_seen: OrderedDict[UserId, int] = OrderedDict()
        self._tasks: set[asyncio.Task[None]] = set()

    # --- from the hub ---

    def came(self, user_id: UserId) -> None:
        """The user's first device is connected."""
        self._changed(user_id, was_online=False)

    def went(self, user_id: UserId) -> None:
        """The user's last device is gone, and with it what it watched."""
        self._last_seen[user_id] = self._clock.now_ms()
        self._last_seen.move_to_end(user_id)
        if len(self._last_seen) > LAST_SEEN_KEPT:
            self._last_seen.popitem(last=False)
        for watched in self._watches.pop(user_id, ()):
            self._forget(user_id, watched)
        self._changed(user_id, was_online=True)

    # --- commands ---

    @handles(GetPresence)
    async def get(self, actor: Actor, command: GetPresence) -> Presences:
        """Answer ``GetPresence``."""
        self._check(command.user_ids)
        return Presences(tuple(await self._seen_by(actor.user_id, command.user_ids)))

    @handles(WatchPresence)
    async def watch(self, actor: Actor, command: WatchPresence) -> Presences:
        """Answer ``WatchPresence``."""
        me, device_id = actor.user_id, actor.device_id
        self._check(command.user_ids)
        if device_id not in self._devices(me):
            raise NotConnected
        watches = self._watches.get(me, {})
        self._check(watches.keys() | set(command.user_ids))
        for user_id in command.user_ids:  # at once: who goes offline meanwhile is forgotten
            self._watches.setdefault(me, watches).setdefault(user_id, set()).add(device_id)
            self._watchers.setdefault(user_id, set()).add(me)
        return Presences(tuple(await self._seen_by(me, command.user_ids)))

    @handles(UnwatchPresence)
    async def unwatch(self, actor: Actor, command: UnwatchPresence) -> Done:
        """Answer ``UnwatchPresence``."""
        me = actor.user_id
        self._check(command.user_ids)
        watches = self._watches.get(me, {})
        for user_id in command.user_ids:
            devices = watches.get(user_id)
            if devices is not None:
                devices.discard(actor.device_id)
                if not devices:
                    del watches[user_id]
                    self._forget(me, user_id)
        if not watches:
            self._watches.pop(me, None)
        return DONE

    def _check(self, user_ids: Collection[UserId]) -> None:
        if len(user_ids) > self._watches_max:
            raise LimitReached(
                f"At most {self._watches_max} users can be watched.", limit=self._watches_max
            )

    # --- changes ---

    def _forget(self, watcher: UserId, watched: UserId) -> None:
        watchers = self._watchers[watched]
        watchers.discard(watcher)
        if not watchers:
            del self._watchers[watched]

    def _changed(self, user_id: UserId, *, was_online: bool) -> None:
        if user_id in self._watchers and user_id not in self._unsettled:
            self._unsettled[user_id] = was_online
            self._later(self._debounce_s, functools.partial(self._settle, user_id))

    def _settle(self, user_id: UserId) -> None:
        was_online = self._unsettled.pop(user_id)
        if was_online != self._is_online(user_id) and user_id in self._watchers:
            task = asyncio.get_running_loop().create_task(self._tell(user_id))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _tell(self, user_id: UserId) -> None:
        watchers = list(self._watchers.get(user_id, ()))
        for start in range(0, len(watchers), TOLD_AT_ONCE):
            some = watchers[start : start + TOLD_AT_ONCE]
            allowed = await self._allowed([(watcher, user_id) for watcher in some])
            platforms = await self._platforms([user_id])
            body = encode_body(self._state(user_id, platforms))
            for watcher, _ in allowed:
                self._publisher.publish(Signal(user_log(watcher), PRESENCE, user_id, body))

    # --- looking ---

    def _is_online(self, user_id: UserId) -> bool:
        """Return what is told; until a change has settled that is what was told before."""
        return self._unsettled.get(user_id, bool(self._devices(user_id)))

    async def _seen_by(self, onlooker: UserId, user_ids: Sequence[UserId]) -> list[UserPresence]:
        allowed = await self._allowed([(onlooker, user_id) for user_id in user_ids])
        platforms = await self._platforms([user_id for _, user_id in allowed])
        return [
            self._state(user_id, platforms)
            if (onlooker, user_id) in allowed
            else UserPresence(user_id)
            for user_id in user_ids
        ]

    def _state(self, user_id: UserId, platforms: dict[DeviceId, str]) -> UserPresence:
        if not self._is_online(user_id):
            return UserPresence(user_id, last_seen_ms=self._last_seen.get(user_id, 0))
        here = {platforms[one] for one in self._devices(user_id) if one in platforms}
        return UserPresence(user_id, online=True, platforms=tuple(sorted(here)))

    async def _platforms(self, user_ids: Iterable[UserId]) -> dict[DeviceId, str]:
        keys = [(one,) for user_id in user_ids for one in self._devices(user_id)]
        found = await self._records.get_many(Device, keys)
        return {device.device_id: device.platform for device in found.values()}

    async def _allowed(self, glances: Sequence[Glance]) -> dict[Glance, None]:
        """Return which of these the privacy of the one who is looked at allows, in order."""
        users = await self._records.get_many(User, [(at,) for at in {at for _, at in glances}])
        keys = [key for who, at in glances for key in ((who, at), (at, who))]
        relations = await self._records.get_many(Relation, keys)
        return {
            (who, at): None
            for who, at in glances
            if at in users
            and (
                who == at or _allows(users[at], relations.get((at, who)), relations.get((who, at)))
            )
        }


def _allows(user: User, theirs: Relation | None, mine: Relation | None) -> bool:
    """Return whether the user shows their presence to somebody.

    Args:
        user: The one who is looked at.
        theirs: What the onlooker is to them.
        mine: What they are to the onlooker.
    """
    if user.state != "active" or any(one is not None and one.blocked for one in (theirs, mine)):
        return False
    shows = user.privacy.shows_presence
    return shows == "everyone" or (shows == "friends" and theirs is not None and theirs.friend)
