"""Presence, and notification of those who subscribed to it."""

import asyncio
import functools
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from typing import Any

from hongyan.domain.conversation.commands_presence import (
    GetPresence,
    NotConnected,
    NotePresence,
    Presences,
    UnwatchPresence,
    UserPresence,
    WatchPresence,
)
from hongyan.domain.conversation.model import PRESENCE
from hongyan.domain.log.model import Signal, encode_body
from hongyan.domain.log.ports import Records
from hongyan.domain.relation.model import Relation
from hongyan.domain.user.model import Device, User
from hongyan.kernel.bus import DONE, Actor, Done, EventPublisher, handles
from hongyan.kernel.clock import Clock
from hongyan.kernel.errors import LimitReached
from hongyan.kernel.ids import DeviceId, UserId, user_log
from hongyan.kernel.turns import Turns

from .ports import ConnectionRegistry, PresenceSubscriptions, UserConnections

NOTIFIED_AT_ONCE = 1_000
OFFLINE = UserConnections()

Glance = tuple[UserId, UserId]
"""A user who looks at another."""


class PresenceService:
    """Answers ``presence.*``; whoever holds connections says so by ``NotePresence``.

    Args:
        records: Users, relations and devices.
        publisher: Takes the signals to the watchers.
        clock: The time of day, for "last seen".
        connection_registry: Who is connected with what.
        subscriptions: Who wants to know.
        later: Calls a function after so many seconds (``loop.call_later``).
        debounce_s: How long a change must hold before it is published.
        subscriptions_max: How many users one user may watch.
    """

    def __init__(
        self,
        records: Records,
        publisher: EventPublisher,
        clock: Clock,
        connection_registry: ConnectionRegistry,
        subscriptions: PresenceSubscriptions,
        later: Callable[[float, Callable[[], None]], Any],
        debounce_s: float = 2.0,
        subscriptions_max: int = 500,
    ) -> None:
        self._records = records
        self._publisher = publisher
        self._clock = clock
        self._connection_registry = connection_registry
        self._subscriptions = subscriptions
        self._later = later
        self._debounce_s = debounce_s
        self._subscriptions_max = subscriptions_max
        self._unsettled: dict[UserId, bool] = {}
        """Watched users who changed a moment ago -> the state that is shown until it settles."""
        self._turns = Turns()
        self._tasks: set[asyncio.Task[None]] = set()

    # --- changes ---

    @handles(NotePresence)
    async def note(self, _actor: Actor, command: NotePresence) -> Done:
        """Answer ``NotePresence``."""
        user_id = command.user_id
        async with self._turns.of(user_id):
            was_online, is_online = await self._connection_registry.note(
                user_id, command.node, command.device_ids, self._clock.now_ms()
            )
            if was_online and not is_online:
                await self._subscriptions.end(user_id)
        if was_online != is_online:
            await self._changed(user_id, was_online)
        return DONE

    async def run(self, now_ms: int) -> int:
        """Publish who went with a node that is lost; return 0. Call it each second."""
        gone = await self._connection_registry.forget_lost(now_ms)
        for user_id in gone:
            await self._subscriptions.end(user_id)
            await self._changed(user_id, True)
        return 0

    async def _changed(self, user_id: UserId, was_online: bool) -> None:
        if user_id not in self._unsettled and await self._subscriptions.watchers(user_id):
            self._unsettled.setdefault(user_id, was_online)
            self._later(self._debounce_s, functools.partial(self._publish_change, user_id))

    def _publish_change(self, user_id: UserId) -> None:
        self._run(self._settled(user_id, self._unsettled.pop(user_id)))

    async def _settled(self, user_id: UserId, was_online: bool) -> None:
        where = (await self._connection_registry.of((user_id,))).get(user_id, OFFLINE)
        if was_online != bool(where.devices):
            await self._publish(user_id, where)

    async def _publish(self, user_id: UserId, where: UserConnections) -> None:
        watchers = list(await self._subscriptions.watchers(user_id))
        for start in range(0, len(watchers), NOTIFIED_AT_ONCE):
            some = watchers[start : start + NOTIFIED_AT_ONCE]
            allowed = await self._allowed([(watcher, user_id) for watcher in some])
            body = encode_body(self._state(user_id, where, await self._platforms((where,))))
            for watcher, _ in allowed:
                self._publisher.publish(Signal(user_log(watcher), PRESENCE, user_id, body))

    def _run(self, work: Awaitable[None]) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    # --- commands ---

    @handles(GetPresence)
    async def get(self, actor: Actor, command: GetPresence) -> Presences:
        """Answer ``GetPresence``."""
        if len(command.user_ids) > self._subscriptions_max:
            raise self._too_many()
        return Presences(tuple(await self._seen_by(actor.user_id, command.user_ids)))

    @handles(WatchPresence)
    async def watch(self, actor: Actor, command: WatchPresence) -> Presences:
        """Answer ``WatchPresence``."""
        me, device_id = actor.user_id, actor.device_id
        if len(command.user_ids) > self._subscriptions_max:
            raise self._too_many()
        async with self._turns.of(me):  # what was noted before this was asked is known
            mine = (await self._connection_registry.of((me,))).get(me, OFFLINE)
            if device_id not in mine.devices:
                raise NotConnected
            limit = self._subscriptions_max
            if not await self._subscriptions.add(me, device_id, command.user_ids, limit):
                raise self._too_many()
        return Presences(tuple(await self._seen_by(me, command.user_ids)))

    @handles(UnwatchPresence)
    async def unwatch(self, actor: Actor, command: UnwatchPresence) -> Done:
        """Answer ``UnwatchPresence``."""
        if len(command.user_ids) > self._subscriptions_max:
            raise self._too_many()
        await self._subscriptions.remove(actor.user_id, actor.device_id, command.user_ids)
        return DONE

    def _too_many(self) -> LimitReached:
        limit = self._subscriptions_max
        return LimitReached(f"At most {limit} users can be watched.", limit=limit)

    # --- looking ---

    async def _seen_by(self, onlooker: UserId, user_ids: Sequence[UserId]) -> list[UserPresence]:
        allowed = await self._allowed([(onlooker, user_id) for user_id in user_ids])
        where = await self._connection_registry.of([user_id for _, user_id in allowed])
        platforms = await self._platforms(where.values())
        return [
            self._state(user_id, where.get(user_id, OFFLINE), platforms)
            if (onlooker, user_id) in allowed
            else UserPresence(user_id)
            for user_id in user_ids
        ]

    def _state(
        self, user_id: UserId, where: UserConnections, platforms: Mapping[DeviceId, str]
    ) -> UserPresence:
        """Return the state that is shown; until a change has settled that is the one before."""
        if not self._unsettled.get(user_id, bool(where.devices)):
            return UserPresence(user_id, last_seen_ms=0 if where.devices else where.last_seen_ms)
        here = {platforms[one] for one in where.devices if one in platforms}
        return UserPresence(user_id, online=True, platforms=tuple(sorted(here)))

    async def _platforms(self, where: Collection[UserConnections]) -> dict[DeviceId, str]:
        keys = [(device_id,) for one in where for device_id in one.devices]
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
