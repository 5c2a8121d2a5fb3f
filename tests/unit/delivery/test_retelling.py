"""Telling again what a dead process left untold."""

import pytest

from hongyan.delivery import retelling
from hongyan.delivery.retelling import READER, Retelling
from hongyan.domain.log.model import Append, Commit


class World:
    """A store that some process writes to, and the leader that watches."""

    def __init__(self, store):
        self.store = store
        self.now_s = 1000.0
        self.told = []
        self.events = []
        self.doubts = 0
        self.retelling = self.leader()

    def leader(self):
        return Retelling(self.store, self.store, self, lambda: self.now_s, safe_s=8.0)

    def tell(self, fact):
        self.events.append(fact)
        self.told += [entry.seq for entry in fact.entries]

    def doubt(self):
        self.doubts += 1

    async def say(self, count=1):
        for _ in range(count):
            await self.store.commit(Commit((Append("g1", "message", "anna", b"{}", 1),)))

    async def pass_s(self, seconds):
        for _ in range(seconds):
            self.now_s += 1
            await self.retelling.tick(0)

    def taken(self):
        told, self.told = self.told, []
        return told


@pytest.fixture
def world(store, monkeypatch):
    monkeypatch.setattr(retelling, "PAUSE_S", 0)
    return World(store)


async def test_nothing_is_told_again_while_all_are_well(world):
    await world.retelling.begin()
    await world.pass_s(1)
    for _ in range(30):
        await world.say()
        await world.pass_s(1)
    assert world.taken() == []


async def test_what_was_committed_before_a_loss_was_noticed_is_told_again(world):
    await world.say(5)
    await world.retelling.begin()
    await world.pass_s(20)
    await world.say(3)
    await world.pass_s(4)
    world.retelling.lost()
    await world.pass_s(1)
    assert world.taken() == [6, 7, 8]


async def test_what_is_long_told_is_not_told_again(world):
    await world.retelling.begin()
    for _ in range(30):
        await world.say()
        await world.pass_s(1)
    world.retelling.lost()
    await world.pass_s(1)
    told = world.taken()
    assert told[-1] == 30
    assert 8 <= len(told) <= 10


async def test_the_next_leader_goes_on_from_the_saved_place(world):
    await world.retelling.begin()
    await world.pass_s(1)
    await world.say(10)
    await world.pass_s(20)
    assert await world.store.place(READER)
    await world.say(4)
    await world.pass_s(2)
    world.retelling = world.leader()
    await world.retelling.begin()
    await world.pass_s(1)
    assert world.taken() == [11, 12, 13, 14]


async def test_a_new_cluster_tells_nothing_of_its_past(world):
    await world.say(10)
    await world.retelling.begin()
    await world.pass_s(3)
    assert world.taken() == []


async def test_too_much_to_tell_becomes_doubt(world, monkeypatch):
    monkeypatch.setattr(retelling, "TOLD_MAX", 20)
    monkeypatch.setattr(retelling, "PAGE", 10)
    await world.retelling.begin()
    await world.pass_s(10)
    await world.say(50)
    world.retelling.lost()
    await world.pass_s(1)
    assert world.doubts == 1
    assert len(world.taken()) <= 20


async def test_the_entries_of_one_commit_stay_together_where_a_page_ends_among_them(
    world, monkeypatch
):
    """A new conversation's first entry names its members by what the same commit told them."""
    monkeypatch.setattr(retelling, "PAGE", 2)
    await world.retelling.begin()
    await world.pass_s(10)
    logs = ("gnew", "@anna", "@ben", "@carl", "@dora")
    await world.store.commit(
        Commit(tuple(Append(log_id, "kind", "anna", b"{}", 1) for log_id in logs))
    )
    world.retelling.lost()
    await world.pass_s(1)
    (event,) = world.events
    assert [entry.log_id for entry in event.entries] == list(logs)
    placed = await world.store.follow(0, 9)
    assert [one.position for one in event.split()] == [position for position, _ in placed]


def test_what_does_not_follow_one_by_one_was_committed_apart():
    placed = [(7, "a"), (8, "b"), (65_536, "c"), (65_537, "d"), (65_540, "e")]
    runs = retelling.committed_together(placed)
    assert [[entry for _, entry in run] for run in runs] == [["a", "b"], ["c", "d"], ["e"]]
