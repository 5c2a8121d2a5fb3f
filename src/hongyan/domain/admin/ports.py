"""The ports of the administration."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from hongyan.kernel.ids import LogId, UserId

from .commands_tracing import NodeTrace


class UsageMeter(Protocol):
    """Resource usage of the server."""

    async def storage_bytes(self) -> Mapping[str, int]:
        """Return the bytes on the disk, by kind; may be a minute old."""
        ...

    def connected_devices(self) -> int:
        """Return how many devices are connected to this process."""
        ...


class NoUsage:
    """Knows of nothing: for who works on the data without a server."""

    async def storage_bytes(self) -> Mapping[str, int]:
        """See ``UsageMeter.storage_bytes``."""
        return {}

    def connected_devices(self) -> int:
        """See ``UsageMeter.connected_devices``."""
        return 0


class Deliveries(Protocol):
    """The nodes' memory of deliveries."""

    async def of(self, log_id: LogId, seq: int, user_ids: Sequence[UserId]) -> list[NodeTrace]:
        """Return what each node knows of an entry; nodes that do not answer are left out."""
        ...


class NoDeliveries:
    """Knows of nothing: for who works on the data without a server."""

    async def of(self, _log_id: LogId, _seq: int, _user_ids: Sequence[UserId]) -> list[NodeTrace]:
        """See ``Deliveries.of``."""
        return []
