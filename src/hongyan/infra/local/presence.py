"""The connection registry and presence subscriptions of one process."""

from collections import OrderedDict
from collections.abc import Collection, Mapping

from hongyan.delivery.ports import UserConnections
from hongyan.kernel.ids import DeviceId, UserId

LAST_SEEN_KEPT = 100_000


class LocalConnectionRegistry:
    """The ``ConnectionRegistry`` of nodes in one process."""

    def __init__(self) -> None:
        self._here: dict[UserId, dict[str, tuple[DeviceId, ...]]] = {}
        self._last_seen: OrderedDict[UserId, int] = OrderedDict()

    async def note(
        self, user_id: UserId, node: str, devices: Collection[DeviceId], now_ms: int
    ) -> tuple[bool, bool]:
        """See ``ConnectionRegistry.note``."""
        nodes = self._here.get(user_id, {})
        was_online = bool(nodes)
        if devices:
            self._here.setdefault(user_id, nodes)[node] = tuple(devices)
            return was_online, True
        nodes.pop(node, None)
        if was_online and not nodes:
            del self._here[user_id]
            self._disconnected(user_id, now_ms)
        return was_online, bool(nodes)

    async def of(self, user_ids: Collection[UserId]) -> Mapping[UserId, UserConnections]:
        """See ``ConnectionRegistry.of``."""
        found = {}
        for user_id in user_ids:
            nodes = self._here.get(user_id, {})
            devices = tuple(one for node in nodes.values() for one in node)
            found[user_id] = UserConnections(devices, self._last_seen.get(user_id, 0))
        return found

    async def forget_lost(self, now_ms: int) -> Collection[UserId]:
        """See ``ConnectionRegistry.forget_lost``: a part of this process is never lost."""
        return ()

    def _disconnected(self, user_id: UserId, now_ms: int) -> None:
        self._last_seen[user_id] = now_ms
        self._last_seen.move_to_end(user_id)
        if len(self._last_seen) > LAST_SEEN_KEPT:
            self._last_seen.popitem(last=False)


class LocalPresenceSubscriptions:
    """The ``PresenceSubscriptions`` of one process."""

    def __init__(self) -> None:
        self._subscriptions: dict[UserId, dict[UserId, set[DeviceId]]] = {}
        self._watchers: dict[UserId, set[UserId]] = {}

    async def add(
        self, watcher: UserId, device_id: DeviceId, user_ids: Collection[UserId], limit: int
    ) -> bool:
        """See ``PresenceSubscriptions.add``."""
        subscriptions = self._subscriptions.get(watcher, {})
        if len(subscriptions.keys() | set(user_ids)) > limit:
            return False
        for user_id in user_ids:
            self._subscriptions.setdefault(watcher, subscriptions).setdefault(user_id, set()).add(
                device_id
            )
            self._watchers.setdefault(user_id, set()).add(watcher)
        return True

    async def remove(
        self, watcher: UserId, device_id: DeviceId, user_ids: Collection[UserId]
    ) -> None:
        """See ``PresenceSubscriptions.remove``."""
        subscriptions = self._subscriptions.get(watcher, {})
        for user_id in user_ids:
            devices = subscriptions.get(user_id, set())
            devices.discard(device_id)
            if not devices and subscriptions.pop(user_id, None) is not None:
                self._forget(watcher, user_id)
        if not subscriptions:
            self._subscriptions.pop(watcher, None)

    async def end(self, watcher: UserId) -> None:
        """See ``PresenceSubscriptions.end``."""
        for user_id in self._subscriptions.pop(watcher, ()):
            self._forget(watcher, user_id)

    async def watchers(self, user_id: UserId) -> Collection[UserId]:
        """See ``PresenceSubscriptions.watchers``."""
        return tuple(self._watchers.get(user_id, ()))

    def _forget(self, watcher: UserId, watched: UserId) -> None:
        watchers = self._watchers[watched]
        watchers.discard(watcher)
        if not watchers:
            del self._watchers[watched]
