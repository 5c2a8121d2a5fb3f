"""The registry of users' nodes in Redis.

Keys, all in one slot, below ``{CLUSTER}:routes:``

- ``at:USER``: a set of nodes; it ends by itself when nobody renews it.
- ``nodes``: a sorted set of nodes by the end of their leases, in milliseconds.
- ``changes``: a stream of what changed, which publishers read before they look anything up.
- ``born``: when this registry began to be filled, and a random word. It is missing when Redis
  lost everything.
"""

import time
from collections.abc import Collection, Iterator, Sequence
from typing import Any

from redis.asyncio import Redis

from hongyan.delivery.routes.ports import RegistryChanges
from hongyan.kernel.ids import LogId, UserId, new_token_id

from .connection import as_os_errors, connect

CHANGES_KEPT = 100_000
CHANGES_AT_ONCE = 5_000
USERS_AT_ONCE = 200
GROUPS_AT_ONCE = 100

REGISTER = """
for i = 4, #ARGV do
  local key = KEYS[1] .. ARGV[i]
  if redis.call('SADD', key, ARGV[1]) == 1 then
    redis.call('XADD', KEYS[2], 'MAXLEN', '~', ARGV[3], '*', 'c', ARGV[i], 'n', ARGV[1])
  end
  redis.call('PEXPIRE', key, ARGV[2])
end
"""
UNREGISTER = """
for i = 3, #ARGV do
  if redis.call('SREM', KEYS[1] .. ARGV[i], ARGV[1]) == 1 then
    redis.call('XADD', KEYS[2], 'MAXLEN', '~', ARGV[2], '*', 'l', ARGV[i])
  end
end
"""
RENEW = """
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call('SET', KEYS[3], now .. '-' .. ARGV[4], 'NX')
for _, node in ipairs(redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', now)) do
  redis.call('ZREM', KEYS[1], node)
  redis.call('XADD', KEYS[2], 'MAXLEN', '~', ARGV[3], '*', 'e', node)
end
local held = redis.call('ZSCORE', KEYS[1], ARGV[1])
redis.call('ZADD', KEYS[1], now + ARGV[2], ARGV[1])
if held then return 1 end
redis.call('XADD', KEYS[2], 'MAXLEN', '~', ARGV[3], '*', 'b', ARGV[1])
return 0
"""
END = """
if redis.call('ZREM', KEYS[1], ARGV[1]) == 1 then
  redis.call('XADD', KEYS[2], 'MAXLEN', '~', ARGV[2], '*', 'e', ARGV[1])
end
"""


class _Keys:
    """The names of the keys."""

    def __init__(self, cluster: str) -> None:
        prefix = f"{{{cluster}}}:routes:"
        self.at = prefix + "at:"
        self.nodes = prefix + "nodes"
        self.changes = prefix + "changes"
        self.born = prefix + "born"


class RedisRegistry:
    """The ``Registry`` of the routes.

    Args:
        url: Where Redis is.
        cluster: The cluster's name.
        name: What the operator of Redis sees.
    """

    def __init__(self, url: str, cluster: str, name: str) -> None:
        self._redis: Redis = connect(url, name)
        self._keys = _Keys(cluster)
        self._born_s = 0.0
        """When the registry began to be filled, by the clock that never goes back."""

    async def changes(self, position: str) -> RegistryChanges:
        """See ``Registry.changes``: one command, unless the registry was lost.

        The position is the last change that was read. It comes again, as long as it is there, so
        nothing after it can be missing.
        """
        with as_os_errors():
            if position:
                found: Any = await self._redis.xrange(
                    self._keys.changes, position, "+", count=CHANGES_AT_ONCE
                )
                if found and _text(found[0][0]) == position and len(found) < CHANGES_AT_ONCE:
                    age_s = time.monotonic() - self._born_s
                    return _moves(_text(found[-1][0]), age_s, [fields for _, fields in found[1:]])
            return await self._begin()

    async def _begin(self) -> RegistryChanges:
        async with self._redis.pipeline(transaction=False) as pipeline:
            pipeline.get(self._keys.born)
            pipeline.time()
            pipeline.xrevrange(self._keys.changes, count=1)
            born, (now_s, now_us), newest = await pipeline.execute()
        if born is None or not newest:
            raise OSError("the registry in Redis is empty")
        age_s = now_s + now_us / 1e6 - int(born.partition(b"-")[0]) / 1000
        self._born_s = time.monotonic() - age_s
        return RegistryChanges(_text(newest[0][0]), False, age_s)

    async def nodes(self, groups: Sequence[Collection[UserId]]) -> Sequence[set[str]]:
        """See ``Registry.nodes``: one round trip for a hundred groups."""
        answers: list[set[str]] = []
        for start in range(0, len(groups), GROUPS_AT_ONCE):
            answers += await self._nodes(groups[start : start + GROUPS_AT_ONCE])
        return answers

    async def members_changed(self, log_ids: Collection[LogId]) -> None:
        """See ``Registry.members_changed``."""
        with as_os_errors():
            async with self._redis.pipeline(transaction=False) as pipeline:
                for log_id in log_ids:
                    pipeline.xadd(self._keys.changes, {"m": log_id}, maxlen=CHANGES_KEPT)
                await pipeline.execute()

    async def close(self) -> None:
        """See ``Registry.close``."""
        await self._redis.aclose()

    async def _nodes(self, groups: Sequence[Collection[UserId]]) -> Iterator[set[str]]:
        with as_os_errors():
            async with self._redis.pipeline(transaction=False) as pipeline:
                pipeline.time()
                pipeline.zrange(self._keys.nodes, 0, -1, withscores=True)
                for users in groups:
                    if users:
                        pipeline.sunion([self._keys.at + user_id for user_id in users])
                    else:
                        pipeline.echo("")
                (now_s, now_us), leases, *found = await pipeline.execute()
        now_ms = now_s * 1000 + now_us // 1000
        live = {node for node, until_ms in leases if until_ms > now_ms}
        return ({node.decode() for node in live.intersection(nodes or ())} for nodes in found)


class RedisLease:
    """The ``Lease`` of one node.

    Args:
        url: Where Redis is.
        cluster: The cluster's name.
        node: The node's name, new each time it starts.
        lease_s: How long the lease is good.
        user_s: After how long a user's entry ends that is not registered again.
    """

    def __init__(self, url: str, cluster: str, node: str, lease_s: float, user_s: float) -> None:
        self._redis: Redis = connect(url, node)
        self._keys = _Keys(cluster)
        self._node = node
        self._lease_ms = int(lease_s * 1000)
        self._user_ms = int(user_s * 1000)
        self._born = new_token_id()
        self._register = self._redis.register_script(REGISTER)
        self._unregister = self._redis.register_script(UNREGISTER)
        self._renew = self._redis.register_script(RENEW)
        self._end = self._redis.register_script(END)

    async def register(self, user_ids: Collection[UserId]) -> None:
        """See ``Lease.register``: one round trip for some hundred users."""
        await self._in_parts(self._register, [self._node, self._user_ms, CHANGES_KEPT], user_ids)

    async def unregister(self, user_ids: Collection[UserId]) -> None:
        """See ``Lease.unregister``."""
        await self._in_parts(self._unregister, [self._node, CHANGES_KEPT], user_ids)

    async def renew(self) -> bool:
        """See ``Lease.renew``."""
        keys = [self._keys.nodes, self._keys.changes, self._keys.born]
        with as_os_errors():
            held = await self._renew(keys, [self._node, self._lease_ms, CHANGES_KEPT, self._born])
        return bool(held)

    async def end(self) -> None:
        """See ``Lease.end``."""
        try:
            with as_os_errors():
                keys = [self._keys.nodes, self._keys.changes]
                await self._end(keys, [self._node, CHANGES_KEPT])
        except OSError:
            pass  # it ends by itself
        await self._redis.aclose()

    async def _in_parts(
        self, script: Any, before: list[str | int], user_ids: Collection[UserId]
    ) -> None:
        users = list(user_ids)
        keys = [self._keys.at, self._keys.changes]
        with as_os_errors():
            for start in range(0, len(users), USERS_AT_ONCE):
                await script(keys, [*before, *users[start : start + USERS_AT_ONCE]])


def _text(stream_id: Any) -> str:
    return stream_id.decode() if isinstance(stream_id, bytes) else str(stream_id)


def _moves(position: str, age_s: float, changes: Sequence[dict[bytes, bytes]]) -> RegistryChanges:
    def of(what: bytes) -> list[str]:
        return [fields[what].decode() for fields in changes if what in fields]

    return RegistryChanges(
        position,
        not of(b"b"),
        age_s,
        connected=[
            (UserId(fields[b"c"].decode()), fields[b"n"].decode())
            for fields in changes
            if b"c" in fields
        ],
        stale_users=[UserId(user_id) for user_id in of(b"l")],
        stale_logs=[LogId(log_id) for log_id in of(b"m")],
        gone_nodes=of(b"e"),
    )
