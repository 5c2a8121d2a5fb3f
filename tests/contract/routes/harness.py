"""Publishers and subscribers of one strategy over a transport, and users who come and go."""

import asyncio
import itertools
from collections.abc import Callable
from contextlib import AsyncExitStack
from typing import Any

import msgspec
from benchmarks.routing.interest import InterestAddressing, InterestFollower, exact, hashed
from tools.cluster.engines import NatsProcess, RedisProcess

from hongyan.app.composition.routing import Routes
from hongyan.app.settings.sections import RoutingSettings
from hongyan.delivery.ports import Event
from hongyan.delivery.routes.broadcast import BroadcastAddressing, BroadcastFollower
from hongyan.delivery.routes.interests import Interests
from hongyan.delivery.routes.publisher import RoutedPublisher
from hongyan.delivery.routes.registry import RegistryAddressing, RegistryFollower
from hongyan.delivery.routes.rpc import CallsFollower, NodeQueues
from hongyan.delivery.routes.subscriber import RoutedSubscriber
from hongyan.delivery.routes.subscriptions import Subscriptions
from hongyan.domain.group.model import MEMBERS_JOINED, MEMBERS_LEFT, MEMBERSHIP_JOINED
from hongyan.domain.log.model import Committed, Entry, Signal
from hongyan.infra.nats.connection import NatsConnection
from tests.memory.registry import LocalLease, LocalRegistry
from tests.memory.transport import LocalNetwork, LocalTransport

from .virtual_time import virtual_time

HEARTBEAT_S = 0.3
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
            routed = {"conversation_id": name, "kind": "direct", "how": "opened"}
            body = msgspec.Raw(msgspec.json.encode(routed))
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

    def __init__(self, subscriber: Any, interests: Interests, kill: Callable[[], Any]) -> None:
        self.subscriber = subscriber
        self.interests = interests
        self.kill = kill
        self.events: list[Event] = []
        self.resyncs = 0

    async def start(self) -> None:
        await self.subscriber.start(self.events.append, self._resynced)

    def _resynced(self) -> None:
        self.resyncs += 1

    def received(self, log_id: str) -> list[Any]:
        """Return the seqs that came of a log; a signal's kind."""
        found = []
        for event in self.events:
            if isinstance(event, Signal):
                found += [event.kind] if event.log_id == log_id else []
            else:
                found += [entry.seq for entry in event.entries if entry.log_id == log_id]
        return found


class Harness:
    """Makes publishers and nodes of one strategy."""

    def __init__(self, stack: AsyncExitStack, strategy: str) -> None:
        self.stack = stack
        self.strategy = strategy
        self.people = People()
        self.publishers: list[Any] = []

    @property
    def is_precise(self) -> bool:
        """Whether nodes without interest are not even sent the event."""
        return self.strategy in {"exact", "registry"}

    async def publisher(self, **bounds: int) -> Any:
        publisher = await self.make_publisher(**bounds)
        await publisher.start()
        self.stack.push_async_callback(publisher.close)
        self.publishers.append(publisher)
        return publisher

    async def node(self) -> Node:
        node = await self.make_node()
        await node.start()
        self.stack.push_async_callback(node.subscriber.close)
        if self.strategy == "rpc":  # publishers know it when it has given a sign of life
            await asyncio.sleep(2 * HEARTBEAT_S)
        return node

    async def make_publisher(self, **bounds: int) -> Any:
        raise NotImplementedError

    async def make_node(self) -> Node:
        raise NotImplementedError

    async def settle(self) -> None:
        """Return when the registry is old enough to be believed."""
        raise NotImplementedError

    def broker(self) -> tuple[Callable[[], Any], Callable[[], Any]]:
        """Return what takes the broker away, and what brings it back."""
        raise NotImplementedError


class LocalHarness(Harness):
    """In one process, where leases and silence take no time; the strategies are the same code."""

    def __init__(self, stack: AsyncExitStack, strategy: str) -> None:
        super().__init__(stack, strategy)
        stack.enter_context(virtual_time())
        self.wire = LocalNetwork()
        self.registry = LocalRegistry(self._now_s, LEASE_S)

    @staticmethod
    def _now_s() -> float:
        return asyncio.get_running_loop().time()

    async def make_publisher(self, **bounds: int) -> Any:
        transport = LocalTransport(self.wire)
        more: dict[str, Any] = {"heartbeat_s": HEARTBEAT_S, **bounds}
        if self.strategy == "rpc":
            name = f"publisher{next(_names)}"
            asker = LocalTransport(self.wire)
            queues = NodeQueues(transport, asker, self._now_s, HEARTBEAT_S, name)
            return RoutedPublisher(
                transport, queues, on_message=queues.received, post=queues.send, name=name, **more
            )
        addressing: Any = BroadcastAddressing()
        if self.strategy == "registry":
            addressing = RegistryAddressing(self.registry, self.people, self._now_s, LEASE_S)
        elif self.strategy != "broadcast":
            addressing = InterestAddressing(exact if self.strategy == "exact" else hashed(64))
        return RoutedPublisher(transport, addressing, counted=self.strategy != "exact", **more)

    async def make_node(self) -> Node:
        transport, interests = LocalTransport(self.wire), Interests()
        listening = Subscriptions(transport, self._now_s, 0.0)
        name = f"node{next(_names)}"
        follower: Any = BroadcastFollower(listening)
        if self.strategy == "registry":
            lease = LocalLease(self.registry, name)

            def resync() -> None:
                subscriber.request_resync()

            follower = RegistryFollower(lease, listening, name, LEASE_S, 60.0, resync)
        elif self.strategy == "rpc":
            follower = CallsFollower(transport, listening, name, HEARTBEAT_S)
        elif self.strategy != "broadcast":
            subject_of = exact if self.strategy == "exact" else hashed(64)
            follower = InterestFollower(listening, subject_of)
        subscriber = RoutedSubscriber(
            transport, follower, listening, self.people, interests, self._now_s, HEARTBEAT_S
        )

        async def kill() -> None:
            await stop_tasks(subscriber, follower)
            self.wire.transports.remove(transport)

        return Node(subscriber, interests, kill)

    async def settle(self) -> None:
        if self.strategy == "registry":
            await until(lambda: self.registry.now_s() - self.registry.born_s > LEASE_S)

    def broker(self) -> tuple[Callable[[], Any], Callable[[], Any]]:
        return self.wire.cut, self.wire.mend


class RealHarness(Harness):
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
        return Routes(settings, connection, "test", self.redis.url, HEARTBEAT_S), connection

    async def make_publisher(self, **bounds: int) -> Any:
        routes, _ = await self.routes()
        if bounds:
            routes._settings = msgspec.structs.replace(
                routes._settings, queue_events_max=bounds["items_max"]
            )
        return routes.publisher(self.people)

    async def make_node(self) -> Node:
        routes, connection = await self.routes()
        interests = Interests()
        subscriber: Any = routes.subscriber(self.people, interests)

        async def kill() -> None:
            await stop_tasks(subscriber, subscriber._follower)
            if self.strategy == "broadcast-redis":
                await subscriber._transport.close()
            await connection.close()

        return Node(subscriber, interests, kill)

    async def settle(self) -> None:
        if self.strategy == "registry":
            registry = self.publishers[0]._addressing
            batch = (await registry._registry.changes("")).age_s
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
