"""A steady load of people who write to each other, and what became of every message."""

import asyncio
import itertools
import time
from dataclasses import dataclass, field
from typing import Any

import httpx
import msgspec

from hongyan_sdk.connection import Connection
from hongyan_sdk.errors import ConnectionLost, Refused
from hongyan_sdk.wire import Push

PASSWORD = "a wild goose 1898"


@dataclass
class Person:
    """One device of one user, connected once and for all."""

    user_id: str
    token: str
    connection: Connection | None = None
    closed: list[str] = field(default_factory=list)
    heard: dict[tuple[str, int], str] = field(default_factory=dict)
    """(log, seq) -> who wrote it."""
    order: dict[str, list[int]] = field(default_factory=dict)
    syncs: int = 0
    reconnect_after_ms: int = -1

    async def connect(self, url: str, timeout_s: float = 20.0) -> None:
        """Connect and say hello."""
        self.connection = await Connection.open(
            url,
            self.token,
            self._pushed,
            lambda lost: self.closed.append(str(lost)),
            timeout_s=timeout_s,
        )

    async def call(self, method: str, timeout_s: float = 30.0, /, **params: Any) -> Any:
        """Ask for something."""
        assert self.connection is not None
        return msgspec.json.decode(await self.connection.call(method, params, timeout_s))

    def _pushed(self, push: Push) -> None:
        if push.event == "sync":
            self.syncs += 1
        if push.event == "reconnect":
            self.reconnect_after_ms = msgspec.json.decode(push.data)["after_ms"]
        if push.event != "entry":
            return
        entry = msgspec.json.decode(push.data)
        if entry["kind"] == "message":
            self.heard[entry["log_id"], entry["seq"]] = entry["sender"]
            self.order.setdefault(entry["log_id"], []).append(entry["seq"])


@dataclass
class Outcome:
    """What came of the load."""

    acked: dict[tuple[str, int], tuple[str, str]] = field(default_factory=dict)
    """(log, seq) -> (sender, client id)."""
    failed: list[str] = field(default_factory=list)
    took_ms: list[float] = field(default_factory=list)

    def percentile(self, share: float) -> float:
        """Return a percentile of the time that sends took, in milliseconds."""
        took = sorted(self.took_ms)
        return took[min(len(took) - 1, int(len(took) * share))]

    def __str__(self) -> str:
        parts = [f"{len(self.acked)} acknowledged, {len(self.failed)} failed"]
        parts += [f"p{share * 100:g} {self.percentile(share):.1f} ms" for share in (0.5, 0.99, 1)]
        return ", ".join(parts)


async def make_people(url: str, count: int, prefix: str) -> list[Person]:
    """Register so many users."""
    async with httpx.AsyncClient(base_url=url, timeout=60) as http:

        async def make(number: int) -> Person:
            asked = {
                "handle": f"{prefix}{number}",
                "password": PASSWORD,
                "device_name": "load",
                "platform": "linux",
                "name": f"Number {number}",
            }
            came_from = f"10.{number // 62500}.{number // 250 % 250}.{number % 250 + 1}"
            headers = {"x-forwarded-for": came_from}  # many from one address would have to wait
            answer = await http.post("/api/v1/auth/register", json=asked, headers=headers)
            answer.raise_for_status()
            tokens = answer.json()
            return Person(tokens["user_id"], tokens["access_token"])

        made: list[Person] = []
        for start in range(0, count, 20):
            numbers = range(start, min(start + 20, count))
            made += await asyncio.gather(*(make(number) for number in numbers))
        return made


class Load:
    """People in pairs and in one group; each writes in turn to the peer and to the group.

    Args:
        people: Who writes; connected.
        per_s: How often each writes.
    """

    def __init__(self, people: list[Person], per_s: float) -> None:
        self.people = people
        self._every_s = 1 / per_s
        self._ends = asyncio.Event()
        self._numbers = itertools.count()
        self.outcome = Outcome()
        self.members: dict[str, set[str]] = {}

    async def prepare(self) -> None:
        """Open the conversations."""
        first, *others = self.people
        made = await first.call(
            "group.create",
            name="All",
            client_id=f"all{time.time_ns()}",
            user_ids=[one.user_id for one in others],
        )
        self._group = made["conversation_id"]
        self.members[self._group] = {one.user_id for one in self.people}
        self._peers: dict[str, str] = {}
        for one, other in zip(self.people[::2], self.people[1::2], strict=True):
            direct = await one.call("conversation.open_direct", user_id=other.user_id)
            host = direct["conversation_id"]
            self._peers[one.user_id] = self._peers[other.user_id] = host
            self.members[host] = {one.user_id, other.user_id}

    async def run(self) -> None:
        """Write until ``stop``."""
        async with asyncio.TaskGroup() as group:
            for number, person in enumerate(self.people):
                group.create_task(self._write(person, number / len(self.people)))

    def stop(self) -> None:
        """Let everybody finish the message at hand."""
        self._ends.set()

    async def _write(self, person: Person, phase: float) -> None:
        await asyncio.sleep(phase * self._every_s)
        loop = asyncio.get_running_loop()
        due = loop.time()
        for turn in itertools.count():
            if self._ends.is_set():
                return
            host = self._group if turn % 4 == 0 else self._peers[person.user_id]
            await self._send(person, host)
            due = max(due + self._every_s, loop.time() - 1)
            await asyncio.sleep(max(0.0, due - loop.time()))

    async def _send(self, person: Person, host: str) -> None:
        client_id = f"c{next(self._numbers)}"
        content = {"type": "text", "text": f"{person.user_id} {client_id}"}
        began = time.perf_counter()
        try:
            ack = await person.call(
                "message.send", conversation_id=host, client_id=client_id, content=content
            )
        except (Refused, ConnectionLost) as error:
            self.outcome.failed.append(repr(error))
            return
        self.outcome.took_ms.append((time.perf_counter() - began) * 1000)
        key = (host, ack["seq"])
        assert key not in self.outcome.acked, f"{key} was given to two messages"
        self.outcome.acked[key] = (person.user_id, client_id)

    def unheard(self) -> list[tuple[str, tuple[str, int]]]:
        """Return who was not told of what was acknowledged: (user, (log, seq))."""
        return [
            (person.user_id, host)
            for host, (sender, _) in self.outcome.acked.items()
            for person in self.people
            if person.user_id in self.members[host[0]]
            and person.user_id != sender
            and host not in person.heard
        ]

    def disordered(self) -> int:
        """Return how many pushes came after one of a later seq of their log."""
        return sum(
            before > after
            for person in self.people
            for seqs in person.order.values()
            for before, after in itertools.pairwise(seqs)
        )
