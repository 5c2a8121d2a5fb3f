"""What is told to other processes, and what is made of what they tell."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from hongyan.domain.log.model import NOBODY, Committed, Entry, Missed
from hongyan.infra.nats import commit_broadcast
from hongyan.infra.nats.commit_broadcast import CommitBroadcast
from hongyan.infra.nats.subjects import Subjects


def entry(kind: str) -> Entry:
    return Entry("g1", 1, 1, kind, "anna", "", 1, b"{}")  # type: ignore[arg-type]


class Broker:
    """A connection whose messages go to all who listen."""

    def __init__(self) -> None:
        self.listeners: list[Callable[[str, bytes], None]] = []
        self.is_up = True


class Process:
    """The commit broadcast of one process, and what it published."""

    def __init__(self, broker: Broker, me: str) -> None:
        self.broker, self.me = broker, me
        self.published: list[Any] = []
        self.backs: list[Callable[[], None]] = []
        matters: Callable[[Entry], bool] = lambda one: one.kind == "user.changed"  # noqa: E731
        self.commit_broadcast = CommitBroadcast(self, Subjects("c"), self, matters)  # type: ignore[arg-type]

    async def subscribe(self, _subject: str, listener: Callable[[str, bytes], None]) -> None:
        self.broker.listeners.append(listener)

    def on_back(self, told: Callable[[], None]) -> None:
        self.backs.append(told)

    def publish(self, what: Any, data: bytes | None = None) -> bool:
        if data is None:
            self.published.append(what)
            return True
        if self.broker.is_up:
            for listener in self.broker.listeners:
                listener(str(what), data)
        return self.broker.is_up

    async def tell(self, *kinds: str) -> None:
        self.commit_broadcast.publish(Committed(tuple(map(entry, kinds)), NOBODY))
        while self.commit_broadcast._timer is not None:  # noqa: ASYNC110
            await asyncio.sleep(0)


@pytest.fixture
async def two(monkeypatch: pytest.MonkeyPatch) -> tuple[Process, Process]:
    monkeypatch.setattr(commit_broadcast, "EVERY_S", 0)
    broker = Broker()
    one, other = Process(broker, "one"), Process(broker, "other")
    for process in (one, other):
        await process.commit_broadcast.start()
    return one, other


SOMETHING = Committed((), NOBODY)


async def test_what_matters_is_told_whole_and_of_the_rest_that_it_was(
    two: tuple[Process, Process],
) -> None:
    one, other = two
    await one.tell("message")
    assert other.published == [SOMETHING]
    await one.tell("message", "user.changed")
    told, *rest = other.published[1:]
    assert [found.kind for found in told.entries] == ["user.changed"]
    assert rest == [SOMETHING], "who follows the logs wakes up, whatever was told whole"
    assert one.published == [], "it knows what it did itself"


async def test_all_is_forgotten_when_the_broker_was_away(two: tuple[Process, Process]) -> None:
    one, other = two
    for back in other.backs:
        back()
    assert other.published == [Missed()]
    one.broker.is_up = False
    await one.tell("user.changed")
    one.broker.is_up = True
    await one.tell("message")
    assert other.published == [Missed(), Missed(), SOMETHING], "something was lost on the way"
