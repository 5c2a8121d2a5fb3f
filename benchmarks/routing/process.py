"""One process of a real cluster's routes: ``publisher`` or ``subscriber``; commands come on stdin.

Each command is a line, and each answer a line of JSON.
"""

import asyncio
import gc
import json
import sys
import time
from typing import Any

import uvloop

from benchmarks.routing.interest import InterestRoutes
from benchmarks.routing.population import Population, Size
from hongyan.app.composition.routing import Routes
from hongyan.app.settings.sections import RoutingSettings
from hongyan.delivery.routes.interests import Interests
from hongyan.infra.nats.connection import NatsConnection

FLUSH_EVERY = 512


class Process:
    """Args: what the parent says of the cluster."""

    def __init__(self, about: dict[str, Any]) -> None:
        self.about = about
        self.people = Population(Size(about["users"], has_hundred_thousand=False))
        self.events = 0
        self.resyncs = 0
        self.connection = NatsConnection((about["nats"],), about["role"])

    async def start(self) -> None:
        """Connect, and let everybody of this gateway come."""
        await self.connection.open()
        about = self.about
        strategy = about["strategy"]
        routes: Routes
        if strategy in {"interest", "exact"}:
            buckets = about["buckets"] if strategy == "interest" else 0
            routes = InterestRoutes(self.connection, "bench", buckets)
        else:
            settings = RoutingSettings(strategy=strategy, lease_s=2.0)
            routes = Routes(settings, self.connection, "bench", about["redis"])
        self.part: Any
        if about["role"] == "teller":
            self.part = routes.publisher(self.people)
            await self.part.start()
            return
        self.part = routes.subscriber(self.people, Interests())
        await self.part.start(self._take, self._resync)
        users: Any = self.people.spread(about["gateways"])[about["number"]]
        await asyncio.gather(*(self.part.connected(user) for user in users))

    def _take(self, _event: Any) -> None:
        self.events += 1

    def _resync(self) -> None:
        self.resyncs += 1

    async def tell(self, events: int, burst: int) -> None:
        """Tell so many facts of the mix, ``burst`` in each turn of the loop."""
        messages = list(self.people.messages("mix", events))
        gc.collect()
        began_s = time.process_time()
        for number, message in enumerate(messages, 1):
            self.part.publish(message)
            if number % burst == 0:
                await self.part._idle.wait()
                if self.about["strategy"] == "rpc":
                    for queue in self.part._addressing._queues.values():
                        await queue.idle.wait()
            if number % FLUSH_EVERY == 0:
                await self.connection.flush(10.0)
        await self.part._idle.wait()
        await self.connection.flush(10.0)
        self.cpu_s = time.process_time() - began_s

    async def answer(self, line: str) -> dict[str, Any]:
        """Do what the parent says."""
        words = line.split()
        if words[0] == "tell":
            await self.tell(int(words[1]), int(words[2]))
            return {"cpu_s": self.cpu_s}
        return {"cpu_s": time.process_time(), "facts": self.events, "doubts": self.resyncs}


async def main() -> None:
    """Answer until stdin ends."""
    process = Process(json.loads(sys.argv[1]))
    began = time.perf_counter()
    began_s = time.process_time()
    await process.start()
    gc.collect()
    gc.freeze()
    print(
        json.dumps(
            {"start_s": time.perf_counter() - began, "start_cpu_s": time.process_time() - began_s}
        ),
        flush=True,
    )
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    while line := await reader.readline():
        print(json.dumps(await process.answer(line.decode())), flush=True)


if __name__ == "__main__":
    uvloop.run(main())
