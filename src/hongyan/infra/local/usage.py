"""Resource usage of the server, seen from inside its process."""

import asyncio
import os
import time
from collections.abc import Callable, Mapping
from pathlib import Path

KEEP_S = 60.0
"""Looking through many files takes a while, so an answer serves this long."""


class FolderUsage:
    """The ``Usage`` of a data folder.

    Args:
        folder: The data folder.
        database: The database's file name; what begins with it belongs to it.
        connected: Counts the connected devices.
    """

    def __init__(
        self, folder: Path, database: str, connected: Callable[[], int] = lambda: 0
    ) -> None:
        self._folder = folder
        self._database = database
        self._connected = connected
        self._known: Mapping[str, int] = {}
        self._until_s = 0.0

    async def storage_bytes(self) -> Mapping[str, int]:
        """See ``Usage.storage_bytes``: ``database``, then the folders by name, ``other``, free."""
        now_s = time.monotonic()
        if now_s >= self._until_s:
            self._known = await asyncio.to_thread(self._look)
            self._until_s = now_s + KEEP_S
        return self._known

    def connected_devices(self) -> int:
        """See ``Usage.connected_devices``."""
        return self._connected()

    def _look(self) -> dict[str, int]:
        found = {"database": 0, "other": 0}
        for root, _, files in os.walk(self._folder):
            parts = Path(root).relative_to(self._folder).parts
            for name in files:
                kind = parts[0] if parts else "other"
                if not parts and name.startswith(self._database):
                    kind = "database"
                try:
                    size = os.lstat(os.path.join(root, name)).st_size
                except FileNotFoundError:
                    continue
                found[kind] = found.get(kind, 0) + size
        status = os.statvfs(self._folder)
        return found | {"free": status.f_bavail * status.f_frsize}
