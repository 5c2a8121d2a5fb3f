"""What the administration needs beyond logs and rows."""

from collections.abc import Mapping
from typing import Protocol


class Usage(Protocol):
    """What the server takes of its machine."""

    async def storage_bytes(self) -> Mapping[str, int]:
        """Return the bytes on the disk, by kind; may be a minute old."""
        ...

    def connected_devices(self) -> int:
        """Return how many devices are connected to this process."""
        ...


class NoUsage:
    """Knows of nothing: for who works on the data without a server."""

    async def storage_bytes(self) -> Mapping[str, int]:
        """See ``Usage.storage_bytes``."""
        return {}

    def connected_devices(self) -> int:
        """See ``Usage.connected_devices``."""
        return 0
