"""Who is told of a commit, in this process and in the others."""

from typing import Any

import pytest

from hongyan.domain.log.caches import Cache
from hongyan.domain.log.model import NOBODY, Committed, Entry, Missed
from hongyan.infra.local.bus import LocalBus
from hongyan.infra.local.caches import Caches


def entry(kind: str, body: bytes = b"{}") -> Entry:
    return Entry("g1", 1, 1, kind, "anna", "", 1, body)  # type: ignore[arg-type]


class Harness:
    """A bus, and caches that note what they are told."""

    def __init__(self) -> None:
        self.bus = LocalBus()
        self.caches = Caches(self.bus)
        self.told: list[Any] = []

    def add(self, name: str, *kinds: str, **more: Any) -> None:
        def committed(_event: Committed) -> None:
            self.told.append(name)

        def missed(_event: Missed) -> None:
            self.told.append("!" + name)

        self.caches.add(Cache(kinds, committed, missed, **more))

    def commit(self, *kinds: str) -> list[Any]:
        self.told.clear()
        self.bus.publish(Committed(tuple(map(entry, kinds)), NOBODY))
        return list(self.told)


@pytest.fixture
def harness() -> Harness:
    return Harness()


def test_each_hears_of_its_kinds_once_a_commit(harness: Harness) -> None:
    harness.add("users", "user.changed")
    harness.add("keys", "key.changed", "user.changed")
    assert harness.commit("message") == []
    assert harness.commit("user.changed") == ["users", "keys"]
    assert harness.commit("message", "key.changed", "user.changed") == ["keys", "users"]
    assert harness.commit() == []


def test_all_forget_when_something_was_missed_though_one_fails(harness: Harness) -> None:
    def broken(_event: Any) -> None:
        raise RuntimeError("broken")

    harness.add("users", "a")
    harness.caches.add(Cache(("a",), broken, broken))
    harness.add("keys", "a")
    assert harness.commit("a") == ["users", "keys"]
    harness.bus.publish(Missed())
    assert harness.told[-2:] == ["!users", "!keys"]


def test_others_are_told_what_somebody_remembers_and_nothing_else(harness: Harness) -> None:
    harness.add("users", "user.changed")
    harness.add("burning", "message", matters=lambda one: b"burn" in bytes(one.body))
    assert harness.caches.matter(entry("user.changed"))
    assert not harness.caches.matter(entry("poll.closed"))
    assert not harness.caches.matter(entry("message"))
    assert harness.caches.matter(entry("message", b'{"burn":1}'))
