"""The load: one process, many connections, one job. Reads the job from stdin, prints JSON.

It is built to cost little, and tells its own CPU so that one can see that it was not what
held the server back.
"""

import asyncio
import json
import os
import random
import resource
import sys
import time
from collections.abc import Callable
from typing import Any

import uvloop

from benchmarks import frames

TICKS_PER_S = os.sysconf("SC_CLK_TCK")
CONNECTING_AT_ONCE = 50
QUIET_S = 1.0
FIRST_NUMBER = 1_000_000_000
TEXT_BYTES = 64


def cpu_s(pid: int) -> float:
    """Return the CPU seconds (user and system) that a process has used."""
    with open(f"/proc/{pid}/stat", "rb") as file:
        fields = file.read().rpartition(b")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS_PER_S


def rss_kib(pid: int) -> int:
    """Return a process's resident memory."""
    with open(f"/proc/{pid}/status", encoding="ascii") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("VmRSS"))


class World:
    """What all connections of a job share."""

    def __init__(self, job: dict[str, Any]) -> None:
        self.job = job
        self.pid: int = job["pid"]
        self.parts: dict[str, list[int]] = job.get("parts", {})
        """Processes of a cluster by what they are called."""
        self.run = f"{time.time_ns():016x}"
        self.number = FIRST_NUMBER
        self.acks = 0
        self.deliveries = 0
        self.errors = 0
        self.error = ""
        self.sending = True
        self.sent_at: dict[int, float] = {}
        self.latencies: list[float] = []
        self.ack_latencies: list[float] = []
        self.goal = 0
        self.reached: Callable[[], None] = lambda: None

    def failed(self, payload: bytes) -> None:
        """Count a request that was refused."""
        self.errors += 1
        self.error = self.error or payload[:300].decode(errors="replace")


class Connection(asyncio.Protocol):
    """A connection that counts what comes; subclasses act on it."""

    def __init__(self, world: World, spec: dict[str, Any]) -> None:
        self.world = world
        self.spec = spec
        self.port: int = spec.get("port", world.job["port"])
        self.rest = b""
        self.ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.waiting = True
        self.template = frames.sender(spec["to"], TEXT_BYTES, world.run) if "to" in spec else b""

    def connection_made(self, transport: Any) -> None:
        """See ``asyncio.Protocol``."""
        self.transport = transport
        transport.write(frames.upgrade(self.spec["path"], self.port))

    def connection_lost(self, error: Exception | None) -> None:
        """See ``asyncio.Protocol``."""
        if not self.ready.done():
            self.ready.set_exception(ConnectionError(f"closed: {error}"))
        elif self.world.sending:
            self.world.failed(f"connection lost: {error}".encode())

    def data_received(self, data: bytes) -> None:
        """See ``asyncio.Protocol``."""
        if self.waiting:
            self._greet(data)
            return
        if self.rest:
            data = self.rest + data
        place, end = 0, len(data)
        acks = 0
        while end - place >= 4:
            size = data[place + 1]
            start = place + 2
            if size == 126:
                size = (data[place + 2] << 8) | data[place + 3]
                start = place + 4
            elif size == 127:
                if end - place < 10:
                    break
                size = int.from_bytes(data[place + 2 : place + 10], "big")
                start = place + 10
            stop = start + size
            if stop > end:
                break
            if data[place] != 0x81:
                self._control(data[place], data[start:stop])
            elif data[start + 2] == frames.ACK:
                acks += 1
                self.acked(data, start, stop)
            else:
                self.delivered(data, start, stop)
            place = stop
        self.rest = data[place:] if place < end else b""
        if acks:
            self.acknowledged(acks)

    def _greet(self, data: bytes) -> None:
        """Wait for the upgrade's answer, then for that of hello."""
        self.rest += data
        if b"\r\n\r\n" not in self.rest:
            return
        head, _, rest = self.rest.partition(b"\r\n\r\n")
        if b" 101 " not in head[:32]:
            self.ready.set_exception(ConnectionError(head[:200].decode(errors="replace")))
            return
        self.waiting = False
        self.rest = rest
        if self.spec.get("token"):
            self.transport.write(frames.hello(self.spec["token"]))
        else:
            self.ready.set_result(None)

    def _control(self, first: int, payload: bytes) -> None:
        if first == 0x89:
            self.transport.write(frames.framed(payload, 10))
        elif first == 0x88:
            self.world.failed(b"closed by the server: " + payload)

    def acked(self, data: bytes, start: int, stop: int) -> None:
        """Take one response."""
        if not self.ready.done():
            if b'"error"' in data[start:stop]:
                self.ready.set_exception(ConnectionError(data[start:stop].decode()))
            else:
                self.ready.set_result(None)
        elif data[start + 17] == 101:  # {"id":1000000000,"error"
            self.world.failed(data[start:stop])

    def delivered(self, data: bytes, start: int, stop: int) -> None:
        """Take one push."""
        self.world.deliveries += 1

    def acknowledged(self, count: int) -> None:
        """So many responses came in one read."""

    def send(self, count: int) -> None:
        """Send the next messages in one write."""
        world = self.world
        number = world.number
        world.number = number + count
        if count == 1:
            self.transport.write(self.template % (number, number))
        else:
            self.transport.write(
                b"".join([self.template % (n, n) for n in range(number, number + count)])
            )


class Pair(Connection):
    """Sends the next message when one is acknowledged: a fixed number is in flight."""

    def acknowledged(self, count: int) -> None:
        """See ``Connection``."""
        world = self.world
        world.acks += count
        if world.sending and world.goal:
            self.send(count)


class Timed(Connection):
    """Knows when each message was sent, acknowledged and delivered."""

    def acked(self, data: bytes, start: int, stop: int) -> None:
        """See ``Connection``."""
        super().acked(data, start, stop)
        self._took(data[start + 6 : start + 16], self.world.ack_latencies)

    def delivered(self, data: bytes, start: int, stop: int) -> None:
        """See ``Connection``."""
        place = data.find(b'"client_id":"', start, stop) + 14 + len(self.world.run)
        self.world.deliveries += self._took(data[place : place + 10], self.world.latencies)

    def _took(self, number: bytes, latencies: list[float]) -> bool:
        sent_at = self.world.sent_at.get(int(number)) if number.isdigit() else None
        if sent_at is not None:
            latencies.append(time.perf_counter() - sent_at)
        return sent_at is not None


class Member(Connection):
    """Counts deliveries, as cheaply as can be, and tells when the goal is reached."""

    OVERLAP = len(frames.ENTRY) - 1

    def data_received(self, data: bytes) -> None:
        """See ``asyncio.Protocol``."""
        if self.waiting or not self.ready.done():
            super().data_received(data)
            return
        world = self.world
        world.deliveries += (self.rest + data).count(frames.ENTRY)
        self.rest = data[-self.OVERLAP :]
        if b'"error"' in data:
            world.failed(data)
        while world.deliveries >= world.goal > 0:
            world.reached()


class Asker(Connection):
    """Asks for a sync, page after page, and measures how long the answers take to come."""

    done: asyncio.Future[None]

    def begin(self) -> "asyncio.Future[None]":
        """Ask for everything; done when the last page has come."""
        self.bytes = self.entries = self.pages = 0
        self.took_s = 0.0
        self.done = asyncio.get_running_loop().create_future()
        self._ask("")
        return self.done

    def acked(self, data: bytes, start: int, stop: int) -> None:
        """See ``Connection``."""
        if not self.ready.done():
            super().acked(data, start, stop)
            return
        self.took_s += time.perf_counter() - self._asked_at
        self.bytes += stop - start
        self.pages += 1
        answer = json.loads(data[start:stop])
        if "error" in answer:
            self.done.set_exception(ConnectionError(str(answer)[:300]))
            return
        result = answer["result"]
        self.entries += sum(len(one["entries"]) for one in result.get("conversations", ()))
        if result.get("next_after"):
            self._ask(result["next_after"])
        else:
            self.done.set_result(None)

    def _ask(self, after: str) -> None:
        params = self.spec["params"] | ({"after": after} if after else {})
        request = {"id": 1, "method": self.spec["method"], "params": params}
        self._asked_at = time.perf_counter()
        self.transport.write(frames.framed(json.dumps(request).encode()))


KINDS = {"pairs": Pair, "latency": Timed, "fanout": Member, "idle": Connection, "sync": Asker}


async def connect(world: World) -> list[Connection]:
    """Open all connections and log them in."""
    kind = KINDS[world.job["mode"]]
    loop = asyncio.get_running_loop()
    slots = asyncio.Semaphore(CONNECTING_AT_ONCE)

    async def one(spec: dict[str, Any]) -> Connection:
        async with slots:
            made = kind(world, spec)
            _, connection = await loop.create_connection(lambda: made, "127.0.0.1", made.port)
            await asyncio.wait_for(connection.ready, 30)
            return connection

    return list(await asyncio.gather(*map(one, world.job["connections"])))


class Window:
    """What is counted between two moments."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._parts_before = self._parts()
        self._before = self._now()

    def _parts(self) -> dict[str, float]:
        return {name: sum(map(cpu_s, pids)) for name, pids in self._world.parts.items()}

    def _now(self) -> tuple[float, float, float, int, int]:
        world = self._world
        return (
            time.perf_counter(),
            cpu_s(world.pid),
            time.process_time(),
            world.acks,
            world.deliveries,
        )

    def close(self) -> dict[str, Any]:
        """Return what happened since it was opened."""
        changes = [now - old for now, old in zip(self._now(), self._before, strict=True)]
        seconds, server_s, own_s, acks, deliveries = changes
        parts = self._parts()
        return {
            "parts_cpu_s": {name: parts[name] - old for name, old in self._parts_before.items()},
            "seconds": seconds,
            "acks": acks,
            "deliveries": deliveries,
            "server_cpu_s": server_s,
            "load_cpu_s": own_s,
            "errors": self._world.errors,
            "error": self._world.error,
        }


async def pairs(world: World, connections: list[Connection]) -> dict[str, Any]:
    """Keep ``in_flight`` messages of each connection in flight."""
    world.goal, world.acks = 1, 0
    for connection in connections:
        connection.send(world.job["in_flight"])
    await asyncio.sleep(world.job["warmup_s"])
    window = Window(world)
    await asyncio.sleep(world.job["seconds"])
    result = window.close()
    world.sending = False
    await quiet(world)
    result["undelivered"] = world.acks - world.deliveries
    return result


async def quiet(world: World) -> None:
    """Wait until nothing comes any more."""
    seen = -1
    while seen != world.acks + world.deliveries:
        seen = world.acks + world.deliveries
        await asyncio.sleep(QUIET_S)


async def latency(world: World, connections: list[Connection]) -> dict[str, Any]:
    """Send at a fixed rate, whatever comes back."""
    rate, job = world.job["rate"], world.job
    loop = asyncio.get_running_loop()
    begin = loop.time()
    measured_from = begin + job["warmup_s"]
    end = measured_from + job["seconds"]
    window: Window | None = None
    sent = 0
    while (now := loop.time()) < end:
        if window is None and now >= measured_from:
            window = Window(world)
            world.latencies.clear()
            world.ack_latencies.clear()
        due = int((now - begin) * rate)
        while sent < due:
            world.sent_at[world.number] = time.perf_counter()
            random.choice(connections).send(1)
            sent += 1
        await asyncio.sleep(0.001)
    assert window is not None
    result = window.close()
    world.sending = False
    await quiet(world)
    result["undelivered"] = sent - world.deliveries
    for name, values in (("delivered", world.latencies), ("acked", world.ack_latencies)):
        values.sort()
        for percent in (50, 99):
            place = min(len(values) - 1, len(values) * percent // 100)
            result[f"{name}_p{percent}_ms"] = values[place] * 1000
    return result


async def fanout(world: World, connections: list[Connection]) -> dict[str, Any]:
    """Let one member speak, ``burst`` messages at once, again when all others have them."""
    burst, others = world.job["burst"], len(connections) - 1
    speakers = connections[: world.job["in_flight"]]

    def speak() -> None:
        world.goal += burst * others
        if world.sending:
            speakers[world.number % len(speakers)].send(burst)

    world.reached = speak
    world.goal = burst * others
    for connection in speakers:
        connection.send(burst)
    await asyncio.sleep(world.job["warmup_s"])
    window = Window(world)
    await asyncio.sleep(world.job["seconds"])
    result = window.close()
    world.sending = False
    await quiet(world)
    return result


async def idle(world: World, connections: list[Connection]) -> dict[str, Any]:
    """Do nothing, and see what that takes."""
    await asyncio.sleep(world.job["seconds"])
    return {
        "rss_kib": rss_kib(world.pid),
        "connections": len(connections),
        "errors": world.errors,
        "error": world.error,
    }


async def sync(world: World, connections: list[Connection]) -> dict[str, Any]:
    """Let one device after the other ask, ``rounds`` times."""
    askers = [one for one in connections if isinstance(one, Asker)]
    times: list[float] = []
    cpu = cpu_s(world.pid)
    for _ in range(world.job["rounds"]):
        for asker in askers:
            await asyncio.wait_for(asker.begin(), 30)
            times.append(asker.took_s)
    times.sort()
    return {
        "p50_ms": times[len(times) // 2] * 1000,
        "max_ms": times[-1] * 1000,
        "answer_bytes": askers[0].bytes,
        "entries": askers[0].entries,
        "pages": askers[0].pages,
        "server_cpu_ms": (cpu_s(world.pid) - cpu) * 1000 / len(times),
        "errors": world.errors,
        "error": world.error,
    }


MODES = {"pairs": pairs, "latency": latency, "fanout": fanout, "idle": idle, "sync": sync}


async def run(job: dict[str, Any]) -> dict[str, Any]:
    """Carry out a job."""
    world = World(job)
    before = rss_kib(world.pid)
    connections = await connect(world)
    result = await MODES[job["mode"]](world, connections)
    world.sending = False
    result["rss_before_kib"] = before
    for connection in connections:
        connection.transport.abort()
    return result


def main() -> None:
    """Run the job on stdin."""
    job = json.load(sys.stdin)
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))
    json.dump(uvloop.run(run(job)), sys.stdout)


if __name__ == "__main__":
    main()
