"""What is about a message that a newcomer may not see reaches that newcomer without content."""

import asyncio

import msgspec
import pytest

from hongyan.delivery.delivery import Delivery
from hongyan.delivery.hub import Hub
from hongyan.delivery.resyncs import Resyncs
from hongyan.delivery.withholding import Withholding, withheld
from hongyan.domain.log.model import Committed, Entry, Signal
from hongyan.domain.visibility.commands import FirstSeen
from hongyan.kernel.errors import Unavailable

from .test_hub import AddressedPeer, FakeAudience, FakePeer

ROOM, PAIR = "g" + "a" * 16, "d" + "b" * 16


class Rows:
    """Answers ``GetFirstSeen`` from ``first``; None says that history was never hidden."""

    def __init__(self):
        self.first = {}
        self.asked = []
        self.gate = asyncio.Event()
        self.gate.set()
        self.fails = False

    async def call(self, _actor, command):
        self.asked.append(sorted(command.user_ids))
        found = FirstSeen(None if self.first is None else dict(self.first))
        await self.gate.wait()
        if self.fails:
            raise Unavailable
        return found


class Harness:
    def __init__(self):
        self.rows = Rows()
        members = {ROOM: {"old", "new"}, PAIR: {"old", "new"}}
        audience = FakeAudience(members)
        resyncs = Resyncs(lambda _delay_s, _call: None)
        withholding = Withholding(self.rows)
        self.hub = Hub(audience, audience, audience, resyncs, withholding=withholding)
        self.seq = 10

    async def attach(self, user_id, device_id="", peer=FakePeer):
        peer = peer(user_id, device_id)
        await self.hub.attach(peer)
        return peer

    def publish(self, kind="message", where=ROOM, **body):
        self.seq += 1
        entry = Entry(
            where, self.seq, 1, kind, "old", "c", 7, msgspec.Raw(msgspec.json.encode(body))
        )
        self.hub.committed(Committed((entry,), ""))

    async def idle(self):
        while self.hub._tasks:
            await asyncio.gather(*self.hub._tasks, return_exceptions=True)


@pytest.fixture
async def harness():
    return Harness()


async def test_a_newcomer_gets_an_entry_without_content(harness):
    old, new = await harness.attach("old"), await harness.attach("new")
    harness.rows.first = {"old": 1, "new": 10}
    harness.publish("message.reacted", seq=9)
    harness.publish("message.reacted", seq=10)
    harness.publish()
    await harness.idle()
    assert old.got == ["message.reacted#11", "message.reacted#12", "message#13"]
    assert new.got == ["entry.withheld#11", "message.reacted#12", "message#13"]
    assert harness.rows.asked == [["new", "old"]]


async def test_a_newcomer_that_encodes_for_itself_gets_no_content_either(harness):
    old, new = await harness.attach("old", peer=AddressedPeer), await harness.attach("new")
    also = await harness.attach("new", "new2", peer=AddressedPeer)
    harness.rows.first = {"old": 1, "new": 10}
    harness.publish("message.reacted", seq=9)
    harness.publish("message.reacted", seq=10)
    for _ in range(3):
        await harness.idle()
        await asyncio.sleep(0)
    assert [told for told, _ in old.got] == ["message.reacted#11", "message.reacted#12"]
    assert [told for told, _ in also.got] == ["entry.withheld#11", "message.reacted#12"]
    assert new.got == ["entry.withheld#11", "message.reacted#12"]


async def test_who_is_no_member_by_the_rows_gets_no_content(harness):
    new = await harness.attach("new")
    harness.publish("poll.voted", seq=3)
    await harness.idle()
    assert new.got == ["entry.withheld#11"]


async def test_where_history_was_never_hidden_it_is_asked_once(harness):
    new = await harness.attach("new")
    harness.rows.first = None
    for _ in range(3):
        harness.publish("message.edited", seq=1)
    await harness.idle()
    await harness.attach("old")
    harness.publish("message.edited", seq=1)
    assert new.got == [f"message.edited#{n}" for n in range(11, 15)]
    assert len(harness.rows.asked) == 1


async def test_nothing_is_asked_for_messages_signals_and_pairs(harness):
    new = await harness.attach("new")
    harness.publish()
    harness.publish("members.changed")
    harness.publish("message.reacted", PAIR, seq=1)
    harness.hub.signalled(Signal(ROOM, "typing", "old", b'{"seq":1}'))
    await harness.idle()
    assert (len(new.got), harness.rows.asked) == (4, [])


async def test_the_order_holds_while_it_is_looked_up(harness):
    old, new = await harness.attach("old"), await harness.attach("new")
    harness.publish()
    await harness.idle()
    harness.rows.first = {"old": 1, "new": 10}
    harness.rows.gate.clear()
    harness.publish("message.pinned", seq=1)
    harness.publish()
    late = await harness.attach("late")
    harness.publish("members.joined", user_ids=["late"])
    harness.publish("message.pinned", seq=1)
    harness.publish()
    await asyncio.sleep(0)
    assert len(new.got) == 1
    harness.rows.first["late"] = 14
    harness.rows.gate.set()
    await harness.idle()
    assert old.got == [
        *("message#11", "message.pinned#12", "message#13", "members.joined#14"),
        *("message.pinned#15", "message#16"),
    ]
    assert new.got == [one.replace("message.pinned", "entry.withheld") for one in old.got]
    assert late.got == ["members.joined#14", "entry.withheld#15", "message#16"]
    assert harness.rows.asked == [["new", "old"], ["late"]]


async def test_a_change_of_the_group_makes_it_look_again(harness):
    new = await harness.attach("new")
    harness.rows.first = None
    harness.publish("message.reacted", seq=1)
    await harness.idle()
    harness.rows.first = {"new": 10}
    harness.publish("conversation.changed", history_visible=False)
    harness.publish("message.reacted", seq=1)
    await harness.idle()
    assert new.got == ["message.reacted#11", "conversation.changed#12", "entry.withheld#13"]


async def test_who_comes_back_is_looked_up_again(harness):
    new = await harness.attach("new")
    harness.rows.first = {"new": 1}
    harness.publish("message.reacted", seq=1)
    await harness.idle()
    harness.publish("members.left", user_ids=["new"])
    harness.publish("members.joined", user_ids=["new"])
    harness.rows.first = {"new": 13}
    harness.publish("message.reacted", seq=1)
    await harness.idle()
    assert new.got[0] == "message.reacted#11"
    assert new.got[-1] == "entry.withheld#14"


async def test_when_nobody_can_tell_there_is_a_gap_and_no_content(harness):
    new = await harness.attach("new")
    harness.rows.fails = True
    harness.publish("message.reacted", seq=1)
    await harness.idle()
    harness.rows.fails = False
    harness.publish()
    await harness.idle()
    assert new.got == ["message#12"]


def test_what_is_withheld_tells_no_more_than_that_it_is_there():
    entry = Entry(ROOM, 5, 3, "message.reacted", "old", "c1", 7, msgspec.Raw(b'{"emoji":"x"}'))
    told = withheld(Delivery(entry, "")).event
    assert (told.log_id, told.seq, told.ordinal, told.sent_at_ms) == (ROOM, 5, 3, 7)
    assert (told.kind, told.sender, told.client_id, bytes(told.body)) == (
        *("entry.withheld", "system", ""),
        b"{}",
    )
