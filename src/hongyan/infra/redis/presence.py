"""The connection registry and presence subscriptions in Redis.

Keys, all in one slot, below ``{CLUSTER}:presence:``

- ``at:USER``: a hash, node -> the user's devices there. Gateways say it again now and then; it
  ends by itself when nobody does.
- ``seen:USER``: when the last device went.
- ``nodes``: a set of the nodes that said anything; ``on:NODE``: a set of the users there.
- ``watching:USER``: a hash, watched user -> the devices that watch; ``watchers:USER``: a set.
"""

from collections.abc import Awaitable, Callable, Collection, Mapping
from typing import Any, cast

from hongyan.delivery.ports import UserConnections
from hongyan.kernel.ids import DeviceId, UserId

from .connection import as_refusals, connect

AT_MS = 300_000
SEEN_MS = 90 * 86_400_000
WATCHED_MS = 7 * 86_400_000

NOTE = """
local before = redis.call('HGETALL', KEYS[1])
if ARGV[2] == '' then
  redis.call('HDEL', KEYS[1], ARGV[1])
  redis.call('SREM', KEYS[3], ARGV[3])
else
  redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
  redis.call('PEXPIRE', KEYS[1], ARGV[4])
  redis.call('SADD', KEYS[3], ARGV[3])
  redis.call('SADD', KEYS[2], ARGV[1])
end
return before
"""
ADD = """
local now = redis.call('HGETALL', KEYS[1])
local count, known = #now / 2, {}
for i = 1, #now, 2 do known[now[i]] = now[i + 1] end
for i = 5, #ARGV do if not known[ARGV[i]] then count = count + 1; known[ARGV[i]] = '' end end
if count > tonumber(ARGV[2]) then return 0 end
for i = 5, #ARGV do
  local devices = known[ARGV[i]]
  if not string.find(',' .. devices .. ',', ',' .. ARGV[1] .. ',', 1, true) then
    devices = devices == '' and ARGV[1] or devices .. ',' .. ARGV[1]
    redis.call('HSET', KEYS[1], ARGV[i], devices)
    known[ARGV[i]] = devices
  end
  redis.call('SADD', KEYS[2] .. ARGV[i], ARGV[4])
  redis.call('PEXPIRE', KEYS[2] .. ARGV[i], ARGV[3])
end
redis.call('PEXPIRE', KEYS[1], ARGV[3])
return 1
"""
REMOVE = """
for i = 3, #ARGV do
  local devices = redis.call('HGET', KEYS[1], ARGV[i])
  if devices then
    local left = {}
    for one in string.gmatch(devices, '[^,]+') do
      if one ~= ARGV[1] then left[#left + 1] = one end
    end
    if #left > 0 then
      redis.call('HSET', KEYS[1], ARGV[i], table.concat(left, ','))
    else
      redis.call('HDEL', KEYS[1], ARGV[i])
      redis.call('SREM', KEYS[2] .. ARGV[i], ARGV[2])
    end
  end
end
"""
END = """
for _, watched in ipairs(redis.call('HKEYS', KEYS[1])) do
  redis.call('SREM', KEYS[2] .. watched, ARGV[1])
end
redis.call('DEL', KEYS[1])
"""


class RedisConnectionRegistry:
    """The ``ConnectionRegistry`` of a cluster.

    Args:
        url: Where Redis is.
        cluster: The cluster's name.
        is_there: Whether a node is alive, as far as this process knows.
    """

    def __init__(self, url: str, cluster: str, is_there: Callable[[str], bool]) -> None:
        self._redis = connect(url, f"{cluster}-presence")
        self._prefix = f"{{{cluster}}}:presence:"
        self._is_there = is_there

    async def note(
        self, user_id: UserId, node: str, devices: Collection[DeviceId], now_ms: int
    ) -> tuple[bool, bool]:
        """See ``ConnectionRegistry.note``."""
        keys = (self._at(user_id), self._prefix + "nodes", self._on(node))
        arguments = (node, ",".join(devices), user_id, str(AT_MS))
        with as_refusals():
            raw = await cast(Awaitable[list[bytes]], self._redis.eval(NOTE, 3, *keys, *arguments))
            texts = [one.decode() for one in raw]
            before = dict(zip(texts[::2], texts[1::2], strict=True))
            others = any(self._is_there(one) for one in before if one != node)
            was_online = others or node in before
            is_online = others or bool(devices)
            if was_online and not is_online:
                await self._redis.set(self._seen(user_id), now_ms, px=SEEN_MS)
        return was_online, is_online

    async def of(self, user_ids: Collection[UserId]) -> Mapping[UserId, UserConnections]:
        """See ``ConnectionRegistry.of``."""
        if not user_ids:
            return {}
        with as_refusals():
            pipeline = self._redis.pipeline(transaction=False)
            for user_id in user_ids:
                pipeline.hgetall(self._at(user_id))
                pipeline.get(self._seen(user_id))
            found = await pipeline.execute()
        return {
            user_id: UserConnections(self._devices(at), int(seen or 0))
            for user_id, at, seen in zip(user_ids, found[::2], found[1::2], strict=True)
        }

    async def forget_lost(self, now_ms: int) -> Collection[UserId]:
        """See ``ConnectionRegistry.forget_lost``."""
        gone: list[UserId] = []
        with as_refusals():
            asked = self._redis.smembers(self._prefix + "nodes")
            nodes = [one.decode() for one in await cast(Awaitable[set[bytes]], asked)]
            for node in nodes:
                if self._is_there(node):
                    continue
                asked = self._redis.smembers(self._on(node))
                for raw in await cast(Awaitable[set[bytes]], asked):
                    user_id = UserId(raw.decode())
                    was_online, is_online = await self.note(user_id, node, (), now_ms)
                    if was_online and not is_online:
                        gone.append(user_id)
                await self._redis.delete(self._on(node))
                await self._redis.srem(self._prefix + "nodes", node)
        return gone

    def _devices(self, at: Mapping[bytes, bytes]) -> tuple[DeviceId, ...]:
        return tuple(
            DeviceId(device)
            for node, devices in at.items()
            if self._is_there(node.decode())
            for device in devices.decode().split(",")
        )

    def _at(self, user_id: UserId) -> str:
        return f"{self._prefix}at:{user_id}"

    def _seen(self, user_id: UserId) -> str:
        return f"{self._prefix}seen:{user_id}"

    def _on(self, node: str) -> str:
        return f"{self._prefix}on:{node}"

    async def close(self) -> None:
        """Disconnect."""
        await self._redis.aclose()


class RedisPresenceSubscriptions:
    """The ``PresenceSubscriptions`` of a cluster.

    Args:
        url: Where Redis is.
        cluster: The cluster's name.
    """

    def __init__(self, url: str, cluster: str) -> None:
        self._redis = connect(url, f"{cluster}-watches")
        self._prefix = f"{{{cluster}}}:presence:"

    async def add(
        self, watcher: UserId, device_id: DeviceId, user_ids: Collection[UserId], limit: int
    ) -> bool:
        """See ``PresenceSubscriptions.add``."""
        arguments = (device_id, str(limit), str(WATCHED_MS), watcher, *user_ids)
        return bool(await self._eval(ADD, watcher, *arguments))

    async def remove(
        self, watcher: UserId, device_id: DeviceId, user_ids: Collection[UserId]
    ) -> None:
        """See ``PresenceSubscriptions.remove``."""
        await self._eval(REMOVE, watcher, device_id, watcher, *user_ids)

    async def end(self, watcher: UserId) -> None:
        """See ``PresenceSubscriptions.end``."""
        await self._eval(END, watcher, watcher)

    async def watchers(self, user_id: UserId) -> Collection[UserId]:
        """See ``PresenceSubscriptions.watchers``."""
        with as_refusals():
            asked = self._redis.smembers(f"{self._prefix}watchers:{user_id}")
            found = await cast(Awaitable[set[bytes]], asked)
        return tuple(UserId(one.decode()) for one in found)

    async def _eval(self, script: str, watcher: UserId, *arguments: str) -> Any:
        keys = (f"{self._prefix}watching:{watcher}", f"{self._prefix}watchers:")
        with as_refusals():
            return await self._redis.eval(script, 2, *keys, *arguments)

    async def close(self) -> None:
        """Disconnect."""
        await self._redis.aclose()
