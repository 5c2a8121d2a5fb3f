"""A cache of profiles."""

import time
from collections.abc import Awaitable, Callable
from typing import Any

from .errors import ConnectionLost

Profile = dict[str, Any]
"""``user_id``, ``handle``, ``name``, ``avatar``, ``bio`` and so on."""

PAGE = 200
STALE_S = 600.0
"""In large groups, and where no conversation is shared, the server sends no change."""


class Profiles:
    """Profiles that were asked for; the server sends what changes while one is connected.

    Args:
        call: Asks the server.
    """

    def __init__(self, call: Callable[[str, dict[str, Any]], Awaitable[Any]]) -> None:
        self._call = call
        self._known: dict[str, Profile] = {}
        self._told_s: dict[str, float] = {}
        """When each certain profile was received."""

    async def get(self, user_ids: list[str]) -> dict[str, Profile]:
        """Return profiles by user id, asking for those that are not here or may be old.

        Raises:
            ConnectionLost: there is no connection, and one of them was never here.
            Refused, LoggedOut: see there.
        """
        late_s = time.monotonic() - STALE_S
        wanted = [one for one in user_ids if self._told_s.get(one, late_s) <= late_s]
        try:
            for start in range(0, len(wanted), PAGE):
                part = wanted[start : start + PAGE]
                for profile in (await self._call("user.get", {"user_ids": part}))["users"]:
                    self.take(profile)
        except ConnectionLost:
            if not self._known.keys() >= set(user_ids):
                raise
        return {one: self._known[one] for one in user_ids if one in self._known}

    def take(self, profile: Profile) -> None:
        """Keep what the server sent."""
        self._known[profile["user_id"]] = profile
        self._told_s[profile["user_id"]] = time.monotonic()

    def invalidate(self) -> None:
        """Changes may have been missed: what is asked for next is asked of the server."""
        self._told_s.clear()
