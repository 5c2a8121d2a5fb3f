"""The port Deliveries of one node. A cluster asks each gateway's and puts the answers together."""

from collections.abc import Sequence

from hongyan.domain.admin.commands_tracing import DevicePush, NodeTrace
from hongyan.kernel.ids import LogId, UserId

from .hub import Hub


class HubDeliveries:
    """The deliveries that this node's hub remembers.

    Args:
        node: What this node is called.
        hub: The hub.
    """

    def __init__(self, node: str, hub: Hub) -> None:
        self._node = node
        self._hub = hub

    async def of(self, log_id: LogId, seq: int, user_ids: Sequence[UserId]) -> list[NodeTrace]:
        """See ``Deliveries.of``."""
        return [self.known(log_id, seq, user_ids)]

    def known(self, log_id: LogId, seq: int, user_ids: Sequence[UserId]) -> NodeTrace:
        """Return what this node knows; a gateway answers a backend's question with it."""
        recent = self._hub.recent
        at_s = recent.pushed_at(log_id, seq)
        if not at_s:
            return NodeTrace(self._node)
        at_ms = int(at_s * 1000)
        pushes = tuple(
            DevicePush(one.user_id, one.device_id, self._node, at_ms, one.is_open)
            for one in recent.connected_at(at_s, frozenset(user_ids))
        )
        return NodeTrace(self._node, at_ms, pushes)
