"""Peers that encode for themselves, beside others that share; and signals for some devices."""

import asyncio

import pytest

from hongyan.delivery.resyncs import Resyncs
from hongyan.domain.group.model import CONVERSATION_CHANGED, MEMBERS_JOINED, MEMBERS_LEFT
from hongyan.domain.log.model import Signal

from .test_hub import OTHER, ROOM, AddressedPeer, World


@pytest.fixture
async def world():
    return World()


async def settle(world):
    await world.idle()
    for _ in range(5):
        await asyncio.sleep(0)


def kinds(peer):
    return [told for told, _ in peer.got]


async def test_only_who_encodes_for_itself_waits_for_what_the_conversation_is(world):
    world.audience.names[ROOM] = "Team"
    ann = await world.attach("ann")
    bob = await world.attach("bob", peer_type=AddressedPeer)
    world.audience.told.clear()
    world.tell()
    world.tell()
    await settle(world)
    assert (ann.got, bob.got) == (["message#1", "message#2"], [])
    world.audience.told.set()
    await settle(world)
    world.tell()
    assert bob.got == [(f"message#{seq}", "Team") for seq in (1, 2, 3)]
    assert world.audience.described == [ROOM]


async def test_nobody_asks_what_a_conversation_is_for_those_who_share(world):
    await world.attach("ann")
    world.tell()
    await settle(world)
    assert world.audience.described == []


async def test_the_log_tells_the_name_that_changes(world):
    world.audience.names[ROOM] = "Old"
    bob = await world.attach("bob", peer_type=AddressedPeer)
    world.audience.told.clear()
    world.tell()
    await settle(world)
    world.tell(kind=CONVERSATION_CHANGED, name="New")  # while it is asked for
    world.audience.told.set()
    await settle(world)
    world.tell(kind=CONVERSATION_CHANGED, notice="no name")
    world.tell(kind=CONVERSATION_CHANGED, name="Newest")
    world.tell()
    assert [name for _, name in bob.got] == ["Old", "New", "New", "Newest", "Newest"]


async def test_the_name_stays_right_while_nobody_needs_it(world):
    world.audience.names[ROOM] = "Old"
    await world.attach("ann")
    bob = await world.attach("bob", peer_type=AddressedPeer)
    world.tell()
    await settle(world)
    world.hub.detach(bob)
    world.tell(kind=CONVERSATION_CHANGED, name="New")
    again = await world.attach("bob", peer_type=AddressedPeer)
    world.tell()
    assert again.got == [("message#3", "New")]
    assert world.audience.described == [ROOM]


async def test_joins_and_leaves_keep_their_order_while_it_is_asked(world):
    ann, eve = [await world.attach(name, peer_type=AddressedPeer) for name in ("ann", "eve")]
    world.audience.told.clear()
    world.tell()
    world.tell(kind=MEMBERS_JOINED, user_ids=["eve"])
    world.tell()
    world.tell(kind=MEMBERS_LEFT, user_ids=["eve"])
    world.tell()
    await settle(world)
    world.audience.told.set()
    await settle(world)
    assert [one[-1] for one in kinds(eve)] == list("234")
    assert [one[-1] for one in kinds(ann)] == list("12345")


async def test_where_nobody_can_tell_what_it_is_the_peer_is_asked_to_sync_and_it_is_tried_again(
    world,
):
    ann = await world.attach("ann")
    bob = await world.attach("bob", peer_type=AddressedPeer)
    world.audience.told.clear()
    world.tell()
    await settle(world)
    world.audience.fails = True
    world.audience.told.set()
    await settle(world)
    assert (ann.got, ann.asked) == (["message#1"], 0)
    assert (bob.got, bob.asked) == ([], 1)
    world.audience.fails = False
    world.tell()
    await settle(world)
    assert kinds(bob) == ["message#2"]


async def test_the_connection_that_asked_hears_of_it_when_it_encodes_for_itself(world):
    bob = await world.attach("bob", connection_id="k1", peer_type=AddressedPeer)
    world.tell(origin="k1")
    world.tell("@bob", origin="k1")
    await settle(world)
    assert sorted(bob.got) == [("message#1", ""), ("message#1", "")]


async def test_a_signal_for_some_devices_reaches_only_these(world):
    one = await world.attach("ann", "a1")
    two = await world.attach("ann", "a2")
    three = await world.attach("ann", "a3", peer_type=AddressedPeer)
    other = await world.attach("bob", "a1")
    world.hub.signalled(Signal("@ann", "call", "bob", b"{}", devices=("a2", "a3", "a9")))
    world.hub.signalled(Signal("@ann", "all", "bob", b"{}"))
    assert one.got == ["all#0"]
    assert two.got == ["call#0", "all#0"]
    assert kinds(three) == ["call#0", "all#0"]
    assert other.got == []


def test_only_a_users_own_log_has_devices():
    with pytest.raises(ValueError, match="nobody's own"):
        Signal(ROOM, "typing", "ann", b"{}", devices=("a1",))


async def test_events_and_those_they_were_for_are_counted(world):
    await world.attach("ann")
    await world.attach("bob", peer_type=AddressedPeer)
    world.tell()
    world.tell(OTHER)
    world.tell("@bob")
    await settle(world)
    assert (world.hub.facts, world.hub.pushes) == (3, 3)


async def test_who_is_asked_to_sync_and_cannot_be_is_closed(world):
    class Deaf(AddressedPeer):
        def ask_to_sync(self):
            raise BrokenPipeError

        def close(self):
            super().close()
            raise BrokenPipeError

    deaf, ann = Deaf("eve"), AddressedPeer("ann")
    Resyncs(None).ask([deaf, ann])
    assert (deaf.closed, ann.asked) == (1, 1)
