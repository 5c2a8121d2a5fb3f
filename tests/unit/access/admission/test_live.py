"""The rights of those who are connected: learned anew when they may have changed."""

import asyncio

import pytest

from hongyan.access.admission.live import AT_ONCE, Live
from hongyan.domain.integration.commands import CheckKeys
from hongyan.domain.user.commands import CheckDevices
from hongyan.kernel.bus import Actor
from hongyan.kernel.errors import Unavailable


class Holder:
    def __init__(self, actor):
        self.actor, self.resyncs, self.learned = actor, 0, []

    def resync(self):
        self.resyncs += 1

    def learn(self, actor, resyncs):
        self.learned.append((actor, resyncs == self.resyncs))


class Harness:
    """Somebody who knows what devices and keys may do now."""

    def __init__(self, clock):
        self.removed, self.asked, self.fails, self.later = set(), [], 0, []
        self.meanwhile = lambda: None
        self.live = Live(self, clock, pause_s=0, later=self.call_later)

    def call_later(self, after_s, function):
        self.later.append((after_s, function))
        return self

    def cancel(self):
        self.later.clear()

    async def call(self, _actor, command):
        if self.fails:
            self.fails -= 1
            raise Unavailable
        asked = command.devices if isinstance(command, CheckDevices) else command.holders
        self.asked.append((type(command), asked))
        self.meanwhile()
        return tuple(None if set(one) & self.removed else Actor(*one) for one in asked)

    def holder(self, user_id="ann", device_id="v1", key_id="", **more):
        holder = Holder(Actor(user_id, device_id, key_id=key_id, **more))
        self.live.add(holder)
        return holder

    async def rest(self):
        await asyncio.wait_for(self.live._work, 2)


@pytest.fixture
def harness(clock):
    return Harness(clock)


async def test_a_change_makes_a_users_connections_unsure_and_nobody_elses(harness):
    ann, bob = harness.holder(), harness.holder("bob", "v2")
    harness.live.changed("ann")
    assert (ann.resyncs, bob.resyncs) == (1, 0)
    await harness.rest()
    assert harness.asked == [(CheckDevices, (("ann", "v1"),))]
    assert ann.learned == [(Actor("ann", "v1"), True)]
    assert bob.learned == []


async def test_who_came_is_looked_at_soon_together_with_others(harness):
    holders = [harness.holder(), harness.holder("ann", "v2"), harness.holder("bob", "w3")]
    harness.removed = {"v2"}
    for holder in holders:
        harness.live.look_soon(holder)
    await harness.rest()
    assert harness.asked == [(CheckDevices, (("ann", "v1"), ("ann", "v2"), ("bob", "w3")))]
    assert [holder.learned[0][0] is None for holder in holders] == [False, True, False]


async def test_keys_are_asked_for_by_their_ids(harness):
    bot = harness.holder("bot", "k1", "k1")
    harness.live.changed("bot")
    await harness.rest()
    assert harness.asked == [(CheckKeys, (("k1", "bot"),))]
    assert bot.learned == [(Actor("k1", "bot"), True)]


async def test_it_is_asked_again_until_there_is_an_answer(harness):
    ann = harness.holder()
    harness.removed, harness.fails = {"v1"}, 3
    harness.live.changed("ann")
    await harness.rest()
    assert ann.learned == [(None, True)]


async def test_those_who_have_gone_meanwhile_are_not_asked_for(harness):
    ann = harness.holder()
    harness.live.changed("ann")
    harness.live.discard(ann)
    await harness.rest()
    assert harness.asked == []


async def test_what_changes_while_it_is_asked_for_stays_unsure(harness):
    ann = harness.holder()
    harness.meanwhile = ann.resync
    await harness.live.renew(ann)
    assert ann.learned == [(Actor("ann", "v1"), False)]


async def test_who_asks_in_one_turn_of_the_loop_is_asked_for_together(harness):
    holders = [harness.holder(f"u{i}", f"v{i}") for i in range(AT_ONCE + 2)]
    await asyncio.gather(*(harness.live.renew(holder) for holder in holders))
    assert [len(asked) for _, asked in harness.asked] == [AT_ONCE, 2]
    assert all(holder.learned for holder in holders)


async def test_rights_that_cannot_be_asked_for_are_a_refusal(harness):
    harness.fails = 1
    with pytest.raises(Unavailable):
        await harness.live.renew(harness.holder())


async def test_what_may_have_been_lost_makes_all_unsure(harness):
    holders = [harness.holder(), harness.holder("bob", "v2"), harness.holder("bot", "k1", "k1")]
    harness.live.resync_all()
    assert [holder.resyncs for holder in holders] == [1, 1, 1]
    await harness.rest()
    assert all(holder.learned for holder in holders)


async def test_a_key_that_ends_is_looked_at_when_it_ends(harness, clock):
    bot = harness.holder("bot", "k1", "k1", expires_at_ms=clock.now_ms() + 5_000)
    assert [after_s for after_s, _ in harness.later] == [5.0]
    clock.advance(4_000)
    harness.later.pop()[1]()  # a timer that was early
    assert bot.resyncs == 0
    clock.advance(1_000)
    harness.removed = {"k1"}
    harness.later.pop()[1]()
    assert bot.resyncs == 1
    await harness.rest()
    assert bot.learned == [(None, True)]


async def test_the_timer_of_a_key_goes_with_its_connection(harness, clock):
    bot = harness.holder("bot", "k1", "k1", expires_at_ms=clock.now_ms() + 5_000)
    harness.live.discard(bot)
    assert harness.later == []
