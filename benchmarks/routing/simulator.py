"""The real tellers and stations in one process, on a wire that counts."""

import asyncio
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from typing import Any

from benchmarks.routing.interest import InterestAddressing, InterestFollower, exact, hashed
from benchmarks.routing.population import Population
from hongyan.delivery.routes.broadcast import BroadcastAddressing, BroadcastFollower
from hongyan.delivery.routes.calls import CallsFollower, Lanes
from hongyan.delivery.routes.interests import Interests
from hongyan.delivery.routes.listening import Listening
from hongyan.delivery.routes.registry import RegistryAddressing, RegistryFollower
from hongyan.delivery.routes.station import RoutedStation
from hongyan.delivery.routes.teller import RoutedTeller
from hongyan.infra.local.carrier import LocalCarrier, LocalWire
from hongyan.infra.local.registry import LocalLease, LocalRegistry

SIMULATED = ("interest", "exact", "broadcast", "registry", "rpc")
BEAT_S = 3_600.0
LEASE_S = 3_600.0


@dataclass
class Count:
    """What went over the wire for so many facts."""

    facts: int = 0
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

    def per_fact(self) -> dict[str, float]:
        """Return everything for one fact."""
        return {name: value / self.facts for name, value in asdict(self).items()}


class CountingWire(LocalWire):
    """Counts."""

    def __init__(self) -> None:
        super().__init__()
        self.count = Count()
        self.touched: set[int] = set()
        self.by_subject: dict[str, list[LocalCarrier]] = {}
        self.answers = 0
        """Messages that answer each message: they are counted too."""

    def carry(self, subject: str, payload: bytes) -> int:
        """See ``LocalWire.carry``."""
        count = self.count
        count.published += 1
        count.published_bytes += len(payload)
        takers = self.by_subject.get(subject)
        if takers is None:
            takers = [one for one in self.carriers if subject in one.subjects]
            self.by_subject[subject] = takers
        for carrier in takers:
            self.touched.add(id(carrier))
            carrier.on_payload(subject, payload)
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

    async def moves(self, place: str) -> Any:
        """See ``Registry.moves``."""
        self.asked[0] += 1
        return await super().moves(place)

    async def nodes(self, groups: Any) -> Any:
        """See ``Registry.nodes``."""
        self.asked[1] += len(groups)
        return await super().nodes(groups)


class Simulation:
    """One teller and so many stations, with everybody who is online."""

    def __init__(self, strategy: str, people: Population, gateways: int, buckets: int) -> None:
        self.strategy = strategy
        self.people = people
        self.gateways = gateways
        self.subject_of = exact if strategy == "exact" else hashed(buckets)
        self.wire = CountingWire()
        self.wire.answers = int(strategy == "rpc")
        self.registry = CountingRegistry(time.monotonic)
        self.handed_on = 0
        self.stations: list[RoutedStation] = []
        self.subscriptions = 0

    async def start(self) -> None:
        """Let everybody come."""
        for number, users in enumerate(self.people.spread(self.gateways)):
            station = self._station(f"node{number}")
            await station.start(self._take, lambda: None)
            await asyncio.gather(*(station.came(user) for user in users))  # type: ignore[arg-type]
            self.stations.append(station)
            self.subscriptions += len(station._carrier.subjects)  # type: ignore[attr-defined]
        self.teller = self._teller()
        await self.teller.start()
        self.wire.by_subject.clear()
        if self.strategy == "rpc":
            self.lanes._beat_s = BEAT_S
            for station in self.stations:
                await station._follower._beat()  # type: ignore[attr-defined]

    async def close(self) -> None:
        """End."""
        await self.teller.close()
        for station in self.stations:
            await station.close()

    def _take(self, _fact: Any) -> None:
        self.handed_on += 1

    def _teller(self) -> RoutedTeller:
        carrier, people = LocalCarrier(self.wire), self.people
        if self.strategy == "rpc":
            lanes = Lanes(carrier, LocalCarrier(self.wire), time.monotonic, 0.01)
            made = RoutedTeller(
                carrier, lanes, on_letter=lanes.heard, post=lanes.post, beat_s=BEAT_S
            )
            lanes.teller = made.name
            self.lanes = lanes
            return made
        addressing: Any = BroadcastAddressing()
        if self.strategy == "registry":
            addressing = RegistryAddressing(self.registry, people, time.monotonic, LEASE_S)
        elif self.strategy != "broadcast":
            addressing = InterestAddressing(self.subject_of)
        is_counted = self.strategy != "exact"
        return RoutedTeller(carrier, addressing, counted=is_counted, beat_s=BEAT_S)

    def _station(self, name: str) -> RoutedStation:
        carrier = LocalCarrier(self.wire)
        listening = Listening(carrier, time.monotonic)
        follower: Any = BroadcastFollower(listening)
        if self.strategy == "registry":
            lease = LocalLease(self.registry, name)
            follower = RegistryFollower(lease, listening, name, LEASE_S, LEASE_S)
        elif self.strategy == "rpc":
            follower = CallsFollower(carrier, listening, name, BEAT_S)
        elif self.strategy != "broadcast":
            follower = InterestFollower(listening, self.subject_of)
        return RoutedStation(
            carrier, follower, listening, self.people, Interests(), time.monotonic, BEAT_S
        )

    async def run(self, kind: str, facts: int, burst: int) -> Count:
        """Tell so many facts, ``burst`` of them in each turn of the loop; return the counts."""
        stray = sum(station.stray for station in self.stations)
        self.wire.count = Count(facts=facts)
        self.handed_on, self.registry.asked = 0, [0, 0]
        await self._tell(self.people.messages(kind, facts), burst)
        count = self.wire.count
        count.handed_on = self.handed_on
        count.stray = sum(station.stray for station in self.stations) - stray
        count.moves, count.lookups = self.registry.asked
        return count

    async def _tell(self, messages: Iterator[Any], burst: int) -> None:
        waiting = [0]
        for message in messages:
            self.teller.tell(message)
            waiting[0] += 1
            if waiting[0] % burst == 0:
                await self._idle()
        await self._idle()

    async def _idle(self) -> None:
        await self.teller._idle.wait()
        if self.strategy == "rpc":
            for lane in self.lanes._lanes.values():
                await lane.idle.wait()
        self.wire.count.wakes += len(self.wire.touched)
        self.wire.touched.clear()
