"""The devices that are known to exist."""

from collections import OrderedDict

from hongyan.domain.log.caches import Cache
from hongyan.domain.log.model import Committed, Missed
from hongyan.kernel.ids import DeviceId, UserId, log_owner

from .model import DEVICE_REMOVED, USER_CHANGED


class LiveDevices:
    """Remembers which devices exist, so that a token costs no reading.

    Args:
        limit: How many users are remembered.
    """

    def __init__(self, limit: int = 100_000) -> None:
        self._limit = limit
        self._users: OrderedDict[UserId, dict[DeviceId, bool]] = OrderedDict()
        self.changes = 0
        """Grows with every removal: what was read before one is not to be remembered."""
        self.cache = Cache((DEVICE_REMOVED, USER_CHANGED), self._committed, self._missed)

    def get(self, user_id: UserId, device_id: DeviceId) -> bool | None:
        """Return whether the device's user is an administrator; None when not remembered."""
        devices = self._users.get(user_id)
        if devices is None:
            return None
        self._users.move_to_end(user_id)
        return devices.get(device_id)

    def add(self, user_id: UserId, device_id: DeviceId, admin: bool, changes: int) -> None:
        """Remember a device that was read when ``changes`` was this."""
        if changes == self.changes:
            self._users.setdefault(user_id, {})[device_id] = admin
            if len(self._users) > self._limit:
                self._users.popitem(last=False)

    def _missed(self, _event: Missed) -> None:
        self.changes += 1
        self._users.clear()

    def _committed(self, event: Committed) -> None:
        """Forget the users whom a commit changed, or a device of theirs."""
        for entry in event.entries:
            owner = log_owner(entry.log_id)
            if owner is not None and entry.kind in self.cache.kinds:
                self.changes += 1
                self._users.pop(owner, None)
