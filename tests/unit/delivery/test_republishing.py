"""Telling again what a dead process left untold."""

import pytest

from hongyan.delivery import republishing
from hongyan.delivery.republishing import READER, Republishing
from hongyan.domain.log.model import Append, Commit


class Harness:
    """A store that some process writes to, and the leader that watches."""

    def __init__(self, store):
        self.store = store
        self.now_s = 1000.0
        self.told = []
        self.events = []
        self.resyncs = 0
        self.republishing = self.leader()

    def leader(self):
        return Republishing(self.store, self.store, self, lambda: self.now_s, safe_s=8.0)

    def publish(self, event):
        self.events.append(event)
        self.told += [entry.seq for entry in event.entries]

    def request_resync(self):
        self.resyncs += 1

    async def say(self, count=1):
        for _ in range(count):
            await self.store.commit(Commit((Append("g1", "message", "anna", b"{}", 1),)))

    async def pass_s(self, seconds):
        for _ in range(seconds):
            self.now_s += 1
            await self.republishing.run(0)

    def taken(self):
        told, self.told = self.told, []
        return told


@pytest.fixture
def harness(store, monkeypatch):
    monkeypatch.setattr(republishing, "PAUSE_S", 0)
    return Harness(store)


async def test_nothing_is_told_again_while_all_are_well(harness):
    await harness.republishing.begin()
    await harness.pass_s(1)
    for _ in range(30):
        await harness.say()
        await harness.pass_s(1)
    assert harness.taken() == []


async def test_what_was_committed_before_a_loss_was_noticed_is_told_again(harness):
    await harness.say(5)
    await harness.republishing.begin()
    await harness.pass_s(20)
    await harness.say(3)
    await harness.pass_s(4)
    harness.republishing.lost()
    await harness.pass_s(1)
    assert harness.taken() == [6, 7, 8]


async def test_what_is_long_told_is_not_told_again(harness):
    await harness.republishing.begin()
    for _ in range(30):
        await harness.say()
        await harness.pass_s(1)
    harness.republishing.lost()
    await harness.pass_s(1)
    told = harness.taken()
    assert told[-1] == 30
    assert 8 <= len(told) <= 10


async def test_the_next_leader_goes_on_from_the_saved_place(harness):
    await harness.republishing.begin()
    await harness.pass_s(1)
    await harness.say(10)
    await harness.pass_s(20)
    assert await harness.store.offset(READER)
    await harness.say(4)
    await harness.pass_s(2)
    harness.republishing = harness.leader()
    await harness.republishing.begin()
    await harness.pass_s(1)
    assert harness.taken() == [11, 12, 13, 14]


async def test_a_new_cluster_tells_nothing_of_its_past(harness):
    await harness.say(10)
    await harness.republishing.begin()
    await harness.pass_s(3)
    assert harness.taken() == []


async def test_too_much_to_republish_becomes_possible_loss(harness, monkeypatch):
    monkeypatch.setattr(republishing, "REPUBLISHED_MAX", 20)
    monkeypatch.setattr(republishing, "PAGE", 10)
    await harness.republishing.begin()
    await harness.pass_s(10)
    await harness.say(50)
    harness.republishing.lost()
    await harness.pass_s(1)
    assert harness.resyncs == 1
    assert len(harness.taken()) <= 20


async def test_the_entries_of_one_commit_stay_together_where_a_page_ends_among_them(
    harness, monkeypatch
):
    """A new conversation's first entry names its members by what the same commit told them."""
    monkeypatch.setattr(republishing, "PAGE", 2)
    await harness.republishing.begin()
    await harness.pass_s(10)
    logs = ("gnew", "@anna", "@ben", "@carl", "@dora")
    await harness.store.commit(
        Commit(tuple(Append(log_id, "kind", "anna", b"{}", 1) for log_id in logs))
    )
    harness.republishing.lost()
    await harness.pass_s(1)
    (event,) = harness.events
    assert [entry.log_id for entry in event.entries] == list(logs)
    placed = await harness.store.follow(0, 9)
    assert [one.position for one in event.split()] == [position for position, _ in placed]


def test_what_does_not_follow_one_by_one_was_committed_apart():
    placed = [(7, "a"), (8, "b"), (65_536, "c"), (65_537, "d"), (65_540, "e")]
    runs = republishing.committed_together(placed)
    assert [[entry for _, entry in run] for run in runs] == [["a", "b"], ["c", "d"], ["e"]]
