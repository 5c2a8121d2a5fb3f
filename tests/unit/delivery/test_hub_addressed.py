"""Peers that encode for themselves, beside others that share; and signals for some devices."""

import asyncio

import pytest

from hongyan.delivery.resyncs import Resyncs
from hongyan.domain.group.model import CONVERSATION_CHANGED, MEMBERS_JOINED, MEMBERS_LEFT
from hongyan.domain.log.model import Signal

from .test_hub import OTHER, ROOM, AddressedPeer, Harness


@pytest.fixture
async def harness():
    return Harness()


async def settle(harness):
    await harness.idle()
    for _ in range(5):
        await asyncio.sleep(0)


def kinds(peer):
    return [told for told, _ in peer.got]


async def test_only_who_encodes_for_itself_waits_for_what_the_conversation_is(harness):
    harness.audience.names[ROOM] = "Team"
    ann = await harness.attach("ann")
    bob = await harness.attach("bob", peer_type=AddressedPeer)
    harness.audience.told.clear()
    harness.publish()
    harness.publish()
    await settle(harness)
    assert (ann.got, bob.got) == (["message#1", "message#2"], [])
    harness.audience.told.set()
    await settle(harness)
    harness.publish()
    assert bob.got == [(f"message#{seq}", "Team") for seq in (1, 2, 3)]
    assert harness.audience.described == [ROOM]


async def test_nobody_asks_what_a_conversation_is_for_those_who_share(harness):
    await harness.attach("ann")
    harness.publish()
    await settle(harness)
    assert harness.audience.described == []


async def test_the_log_tells_the_name_that_changes(harness):
    harness.audience.names[ROOM] = "Old"
    bob = await harness.attach("bob", peer_type=AddressedPeer)
    harness.audience.told.clear()
    harness.publish()
    await settle(harness)
    harness.publish(kind=CONVERSATION_CHANGED, name="New")  # while it is asked for
    harness.audience.told.set()
    await settle(harness)
    harness.publish(kind=CONVERSATION_CHANGED, notice="no name")
    harness.publish(kind=CONVERSATION_CHANGED, name="Newest")
    harness.publish()
    assert [name for _, name in bob.got] == ["Old", "New", "New", "Newest", "Newest"]


async def test_the_name_stays_right_while_nobody_needs_it(harness):
    harness.audience.names[ROOM] = "Old"
    await harness.attach("ann")
    bob = await harness.attach("bob", peer_type=AddressedPeer)
    harness.publish()
    await settle(harness)
    harness.hub.detach(bob)
    harness.publish(kind=CONVERSATION_CHANGED, name="New")
    again = await harness.attach("bob", peer_type=AddressedPeer)
    harness.publish()
    assert again.got == [("message#3", "New")]
    assert harness.audience.described == [ROOM]


async def test_joins_and_leaves_keep_their_order_while_it_is_asked(harness):
    ann, eve = [await harness.attach(name, peer_type=AddressedPeer) for name in ("ann", "eve")]
    harness.audience.told.clear()
    harness.publish()
    harness.publish(kind=MEMBERS_JOINED, user_ids=["eve"])
    harness.publish()
    harness.publish(kind=MEMBERS_LEFT, user_ids=["eve"])
    harness.publish()
    await settle(harness)
    harness.audience.told.set()
    await settle(harness)
    assert [one[-1] for one in kinds(eve)] == list("234")
    assert [one[-1] for one in kinds(ann)] == list("12345")


async def test_where_nobody_can_tell_what_it_is_the_peer_is_asked_to_sync_and_it_is_tried_again(
    harness,
):
    ann = await harness.attach("ann")
    bob = await harness.attach("bob", peer_type=AddressedPeer)
    harness.audience.told.clear()
    harness.publish()
    await settle(harness)
    harness.audience.fails = True
    harness.audience.told.set()
    await settle(harness)
    assert (ann.got, ann.asked) == (["message#1"], 0)
    assert (bob.got, bob.asked) == ([], 1)
    harness.audience.fails = False
    harness.publish()
    await settle(harness)
    assert kinds(bob) == ["message#2"]


async def test_the_connection_that_asked_hears_of_it_when_it_encodes_for_itself(harness):
    bob = await harness.attach("bob", connection_id="k1", peer_type=AddressedPeer)
    harness.publish(origin="k1")
    harness.publish("@bob", origin="k1")
    await settle(harness)
    assert sorted(bob.got) == [("message#1", ""), ("message#1", "")]


async def test_a_signal_for_some_devices_reaches_only_these(harness):
    one = await harness.attach("ann", "a1")
    two = await harness.attach("ann", "a2")
    three = await harness.attach("ann", "a3", peer_type=AddressedPeer)
    other = await harness.attach("bob", "a1")
    harness.hub.signalled(Signal("@ann", "call", "bob", b"{}", devices=("a2", "a3", "a9")))
    harness.hub.signalled(Signal("@ann", "all", "bob", b"{}"))
    assert one.got == ["all#0"]
    assert two.got == ["call#0", "all#0"]
    assert kinds(three) == ["call#0", "all#0"]
    assert other.got == []


def test_only_a_users_own_log_has_devices():
    with pytest.raises(ValueError, match="nobody's own"):
        Signal(ROOM, "typing", "ann", b"{}", devices=("a1",))


async def test_events_and_those_they_were_for_are_counted(harness):
    await harness.attach("ann")
    await harness.attach("bob", peer_type=AddressedPeer)
    harness.publish()
    harness.publish(OTHER)
    harness.publish("@bob")
    await settle(harness)
    assert (harness.hub.events, harness.hub.pushes) == (3, 3)


async def test_who_is_asked_to_sync_and_cannot_be_is_closed(harness):
    class Deaf(AddressedPeer):
        def ask_to_sync(self):
            raise BrokenPipeError

        def close(self):
            super().close()
            raise BrokenPipeError

    deaf, ann = Deaf("eve"), AddressedPeer("ann")
    Resyncs(None).ask([deaf, ann])
    assert (deaf.closed, ann.asked) == (1, 1)
