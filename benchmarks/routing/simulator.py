"""The real publishers and subscribers in one process, on a wire that counts."""

import asyncio
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from typing import Any

from tests.memory.registry import LocalLease, LocalRegistry
from tests.memory.transport import LocalNetwork, LocalTransport

from benchmarks.routing.interest import InterestAddressing, InterestFollower, exact, hashed
from benchmarks.routing.population import Population
from hongyan.delivery.routes.broadcast import BroadcastAddressing, BroadcastFollower
from hongyan.delivery.routes.interests import Interests
from hongyan.delivery.routes.publisher import RoutedPublisher
from hongyan.delivery.routes.registry import RegistryAddressing, RegistryFollower
from hongyan.delivery.routes.rpc import CallsFollower, NodeQueues
from hongyan.delivery.routes.subscriber import RoutedSubscriber
from hongyan.delivery.routes.subscriptions import Subscriptions

SIMULATED = ("interest", "exact", "broadcast", "registry", "rpc")
HEARTBEAT_S = 3_600.0
LEASE_S = 3_600.0


@dataclass
class Count:
    """What went over the wire for so many facts."""

    events: int = 0
    published: int = 0
    published_bytes: int = 0
    delivered: int = 0
    delivered_bytes: int = 0
    wakes: int = 0
    """How often a gateway got something in a round: it reads all of a round at once."""
    handed_on: int = 0
    stray: int = 0
    moves: int = 0
    lookups: int = 0

    def per_event(self) -> dict[str, float]:
        """Return everything for one fact."""
        return {name: value / self.events for name, value in asdict(self).items()}


class CountingWire(LocalNetwork):
    """Counts."""

    def __init__(self) -> None:
        super().__init__()
        self.count = Count()
        self.touched: set[int] = set()
        self.by_subject: dict[str, list[LocalTransport]] = {}
        self.answers = 0
        """Messages that answer each message: they are counted too."""

    def deliver(self, subject: str, payload: bytes) -> int:
        """See ``LocalNetwork.deliver``."""
        count = self.count
        count.published += 1
        count.published_bytes += len(payload)
        takers = self.by_subject.get(subject)
        if takers is None:
            takers = [one for one in self.transports if subject in one.subjects]
            self.by_subject[subject] = takers
        for transport in takers:
            self.touched.add(id(transport))
            transport.on_payload(subject, payload)
        count.published += self.answers
        count.delivered += len(takers) + self.answers
        count.delivered_bytes += len(takers) * len(payload)
        return len(takers)


class CountingRegistry(LocalRegistry):
    """Counts what is asked of it."""

    def __init__(self, now_s: Callable[[], float]) -> None:
        super().__init__(now_s, LEASE_S)
        self.asked = [0, 0]
        self.born_s = -2 * LEASE_S

    async def changes(self, place: str) -> Any:
        """See ``Registry.changes``."""
        self.asked[0] += 1
        return await super().changes(place)

    async def nodes(self, groups: Any) -> Any:
        """See ``Registry.nodes``."""
        self.asked[1] += len(groups)
        return await super().nodes(groups)


class Simulation:
    """One publisher and so many subscribers, with everybody who is online."""

    def __init__(self, strategy: str, people: Population, gateways: int, buckets: int) -> None:
        self.strategy = strategy
        self.people = people
        self.gateways = gateways
        self.subject_of = exact if strategy == "exact" else hashed(buckets)
        self.wire = CountingWire()
        self.wire.answers = int(strategy == "rpc")
        self.registry = CountingRegistry(time.monotonic)
        self.handed_on = 0
        self.subscribers: list[RoutedSubscriber] = []
        self.subscriptions = 0

    async def start(self) -> None:
        """Let everybody come."""
        for number, users in enumerate(self.people.spread(self.gateways)):
            subscriber = self._subscriber(f"node{number}")
            await subscriber.start(self._take, lambda: None)
            await asyncio.gather(*(subscriber.connected(user) for user in users))  # type: ignore[arg-type]
            self.subscribers.append(subscriber)
            self.subscriptions += len(subscriber._transport.subjects)  # type: ignore[attr-defined]
        self.publisher = self._publisher()
        await self.publisher.start()
        self.wire.by_subject.clear()
        if self.strategy == "rpc":
            self.queues._heartbeat_s = HEARTBEAT_S
            for subscriber in self.subscribers:
                await subscriber._follower._heartbeat()  # type: ignore[attr-defined]

    async def close(self) -> None:
        """End."""
        await self.publisher.close()
        for subscriber in self.subscribers:
            await subscriber.close()

    def _take(self, _event: Any) -> None:
        self.handed_on += 1

    def _publisher(self) -> RoutedPublisher:
        transport, people = LocalTransport(self.wire), self.people
        if self.strategy == "rpc":
            asker = LocalTransport(self.wire)
            self.queues = NodeQueues(transport, asker, time.monotonic, 0.01, "publisher")
            return RoutedPublisher(
                transport,
                self.queues,
                on_message=self.queues.received,
                post=self.queues.send,
                heartbeat_s=HEARTBEAT_S,
                name="publisher",
            )
        addressing: Any = BroadcastAddressing()
        if self.strategy == "registry":
            addressing = RegistryAddressing(self.registry, people, time.monotonic, LEASE_S)
        elif self.strategy != "broadcast":
            addressing = InterestAddressing(self.subject_of)
        is_counted = self.strategy != "exact"
        return RoutedPublisher(transport, addressing, counted=is_counted, heartbeat_s=HEARTBEAT_S)

    def _subscriber(self, name: str) -> RoutedSubscriber:
        transport = LocalTransport(self.wire)
        listening = Subscriptions(transport, time.monotonic)
        follower: Any = BroadcastFollower(listening)
        if self.strategy == "registry":
            lease = LocalLease(self.registry, name)
            follower = RegistryFollower(lease, listening, name, LEASE_S, LEASE_S)
        elif self.strategy == "rpc":
            follower = CallsFollower(transport, listening, name, HEARTBEAT_S)
        elif self.strategy != "broadcast":
            follower = InterestFollower(listening, self.subject_of)
        return RoutedSubscriber(
            transport, follower, listening, self.people, Interests(), time.monotonic, HEARTBEAT_S
        )

    async def run(self, kind: str, events: int, burst: int) -> Count:
        """Tell so many facts, ``burst`` of them in each turn of the loop; return the counts."""
        stray = sum(subscriber.stray for subscriber in self.subscribers)
        self.wire.count = Count(events=events)
        self.handed_on, self.registry.asked = 0, [0, 0]
        await self._tell(self.people.messages(kind, events), burst)
        count = self.wire.count
        count.handed_on = self.handed_on
        count.stray = sum(subscriber.stray for subscriber in self.subscribers) - stray
        count.moves, count.lookups = self.registry.asked
        return count

    async def _tell(self, messages: Iterator[Any], burst: int) -> None:
        waiting = [0]
        for message in messages:
            self.publisher.publish(message)
            waiting[0] += 1
            if waiting[0] % burst == 0:
                await self._idle()
        await self._idle()

    async def _idle(self) -> None:
        await self.publisher._idle.wait()
        if self.strategy == "rpc":
            for queue in self.queues._queues.values():
                await queue.idle.wait()
        self.wire.count.wakes += len(self.wire.touched)
        self.wire.touched.clear()
