"""The subscriber amid joins, leaves and losses, with a follower that can be held up."""

import asyncio
import contextlib

import msgspec
import pytest
from tests.memory.transport import LocalNetwork, LocalTransport

from hongyan.delivery.routes.batch import (
    EventBatch,
    Heartbeat,
    encode_message,
    routed_events_of,
)
from hongyan.delivery.routes.interests import Interests
from hongyan.delivery.routes.subscriber import HELD_MAX, RoutedSubscriber
from hongyan.delivery.routes.subscriptions import Subscriptions
from hongyan.domain.group.model import MEMBERS_JOINED, MEMBERS_LEFT
from hongyan.domain.log.model import Committed, Entry

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


class Harness:
    def __init__(self):
        self.gate, self.audience, self.here = Gate(), Audience(), Interests()
        transport = LocalTransport(LocalNetwork())
        self.subscriber = RoutedSubscriber(
            transport,
            self.gate,
            Subscriptions(transport, lambda: 0.0),
            self.audience,
            self.here,
            lambda: 0.0,
            3600.0,
        )
        self.seqs, self.resyncs, self.number = [], 0, 0

    def resynced(self):
        self.resyncs += 1

    def routed(self, seq, kind="message", log_id=G, is_copy=False, **body):
        raw = msgspec.Raw(msgspec.json.encode(body))
        entry = Entry(log_id, seq, seq, kind, "ann", "", 1, raw)
        (one,) = routed_events_of(Committed((entry,), ""))
        return msgspec.structs.replace(one, is_copy=is_copy)

    def take(self, *args, **more):
        self.number += 1
        message = EventBatch("t", self.number, [self.routed(*args, **more)])
        self.subscriber.take("s", encode_message(message))

    def join(self, seq, *users, **more):
        self.take(seq, MEMBERS_JOINED, user_ids=users, **more)

    def leave(self, seq, *users, **more):
        self.take(seq, MEMBERS_LEFT, user_ids=users, **more)


@pytest.fixture
async def harness():
    made = Harness()
    await made.subscriber.start(lambda event: made.seqs.append(event.entries[0].seq), made.resynced)
    yield made
    await made.subscriber.close()


async def settle():
    for _ in range(20):
        await asyncio.sleep(0)


async def test_a_join_by_both_ways_is_handed_on_once(harness):
    await harness.subscriber.connected("ann")
    harness.join(5, "ann", is_copy=True)
    harness.take(6)
    await settle()
    harness.join(5, "ann")  # the log's own, which came a little later
    harness.take(7)
    assert harness.seqs == [5, 6, 7]
    assert harness.gate.followed == ["@ann", G]


async def test_what_comes_before_the_group_is_followed_waits_behind_the_join(harness):
    await harness.subscriber.connected("ann")
    harness.gate.open.clear()
    harness.join(5, "ann", is_copy=True)
    await settle()
    for seq in (6, 7):
        harness.take(seq)
    assert harness.seqs == []
    harness.gate.open.set()
    await settle()
    assert harness.seqs == [5, 6, 7]


async def test_too_much_that_waits_is_possible_loss(harness):
    await harness.subscriber.connected("ann")
    harness.gate.open.clear()
    harness.join(1, "ann", is_copy=True)
    await settle()
    for seq in range(2, HELD_MAX + 2):
        harness.take(seq)
    harness.gate.open.set()
    await settle()
    assert (len(harness.seqs), harness.resyncs) == (HELD_MAX, 1)


async def test_a_copy_does_not_overtake_what_the_log_tells(harness):
    harness.audience.rows[G] = {"bob"}
    await harness.subscriber.connected("bob")
    await harness.subscriber.connected("ann")
    harness.join(9, "ann", is_copy=True)
    harness.take(8)
    harness.join(9, "ann")
    await settle()
    assert harness.seqs == [8, 9]
    assert set(await harness.here.members(G)) == {"ann", "bob"}


async def test_a_leave_while_the_conversations_are_asked_for_counts(harness):
    harness.audience.rows[G] = {"ann"}
    harness.audience.open.clear()
    coming = asyncio.create_task(harness.subscriber.connected("ann"))
    await harness.audience.asked.wait()
    harness.leave(5, "ann", is_copy=True)
    harness.audience.open.set()
    await coming
    assert not harness.here.is_followed(G)
    assert harness.gate.followed == ["@ann"]


async def test_an_old_join_does_not_undo_a_leave(harness):
    harness.audience.rows[G] = {"ann", "bob"}
    await harness.subscriber.connected("ann")
    await harness.subscriber.connected("bob")
    harness.leave(7, "ann")
    harness.join(5, "ann")  # of another publisher, and late
    assert list(await harness.here.members(G)) == ["bob"]
    harness.join(9, "ann")
    assert set(await harness.here.members(G)) == {"ann", "bob"}


async def test_who_went_while_joining_leaves_nothing_behind(harness):
    await harness.subscriber.connected("ann")
    harness.gate.open.clear()
    harness.join(5, "ann", is_copy=True)
    await settle()
    harness.subscriber.disconnected("ann")
    harness.gate.open.set()
    await settle()
    assert (harness.gate.followed, harness.seqs) == ([], [])


@pytest.mark.parametrize("steps", range(12))
async def test_who_comes_and_goes_at_any_moment_leaves_nothing_behind(harness, steps):
    harness.audience.rows = {G: {"ann", "bob"}, "g2": {"ann"}}
    await harness.subscriber.connected("bob")
    coming = asyncio.create_task(harness.subscriber.connected("ann"))
    for _ in range(steps):
        await asyncio.sleep(0)
    harness.subscriber.disconnected("ann")
    again = asyncio.create_task(harness.subscriber.connected("ann"))
    await asyncio.sleep(0)
    harness.subscriber.disconnected("ann")
    with contextlib.suppress(asyncio.CancelledError):
        await asyncio.gather(coming, again)
    await settle()
    assert harness.gate.followed == ["@bob", G]
    harness.subscriber.disconnected("bob")
    assert (harness.gate.followed, harness.here.users()) == ([], [])


async def test_came_waits_for_what_another_began_to_follow(harness):
    harness.audience.rows = {G: {"ann", "bob"}}
    ann = asyncio.create_task(harness.subscriber.connected("ann"))
    harness.gate.open.clear()
    harness.gate.open_for = "@"
    bob = asyncio.create_task(harness.subscriber.connected("bob"))
    await settle()
    assert G in harness.gate.followed
    assert (ann.done(), bob.done()) == (False, False)
    harness.gate.open.set()
    await settle()
    assert (ann.done(), bob.done()) == (True, True)
    assert sorted(harness.gate.followed) == ["@ann", "@bob", G]


async def test_who_comes_while_the_follow_of_one_who_went_goes_on_is_followed(harness):
    harness.audience.rows = {G: {"ann", "bob"}}
    harness.gate.open_for = "@"
    harness.gate.open.clear()
    ann = asyncio.create_task(harness.subscriber.connected("ann"))
    await settle()
    harness.subscriber.disconnected("ann")
    bob = asyncio.create_task(harness.subscriber.connected("bob"))
    await settle()
    assert not bob.done()
    harness.gate.open.set()
    await asyncio.gather(ann, bob)
    assert sorted(harness.gate.followed) == ["@bob", G]


async def test_after_a_possible_loss_it_is_read_anew_who_belongs_where(harness):
    harness.audience.rows = {G: {"ann"}, "g2": set(), "g3": {"ann"}}
    await harness.subscriber.connected("ann")
    harness.audience.rows = {G: {"ann"}, "g2": {"ann"}, "g3": set()}
    harness.subscriber.take("s", encode_message(Heartbeat("other", {}, 1)))
    await settle()
    assert harness.resyncs == 1
    assert set(harness.here.of("ann")) == {G, "g2"}
    assert sorted(harness.gate.followed) == ["@ann", G, "g2"]


async def test_what_nobody_here_needs_is_counted(harness):
    harness.take(1)
    harness.take(1, log_id="@eve")
    harness.join(2, "eve")
    harness.subscriber.take("s", b"no letter")
    assert (harness.seqs, harness.subscriber.stray) == ([], 3)
