"""The registry of users' nodes in this process: the twin of the one in Redis."""

import itertools
from collections import deque
from collections.abc import Callable, Collection, Sequence

from hongyan.delivery.routes.ports import RegistryChanges
from hongyan.kernel.ids import LogId, UserId

CHANGES_KEPT = 10_000

Change = tuple[int, str, str, str]
"""Number, what (``connected``, ``left``, ``members``, ``ended`` or ``back``), whom or what,
node."""


class LocalRegistry:
    """The ``Registry`` of the routes.

    Args:
        now_s: A clock that never goes back.
        lease_s: How long a lease is good.
    """

    def __init__(self, now_s: Callable[[], float], lease_s: float) -> None:
        self.now_s = now_s
        self.lease_s = lease_s
        self.is_away = False
        self._births = itertools.count()
        self.lose()

    def lose(self) -> None:
        """Forget everything."""
        self.born = next(self._births)
        self.born_s = self.now_s()
        self.at: dict[UserId, set[str]] = {}
        self.leases: dict[str, float] = {}
        self._numbers = itertools.count(1)
        self._last = 0
        self._changes: deque[Change] = deque(maxlen=CHANGES_KEPT)

    def check(self) -> None:
        """Raise while it is away."""
        if self.is_away:
            raise ConnectionRefusedError("the registry is away")

    def note(self, what: str, subject: str, node: str = "") -> None:
        """Append a change."""
        self._last = next(self._numbers)
        self._changes.append((self._last, what, subject, node))

    async def changes(self, position: str) -> RegistryChanges:
        """See ``Registry.changes``."""
        self.check()
        born, _, number = position.partition("|")
        first = self._changes[0][0] if self._changes else self._last + 1
        is_whole = born == str(self.born) and int(number) >= first - 1
        changes: list[Change] = []
        if is_whole:
            changes += itertools.takewhile(lambda c: c[0] > int(number), reversed(self._changes))
            changes.reverse()
        return RegistryChanges(
            f"{self.born}|{self._last}",
            is_whole and all(what != "back" for _, what, _, _ in changes),
            self.now_s() - self.born_s,
            connected=[(UserId(who), node) for _, what, who, node in changes if what == "came"],
            stale_users=[UserId(who) for _, what, who, _ in changes if what == "left"],
            stale_logs=[LogId(log_id) for _, what, log_id, _ in changes if what == "members"],
            gone_nodes=[node for _, what, node, _ in changes if what == "ended"],
        )

    async def nodes(self, groups: Sequence[Collection[UserId]]) -> Sequence[set[str]]:
        """See ``Registry.nodes``."""
        self.check()
        live = {node for node, until_s in self.leases.items() if until_s > self.now_s()}
        return [
            live.intersection(*[set().union(*[self.at.get(user_id, ()) for user_id in users])])
            for users in groups
        ]

    async def members_changed(self, log_ids: Collection[LogId]) -> None:
        """See ``Registry.members_changed``."""
        self.check()
        for log_id in log_ids:
            self.note("members", log_id)

    async def close(self) -> None:
        """See ``Registry.close``."""


class LocalLease:
    """The ``Lease`` of one node.

    Args:
        registry: Where it is kept.
        node: The node.
    """

    def __init__(self, registry: LocalRegistry, node: str) -> None:
        self._registry = registry
        self._node = node

    async def register(self, user_ids: Collection[UserId]) -> None:
        """See ``Lease.register``."""
        self._registry.check()
        for user_id in user_ids:
            nodes = self._registry.at.setdefault(user_id, set())
            if self._node not in nodes:
                nodes.add(self._node)
                self._registry.note("came", user_id, self._node)

    async def unregister(self, user_ids: Collection[UserId]) -> None:
        """See ``Lease.unregister``."""
        self._registry.check()
        for user_id in user_ids:
            self._registry.at.get(user_id, set()).discard(self._node)
            self._registry.note("left", user_id, self._node)

    async def renew(self) -> bool:
        """See ``Lease.renew``."""
        registry = self._registry
        registry.check()
        now_s = registry.now_s()
        for node in [node for node, until_s in registry.leases.items() if until_s <= now_s]:
            del registry.leases[node]
            registry.note("ended", node)
        was_held = self._node in registry.leases
        registry.leases[self._node] = now_s + registry.lease_s
        if not was_held:
            registry.note("back", self._node)
        return was_held

    async def end(self) -> None:
        """See ``Lease.end``."""
        if not self._registry.is_away and self._node in self._registry.leases:
            del self._registry.leases[self._node]
            self._registry.note("ended", self._node)
