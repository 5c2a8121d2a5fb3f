"""Tellers and stations of one strategy, over what carries them, and people who come and go."""

import asyncio
import itertools
from collections.abc import Callable
from contextlib import AsyncExitStack
from typing import Any

import msgspec
from benchmarks.routing.interest import InterestAddressing, InterestFollower, exact, hashed
from tools.cluster.engines import NatsProcess, RedisProcess

from hongyan.app.routing import Routes
from hongyan.app.settings import RoutingSettings
from hongyan.delivery.ports import Fact
from hongyan.delivery.routes.broadcast import BroadcastAddressing, BroadcastFollower
from hongyan.delivery.routes.calls import CallsFollower, Lanes
from hongyan.delivery.routes.interests import Interests
from hongyan.delivery.routes.listening import Listening
from hongyan.delivery.routes.registry import RegistryAddressing, RegistryFollower
from hongyan.delivery.routes.station import RoutedStation
from hongyan.delivery.routes.teller import RoutedTeller
from hongyan.domain.group.model import MEMBERS_JOINED, MEMBERS_LEFT, MEMBERSHIP_JOINED
from hongyan.domain.log.model import Committed, Entry, Signal
from hongyan.infra.local.carrier import LocalCarrier, LocalWire
from hongyan.infra.local.registry import LocalLease, LocalRegistry
from hongyan.infra.nats.connection import NatsConnection

BEAT_S = 0.3
LEASE_S = 2.0
WAIT_S = 20.0
_names = itertools.count()


async def until(is_so: Callable[[], Any], what: str = "", seconds: float = WAIT_S) -> None:
    """Wait until something is so."""
    try:
        async with asyncio.timeout(seconds):
            while not is_so():  # noqa: ASYNC110
                await asyncio.sleep(0.01)
    except TimeoutError:
        raise AssertionError(f"it never came to be {what}") from None


class People:
    """The database: who is a member of what. Entries get their seqs here."""

    def __init__(self) -> None:
        self.rows: dict[str, set[str]] = {}
        self.seqs: dict[str, int] = {}
        self.fails = False

    async def members(self, conversation_id: Any) -> list[Any]:
        if self.fails:
            raise OSError("no database")
        return sorted(self.rows.get(conversation_id, ()))

    async def conversations(self, user_id: Any) -> list[Any]:
        if self.fails:
            raise OSError("no database")
        return [name for name, members in self.rows.items() if user_id in members]

    def group(self, *members: str) -> str:
        """Make a conversation whose beginning was told long ago."""
        name = f"g{next(_names):016d}"
        self.rows[name] = set(members)
        self.seqs[name] = 1
        return name

    def begin(self, *members: str) -> Any:
        """Make a conversation; its beginning and what its members are told are one commit."""
        name = self.group(*members)
        self.seqs[name] = 0
        first = self.commit(name, "conversation.created")
        entries = list(first.entries)
        for member in members:
            (entry,) = self.commit(f"@{member}").entries
            told = {"conversation_id": name, "kind": "direct", "how": "opened"}
            body = msgspec.Raw(msgspec.json.encode(told))
            entries.append(msgspec.structs.replace(entry, kind=MEMBERSHIP_JOINED, body=body))
        return Committed(tuple(entries), first.origin)

    def commit(self, log_id: str, kind: str = "message", origin: str = "", **body: Any) -> Any:
        seq = self.seqs[log_id] = self.seqs.get(log_id, 1 if log_id[0] == "@" else 0) + 1
        raw = msgspec.Raw(msgspec.json.encode(body))
        entry: Any = Entry(log_id, seq, seq, kind, "ann", f"c{seq}", 1, raw)  # type: ignore[arg-type]
        return Committed((entry,), origin)  # type: ignore[arg-type]

    def join(self, log_id: str, *users: str) -> Any:
        self.rows[log_id] |= set(users)
        return self.commit(log_id, MEMBERS_JOINED, user_ids=users)

    def leave(self, log_id: str, *users: str) -> Any:
        self.rows[log_id] -= set(users)
        return self.commit(log_id, MEMBERS_LEFT, user_ids=users)


def person(name: str) -> Any:
    """Return a user's id that no other test has."""
    return f"{name}-{next(_names)}.x"


class Node:
    """A gateway."""

    def __init__(self, station: Any, interests: Interests, kill: Callable[[], Any]) -> None:
        self.station = station
        self.interests = interests
        self.kill = kill
        self.facts: list[Fact] = []
        self.doubts = 0

    async def start(self) -> None:
        await self.station.start(self.facts.append, self._doubted)

    def _doubted(self) -> None:
        self.doubts += 1

    def heard(self, log_id: str) -> list[Any]:
        """Return the seqs that came of a log; a signal's kind."""
        found = []
        for fact in self.facts:
            if isinstance(fact, Signal):
                found += [fact.kind] if fact.log_id == log_id else []
            else:
                found += [entry.seq for entry in fact.entries if entry.log_id == log_id]
        return found


class World:
    """Makes tellers and nodes of one strategy."""

    def __init__(self, stack: AsyncExitStack, strategy: str) -> None:
        self.stack = stack
        self.strategy = strategy
        self.people = People()
        self.tellers: list[Any] = []

    @property
    def is_precise(self) -> bool:
        """Whether nodes without interest are not even sent the fact."""
        return self.strategy in {"exact", "registry"}

    async def teller(self, **bounds: int) -> Any:
        teller = await self.make_teller(**bounds)
        await teller.start()
        self.stack.push_async_callback(teller.close)
        self.tellers.append(teller)
        return teller

    async def node(self) -> Node:
        node = await self.make_node()
        await node.start()
        self.stack.push_async_callback(node.station.close)
        if self.strategy == "rpc":  # tellers know it when it has given a sign of life
            await asyncio.sleep(2 * BEAT_S)
        return node

    async def make_teller(self, **bounds: int) -> Any:
        raise NotImplementedError

    async def make_node(self) -> Node:
        raise NotImplementedError

    async def settle(self) -> None:
        """Return when the registry is old enough to be believed."""
        raise NotImplementedError

    def broker(self) -> tuple[Callable[[], Any], Callable[[], Any]]:
        """Return what takes the broker away, and what brings it back."""
        raise NotImplementedError


class LocalWorld(World):
    """In one process; the strategies are the same code."""

    def __init__(self, stack: AsyncExitStack, strategy: str) -> None:
        super().__init__(stack, strategy)
        self.wire = LocalWire()
        self.registry = LocalRegistry(self._now_s, LEASE_S)

    @staticmethod
    def _now_s() -> float:
        return asyncio.get_running_loop().time()

    async def make_teller(self, **bounds: int) -> Any:
        carrier = LocalCarrier(self.wire)
        more: dict[str, Any] = {"beat_s": BEAT_S, **bounds}
        if self.strategy == "rpc":
            lanes = Lanes(carrier, LocalCarrier(self.wire), self._now_s, BEAT_S)
            made = RoutedTeller(carrier, lanes, on_letter=lanes.heard, post=lanes.post, **more)
            lanes.teller = made.name
            return made
        addressing: Any = BroadcastAddressing()
        if self.strategy == "registry":
            addressing = RegistryAddressing(self.registry, self.people, self._now_s, LEASE_S)
        elif self.strategy != "broadcast":
            addressing = InterestAddressing(exact if self.strategy == "exact" else hashed(64))
        return RoutedTeller(carrier, addressing, counted=self.strategy != "exact", **more)

    async def make_node(self) -> Node:
        carrier, interests = LocalCarrier(self.wire), Interests()
        listening = Listening(carrier, self._now_s, 0.0)
        name = f"node{next(_names)}"
        follower: Any = BroadcastFollower(listening)
        if self.strategy == "registry":
            lease = LocalLease(self.registry, name)
            follower = RegistryFollower(lease, listening, name, LEASE_S, 60.0)
        elif self.strategy == "rpc":
            follower = CallsFollower(carrier, listening, name, BEAT_S)
        elif self.strategy != "broadcast":
            subject_of = exact if self.strategy == "exact" else hashed(64)
            follower = InterestFollower(listening, subject_of)
        station = RoutedStation(
            carrier, follower, listening, self.people, interests, self._now_s, BEAT_S
        )
        if self.strategy == "registry":
            follower.doubt = station.doubt

        async def kill() -> None:
            await stop_tasks(station, follower)
            self.wire.carriers.remove(carrier)

        return Node(station, interests, kill)

    async def settle(self) -> None:
        if self.strategy == "registry":
            await until(lambda: self.registry.now_s() - self.registry.born_s > LEASE_S)

    def broker(self) -> tuple[Callable[[], Any], Callable[[], Any]]:
        return self.wire.cut, self.wire.mend


class RealWorld(World):
    """Over NATS and Redis, put together as the settings say."""

    def __init__(
        self, stack: AsyncExitStack, strategy: str, nats: NatsProcess, redis: RedisProcess
    ) -> None:
        super().__init__(stack, strategy)
        self.nats = nats
        self.redis = redis

    async def routes(self) -> tuple[Routes, NatsConnection]:
        connection = NatsConnection((self.nats.url,), "test")
        await connection.open()
        self.stack.push_async_callback(connection.close)
        settings = RoutingSettings(
            strategy=self.strategy,  # type: ignore[arg-type]
            lease_s=LEASE_S,
        )
        return Routes(settings, connection, "test", self.redis.url, BEAT_S), connection

    async def make_teller(self, **bounds: int) -> Any:
        routes, _ = await self.routes()
        if bounds:
            routes._settings = msgspec.structs.replace(
                routes._settings, queue_facts_max=bounds["items_max"]
            )
        return routes.teller(self.people)

    async def make_node(self) -> Node:
        routes, connection = await self.routes()
        interests = Interests()
        station: Any = routes.station(self.people, interests)

        async def kill() -> None:
            await stop_tasks(station, station._follower)
            if self.strategy == "broadcast-redis":
                await station._carrier.close()
            await connection.close()

        return Node(station, interests, kill)

    async def settle(self) -> None:
        if self.strategy == "registry":
            registry = self.tellers[0]._addressing
            batch = (await registry._registry.moves("")).age_s
            await asyncio.sleep(max(0.0, LEASE_S - batch + 0.05))

    def broker(self) -> tuple[Callable[[], Any], Callable[[], Any]]:
        engine = self.redis if self.strategy == "broadcast-redis" else self.nats
        return engine.stop, engine.start


async def stop_tasks(*parts: Any) -> None:
    """Let parts of a process die without a word."""
    tasks = [
        task
        for part in parts
        for task in (*getattr(part, "_tasks", ()), getattr(part, "_task", None))
        if task is not None
    ]
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
