"""A registry knows where each user is; the publisher looks up, and sends one batch to each node.

What was looked up is kept for the conversation. Before each batch the publisher reads what has
moved in the registry since, so that it is never behind a user whose ``connected`` has returned.
When the registry cannot be reached, or was lost and is not filled again, every node gets all.
"""

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Callable, Collection, Mapping, Sequence

from hongyan.delivery.ports import ConversationMembers
from hongyan.kernel.ids import ConversationId, LogId, UserId, log_owner
from hongyan.kernel.tasks import end_tasks

from .batch import RoutedEvent
from .broadcast import ALL
from .ports import Lease, NodeRegistry, RegistryChanges
from .subscriptions import Subscriptions

log = logging.getLogger(__name__)

EVERYWHERE_MEMBERS = 1_000
"""A conversation of so many members is taken to be everywhere: looking up would gain nothing."""
KEPT_MEMBERS_MAX = 500_000
"""Members of all conversations that are kept; those used least are forgotten."""
EVERYWHERE_KEPT = 1_000
RETRY_S = 1.0
MEND_S = 0.2


def node_subject(node: str) -> str:
    """Return the subject that only this node listens to."""
    return f"node.{node}"


class _Kept:
    """The nodes of a conversation's members."""

    __slots__ = ("members", "nodes")

    def __init__(self, members: Collection[UserId], nodes: set[str]) -> None:
        self.members = members
        self.nodes = nodes


class ConversationNodes:
    """Conversation -> nodes: bounded, and kept right by the registry's moves."""

    def __init__(self, members_max: int = KEPT_MEMBERS_MAX) -> None:
        self._members_max = members_max
        self._kept: OrderedDict[LogId, _Kept] = OrderedDict()
        self._logs_of: dict[UserId, set[LogId]] = {}
        self._members = 0

    def __len__(self) -> int:
        """Return the number of conversations that are kept."""
        return len(self._kept)

    def get(self, log_id: LogId) -> set[str] | None:
        """Return the nodes; None when they are not known."""
        kept = self._kept.get(log_id)
        if kept is None:
            return None
        self._kept.move_to_end(log_id)
        return kept.nodes

    def keep(self, log_id: LogId, members: Collection[UserId], nodes: set[str]) -> None:
        """Remember, and forget others where it becomes too much."""
        self.forget(log_id)
        self._kept[log_id] = _Kept(members, nodes)
        self._members += len(members) + 1
        for user_id in members:
            self._logs_of.setdefault(user_id, set()).add(log_id)
        while self._members > self._members_max and len(self._kept) > 1:
            self.forget(next(iter(self._kept)))

    def forget(self, log_id: LogId) -> None:
        """Look this one up again."""
        kept = self._kept.pop(log_id, None)
        if kept is None:
            return
        self._members -= len(kept.members) + 1
        for user_id in kept.members:
            logs = self._logs_of[user_id]
            logs.discard(log_id)
            if not logs:
                del self._logs_of[user_id]

    def clear(self) -> None:
        """Look everything up again."""
        self._kept.clear()
        self._logs_of.clear()
        self._members = 0

    def apply(self, moves: RegistryChanges) -> None:
        """Follow the registry."""
        for user_id, node in moves.connected:
            for log_id in self._logs_of.get(user_id, ()):
                self._kept[log_id].nodes.add(node)
        for user_id in moves.stale_users:
            for log_id in tuple(self._logs_of.get(user_id, ())):
                self.forget(log_id)
        for log_id in moves.stale_logs:
            self.forget(log_id)
        for node in moves.gone_nodes:
            for kept in self._kept.values():
                kept.nodes.discard(node)


class RegistryAddressing:
    """Looks up, and remembers.

    Args:
        registry: Where users are.
        members: Finds a conversation's members.
        now_s: A clock that never goes back.
        lease_s: How long a node's lease is good.
        everywhere_members: From how many members on a conversation is not looked up.
        kept_members_max: How many members of all conversations are kept.
    """

    def __init__(
        self,
        registry: NodeRegistry,
        members: ConversationMembers,
        now_s: Callable[[], float],
        lease_s: float,
        everywhere_members: int = EVERYWHERE_MEMBERS,
        kept_members_max: int = KEPT_MEMBERS_MAX,
    ) -> None:
        self.blind = 0
        """The number of batches that went to every node because the registry did not answer."""
        self._registry = registry
        self._members = members
        self._now_s = now_s
        self._lease_s = lease_s
        self._everywhere_members = everywhere_members
        self._kept = ConversationNodes(kept_members_max)
        self._everywhere: OrderedDict[LogId, None] = OrderedDict()
        self._place = ""
        self._changed: set[LogId] = set()
        self._retry_at_s = 0.0

    async def start(self) -> None:
        """See ``Addressing.start``."""

    async def address(self, batch: Sequence[RoutedEvent]) -> Mapping[str, Sequence[RoutedEvent]]:
        """See ``Addressing.address``."""
        for routed in batch:
            if routed.moved:
                self._changed.add(routed.log_id)
                self._kept.forget(routed.log_id)
                self._everywhere.pop(routed.log_id, None)
        if await self._is_blind():
            self.blind += 1
            return {ALL: batch}
        try:
            return await self._look_up(batch)
        except Exception as error:  # of the registry or of the members' store alike
            log.warning("cannot look up where users are: %s", error)
            self._lost()
            return {ALL: batch}

    async def close(self) -> None:
        """See ``Addressing.close``."""
        await self._registry.close()

    async def _is_blind(self) -> bool:
        """Follow the registry; return whether it cannot answer now."""
        if self._now_s() < self._retry_at_s:
            return True
        try:
            moves = await self._registry.changes(self._place)
        except OSError as error:
            log.warning("the registry cannot be reached: %s", error)
            self._lost()
            return True
        if not moves.is_whole:
            self._kept.clear()
        self._place = moves.position
        self._kept.apply(moves)
        return moves.age_s < self._lease_s  # nodes fill it when they renew their leases

    def _lost(self) -> None:
        self._kept.clear()
        self._retry_at_s = self._now_s() + RETRY_S

    async def _look_up(self, batch: Sequence[RoutedEvent]) -> dict[str, list[RoutedEvent]]:
        await self._announce()
        await self._learn({routed.log_id for routed in batch})
        leaves = [routed for routed in batch if routed.is_leave]
        left = dict(
            zip(leaves, await self._nodes([routed.moved for routed in leaves]), strict=True)
        )
        addressed: dict[str, list[RoutedEvent]] = {}
        for routed in batch:
            nodes = self._kept.get(routed.log_id)
            if nodes is None:
                addressed.setdefault(ALL, []).append(routed)
                continue
            for node in nodes | left[routed] if routed.is_leave else nodes:
                addressed.setdefault(node_subject(node), []).append(routed)
        return addressed

    async def _announce(self) -> None:
        """Let the other publishers know whose members changed; it is kept until they do."""
        if self._changed:
            await self._registry.members_changed(tuple(self._changed))
            self._changed.clear()

    async def _learn(self, log_ids: Collection[LogId]) -> None:
        """Look up where those are of which it is not known."""
        groups: dict[LogId, Collection[UserId]] = {}
        for log_id in log_ids:
            if self._kept.get(log_id) is not None or log_id in self._everywhere:
                continue
            owner = log_owner(log_id)
            if owner is not None:
                groups[log_id] = (owner,)
                continue
            members = await self._members.members(ConversationId(log_id))
            if len(members) < self._everywhere_members:
                groups[log_id] = members
                continue
            self._everywhere[log_id] = None
            if len(self._everywhere) > EVERYWHERE_KEPT:
                self._everywhere.popitem(last=False)
        for log_id, nodes in zip(groups, await self._nodes(list(groups.values())), strict=True):
            self._kept.keep(log_id, groups[log_id], nodes)

    async def _nodes(self, groups: Sequence[Collection[UserId]]) -> Sequence[set[str]]:
        return await self._registry.nodes(groups) if groups else ()


class RegistryFollower:
    """Registers the users of this node, and keeps the lease.

    Args:
        lease: This node's entry.
        listening: What is listened to.
        node: This node's name, new each time it starts.
        lease_s: How long the lease is good; it is renewed three times as often.
        refresh_s: How often all users are registered again, whatever seems lost.
        resync: Called when the lease had ended.
    """

    def __init__(
        self,
        lease: Lease,
        listening: Subscriptions,
        node: str,
        lease_s: float,
        refresh_s: float,
        resync: Callable[[], None] = lambda: None,
    ) -> None:
        self._resync = resync
        self._lease = lease
        self._listening = listening
        self._node = node
        self._lease_s = lease_s
        self._refresh_s = refresh_s
        self._users: dict[UserId, None] = {}
        self._is_whole = True
        """Whether the registry knows all of them, as far as is known."""
        self._pending: dict[UserId, bool] = {}
        self._pending_done: asyncio.Future[None] | None = None
        self._wake = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """See ``Follower.start``.

        Raises:
            OSError: the registry cannot be reached.
        """
        await self._listening.acquire((ALL, node_subject(self._node)))
        await self._lease.renew()
        loop = asyncio.get_running_loop()
        self._tasks = [loop.create_task(self._work()), loop.create_task(self._keep())]

    async def follow(self, log_ids: Collection[LogId]) -> None:
        """See ``Follower.follow``; users that come together are registered together."""
        users = [owner for log_id in log_ids if (owner := log_owner(log_id)) is not None]
        if users:
            for user_id in users:
                self._users[user_id] = None
            await asyncio.shield(self._change(users, True))

    def unfollow(self, log_ids: Collection[LogId]) -> None:
        """See ``Follower.unfollow``."""
        users = [owner for log_id in log_ids if (owner := log_owner(log_id)) is not None]
        if users:
            for user_id in users:
                self._users.pop(user_id, None)
            self._change(users, False)

    async def close(self) -> None:
        """See ``Follower.close``."""
        await end_tasks(self._tasks)
        await self._lease.end()

    def _change(self, users: Collection[UserId], is_here: bool) -> "asyncio.Future[None]":
        for user_id in users:
            self._pending[user_id] = is_here
        if self._pending_done is None:
            self._pending_done = asyncio.get_running_loop().create_future()
        self._wake.set()
        return self._pending_done

    async def _work(self) -> None:
        """Register and unregister in batches.

        A failure is mended by ``_keep``: until then the registry is away, and publishers that
        cannot ask it send to every node.
        """
        while True:
            await self._wake.wait()
            self._wake.clear()
            pending, self._pending = self._pending, {}
            done, self._pending_done = self._pending_done, None
            try:
                await self._lease.register([user for user, here in pending.items() if here])
                await self._lease.unregister([user for user, here in pending.items() if not here])
            except OSError as error:
                log.warning("the registry cannot be reached: %s", error)
                self._is_whole = False
            if done is not None and not done.done():
                done.set_result(None)

    async def _keep(self) -> None:
        loop = asyncio.get_running_loop()
        refreshed_s = loop.time()
        while True:
            await asyncio.sleep(self._lease_s / 3 if self._is_whole else MEND_S)
            try:
                is_lost = not await self._lease.renew() or not self._is_whole
                if is_lost or loop.time() > refreshed_s + self._refresh_s:
                    self._is_whole = True
                    refreshed_s = loop.time()
                    await self._lease.register(list(self._users))
                if is_lost:
                    self._resync()
            except OSError as error:
                log.warning("the lease cannot be renewed: %s", error)
                self._is_whole = False
