"""The station amid joins, leaves and losses, with a follower that can be held up."""

import asyncio
import contextlib

import msgspec
import pytest

from hongyan.delivery.routes.interests import Interests
from hongyan.delivery.routes.listening import Listening
from hongyan.delivery.routes.parcel import Beat, Parcel, encode_letter, told_of
from hongyan.delivery.routes.station import HELD_MAX, RoutedStation
from hongyan.domain.group.model import MEMBERS_JOINED, MEMBERS_LEFT
from hongyan.domain.log.model import Committed, Entry
from hongyan.infra.local.carrier import LocalCarrier, LocalWire

G = "g1"


class Gate:
    """A follower: what it follows, and a gate before it does."""

    def __init__(self):
        self.followed = []
        self.open = asyncio.Event()
        self.open.set()
        self.open_for = ""
        """With which logs it does not wait."""

    async def start(self):
        pass

    async def follow(self, log_ids):
        self.followed += log_ids
        if not self.open_for or log_ids[0][0] != self.open_for:
            await self.open.wait()

    def unfollow(self, log_ids):
        for log_id in log_ids:
            self.followed.remove(log_id)

    async def close(self):
        pass


class Audience:
    """Answers when the gate is open."""

    def __init__(self):
        self.rows = {}
        self.asked = asyncio.Event()
        self.open = asyncio.Event()
        self.open.set()

    async def conversations(self, user_id):
        found = [name for name, users in self.rows.items() if user_id in users]
        self.asked.set()
        await self.open.wait()
        return found


class World:
    def __init__(self):
        self.gate, self.audience, self.here = Gate(), Audience(), Interests()
        carrier = LocalCarrier(LocalWire())
        self.station = RoutedStation(
            carrier,
            self.gate,
            Listening(carrier, lambda: 0.0),
            self.audience,
            self.here,
            lambda: 0.0,
            3600.0,
        )
        self.seqs, self.doubts, self.number = [], 0, 0

    def doubted(self):
        self.doubts += 1

    def told(self, seq, kind="message", log_id=G, is_copy=False, **body):
        raw = msgspec.Raw(msgspec.json.encode(body))
        entry = Entry(log_id, seq, seq, kind, "ann", "", 1, raw)
        (one,) = told_of(Committed((entry,), ""))
        return msgspec.structs.replace(one, is_copy=is_copy)

    def take(self, *args, **more):
        self.number += 1
        letter = Parcel("t", self.number, [self.told(*args, **more)])
        self.station.take("s", encode_letter(letter))

    def join(self, seq, *users, **more):
        self.take(seq, MEMBERS_JOINED, user_ids=users, **more)

    def leave(self, seq, *users, **more):
        self.take(seq, MEMBERS_LEFT, user_ids=users, **more)


@pytest.fixture
async def world():
    made = World()
    await made.station.start(lambda fact: made.seqs.append(fact.entries[0].seq), made.doubted)
    yield made
    await made.station.close()


async def settle():
    for _ in range(20):
        await asyncio.sleep(0)


async def test_a_join_by_both_ways_is_handed_on_once(world):
    await world.station.came("ann")
    world.join(5, "ann", is_copy=True)
    world.take(6)
    await settle()
    world.join(5, "ann")  # the log's own, which came a little later
    world.take(7)
    assert world.seqs == [5, 6, 7]
    assert world.gate.followed == ["@ann", G]


async def test_what_comes_before_the_group_is_followed_waits_behind_the_join(world):
    await world.station.came("ann")
    world.gate.open.clear()
    world.join(5, "ann", is_copy=True)
    await settle()
    for seq in (6, 7):
        world.take(seq)
    assert world.seqs == []
    world.gate.open.set()
    await settle()
    assert world.seqs == [5, 6, 7]


async def test_too_much_that_waits_is_doubt(world):
    await world.station.came("ann")
    world.gate.open.clear()
    world.join(1, "ann", is_copy=True)
    await settle()
    for seq in range(2, HELD_MAX + 2):
        world.take(seq)
    world.gate.open.set()
    await settle()
    assert (len(world.seqs), world.doubts) == (HELD_MAX, 1)


async def test_a_copy_does_not_overtake_what_the_log_tells(world):
    world.audience.rows[G] = {"bob"}
    await world.station.came("bob")
    await world.station.came("ann")
    world.join(9, "ann", is_copy=True)
    world.take(8)
    world.join(9, "ann")
    await settle()
    assert world.seqs == [8, 9]
    assert set(await world.here.members(G)) == {"ann", "bob"}


async def test_a_leave_while_the_conversations_are_asked_for_counts(world):
    world.audience.rows[G] = {"ann"}
    world.audience.open.clear()
    coming = asyncio.create_task(world.station.came("ann"))
    await world.audience.asked.wait()
    world.leave(5, "ann", is_copy=True)
    world.audience.open.set()
    await coming
    assert not world.here.is_followed(G)
    assert world.gate.followed == ["@ann"]


async def test_an_old_join_does_not_undo_a_leave(world):
    world.audience.rows[G] = {"ann", "bob"}
    await world.station.came("ann")
    await world.station.came("bob")
    world.leave(7, "ann")
    world.join(5, "ann")  # of another teller, and late
    assert list(await world.here.members(G)) == ["bob"]
    world.join(9, "ann")
    assert set(await world.here.members(G)) == {"ann", "bob"}


async def test_who_went_while_joining_leaves_nothing_behind(world):
    await world.station.came("ann")
    world.gate.open.clear()
    world.join(5, "ann", is_copy=True)
    await settle()
    world.station.went("ann")
    world.gate.open.set()
    await settle()
    assert (world.gate.followed, world.seqs) == ([], [])


@pytest.mark.parametrize("steps", range(12))
async def test_who_comes_and_goes_at_any_moment_leaves_nothing_behind(world, steps):
    world.audience.rows = {G: {"ann", "bob"}, "g2": {"ann"}}
    await world.station.came("bob")
    coming = asyncio.create_task(world.station.came("ann"))
    for _ in range(steps):
        await asyncio.sleep(0)
    world.station.went("ann")
    again = asyncio.create_task(world.station.came("ann"))
    await asyncio.sleep(0)
    world.station.went("ann")
    with contextlib.suppress(asyncio.CancelledError):
        await asyncio.gather(coming, again)
    await settle()
    assert world.gate.followed == ["@bob", G]
    world.station.went("bob")
    assert (world.gate.followed, world.here.users()) == ([], [])


async def test_came_waits_for_what_another_began_to_follow(world):
    world.audience.rows = {G: {"ann", "bob"}}
    ann = asyncio.create_task(world.station.came("ann"))
    world.gate.open.clear()
    world.gate.open_for = "@"
    bob = asyncio.create_task(world.station.came("bob"))
    await settle()
    assert G in world.gate.followed
    assert (ann.done(), bob.done()) == (False, False)
    world.gate.open.set()
    await settle()
    assert (ann.done(), bob.done()) == (True, True)
    assert sorted(world.gate.followed) == ["@ann", "@bob", G]


async def test_who_comes_while_the_follow_of_one_who_went_goes_on_is_followed(world):
    world.audience.rows = {G: {"ann", "bob"}}
    world.gate.open_for = "@"
    world.gate.open.clear()
    ann = asyncio.create_task(world.station.came("ann"))
    await settle()
    world.station.went("ann")
    bob = asyncio.create_task(world.station.came("bob"))
    await settle()
    assert not bob.done()
    world.gate.open.set()
    await asyncio.gather(ann, bob)
    assert sorted(world.gate.followed) == ["@bob", G]


async def test_in_doubt_it_is_read_anew_who_belongs_where(world):
    world.audience.rows = {G: {"ann"}, "g2": set(), "g3": {"ann"}}
    await world.station.came("ann")
    world.audience.rows = {G: {"ann"}, "g2": {"ann"}, "g3": set()}
    world.station.take("s", encode_letter(Beat("other", {}, 1)))
    await settle()
    assert world.doubts == 1
    assert set(world.here.of("ann")) == {G, "g2"}
    assert sorted(world.gate.followed) == ["@ann", G, "g2"]


async def test_what_nobody_here_needs_is_counted(world):
    world.take(1)
    world.take(1, log_id="@eve")
    world.join(2, "eve")
    world.station.take("s", b"no letter")
    assert (world.seqs, world.station.stray) == ([], 3)
