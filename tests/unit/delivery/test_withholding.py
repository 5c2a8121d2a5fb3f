"""What is about a message that a newcomer may not see reaches that newcomer without content."""

import asyncio

import msgspec
import pytest

from hongyan.delivery.delivery import Delivery
from hongyan.delivery.hub import Hub
from hongyan.delivery.resyncs import Resyncs
from hongyan.delivery.withholding import Withholding, withheld
from hongyan.domain.log.model import Committed, Entry, Signal
from hongyan.domain.visibility.api import FirstSeen
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


class World:
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

    def tell(self, kind="message", where=ROOM, **body):
        self.seq += 1
        entry = Entry(
            where, self.seq, 1, kind, "old", "c", 7, msgspec.Raw(msgspec.json.encode(body))
        )
        self.hub.committed(Committed((entry,), ""))

    async def idle(self):
        while self.hub._tasks:
            await asyncio.gather(*self.hub._tasks, return_exceptions=True)


@pytest.fixture
async def world():
    return World()


async def test_a_newcomer_gets_an_entry_without_content(world):
    old, new = await world.attach("old"), await world.attach("new")
    world.rows.first = {"old": 1, "new": 10}
    world.tell("message.reacted", seq=9)
    world.tell("message.reacted", seq=10)
    world.tell()
    await world.idle()
    assert old.got == ["message.reacted#11", "message.reacted#12", "message#13"]
    assert new.got == ["entry.withheld#11", "message.reacted#12", "message#13"]
    assert world.rows.asked == [["new", "old"]]


async def test_a_newcomer_that_encodes_for_itself_gets_no_content_either(world):
    old, new = await world.attach("old", peer=AddressedPeer), await world.attach("new")
    also = await world.attach("new", "new2", peer=AddressedPeer)
    world.rows.first = {"old": 1, "new": 10}
    world.tell("message.reacted", seq=9)
    world.tell("message.reacted", seq=10)
    for _ in range(3):
        await world.idle()
        await asyncio.sleep(0)
    assert [told for told, _ in old.got] == ["message.reacted#11", "message.reacted#12"]
    assert [told for told, _ in also.got] == ["entry.withheld#11", "message.reacted#12"]
    assert new.got == ["entry.withheld#11", "message.reacted#12"]


async def test_who_is_no_member_by_the_rows_gets_no_content(world):
    new = await world.attach("new")
    world.tell("poll.voted", seq=3)
    await world.idle()
    assert new.got == ["entry.withheld#11"]


async def test_where_history_was_never_hidden_it_is_asked_once(world):
    new = await world.attach("new")
    world.rows.first = None
    for _ in range(3):
        world.tell("message.edited", seq=1)
    await world.idle()
    await world.attach("old")
    world.tell("message.edited", seq=1)
    assert new.got == [f"message.edited#{n}" for n in range(11, 15)]
    assert len(world.rows.asked) == 1


async def test_nothing_is_asked_for_messages_signals_and_pairs(world):
    new = await world.attach("new")
    world.tell()
    world.tell("members.changed")
    world.tell("message.reacted", PAIR, seq=1)
    world.hub.signalled(Signal(ROOM, "typing", "old", b'{"seq":1}'))
    await world.idle()
    assert (len(new.got), world.rows.asked) == (4, [])


async def test_the_order_holds_while_it_is_looked_up(world):
    old, new = await world.attach("old"), await world.attach("new")
    world.tell()
    await world.idle()
    world.rows.first = {"old": 1, "new": 10}
    world.rows.gate.clear()
    world.tell("message.pinned", seq=1)
    world.tell()
    late = await world.attach("late")
    world.tell("members.joined", user_ids=["late"])
    world.tell("message.pinned", seq=1)
    world.tell()
    await asyncio.sleep(0)
    assert len(new.got) == 1
    world.rows.first["late"] = 14
    world.rows.gate.set()
    await world.idle()
    assert old.got == [
        *("message#11", "message.pinned#12", "message#13", "members.joined#14"),
        *("message.pinned#15", "message#16"),
    ]
    assert new.got == [one.replace("message.pinned", "entry.withheld") for one in old.got]
    assert late.got == ["members.joined#14", "entry.withheld#15", "message#16"]
    assert world.rows.asked == [["new", "old"], ["late"]]


async def test_a_change_of_the_group_makes_it_look_again(world):
    new = await world.attach("new")
    world.rows.first = None
    world.tell("message.reacted", seq=1)
    await world.idle()
    world.rows.first = {"new": 10}
    world.tell("conversation.changed", history_visible=False)
    world.tell("message.reacted", seq=1)
    await world.idle()
    assert new.got == ["message.reacted#11", "conversation.changed#12", "entry.withheld#13"]


async def test_who_comes_back_is_looked_up_again(world):
    new = await world.attach("new")
    world.rows.first = {"new": 1}
    world.tell("message.reacted", seq=1)
    await world.idle()
    world.tell("members.left", user_ids=["new"])
    world.tell("members.joined", user_ids=["new"])
    world.rows.first = {"new": 13}
    world.tell("message.reacted", seq=1)
    await world.idle()
    assert new.got[0] == "message.reacted#11"
    assert new.got[-1] == "entry.withheld#14"


async def test_when_nobody_can_tell_there_is_a_gap_and_no_content(world):
    new = await world.attach("new")
    world.rows.fails = True
    world.tell("message.reacted", seq=1)
    await world.idle()
    world.rows.fails = False
    world.tell()
    await world.idle()
    assert new.got == ["message#12"]


def test_what_is_withheld_tells_no_more_than_that_it_is_there():
    entry = Entry(ROOM, 5, 3, "message.reacted", "old", "c1", 7, msgspec.Raw(b'{"emoji":"x"}'))
    told = withheld(Delivery(entry, "")).event
    assert (told.log_id, told.seq, told.ordinal, told.sent_at_ms) == (ROOM, 5, 3, 7)
    assert (told.kind, told.sender, told.client_id, bytes(told.body)) == (
        *("entry.withheld", "system", ""),
        b"{}",
    )
