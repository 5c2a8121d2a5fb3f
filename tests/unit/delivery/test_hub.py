"""The hub and the outbox: who gets what, in which order, and what becomes of the slow."""

import asyncio

import msgspec
import pytest

from hongyan.delivery import hub as hub_module
from hongyan.delivery.hub import Hub
from hongyan.delivery.outbox import Flusher, Outbox
from hongyan.delivery.resyncs import Resyncs
from hongyan.domain.conversation.model import About
from hongyan.domain.group.model import MEMBERS_JOINED, MEMBERS_LEFT
from hongyan.domain.log.model import Committed, Entry, Signal
from hongyan.domain.user.model import DEVICE_REMOVED

ROOM, OTHER = "g" + "a" * 16, "g" + "b" * 16


class FakeEncoder:
    """Encodes an event as ``kind#seq``, and counts."""

    def __init__(self, deaf_to=""):
        self.encoded = 0
        self.deaf_to = deaf_to

    def encode(self, event, position=0):
        self.encoded += 1
        if event.kind == self.deaf_to:
            return None
        return f"{event.kind}#{getattr(event, 'seq', 0)}".encode()


class FakePeer:
    def __init__(self, user_id, device_id="", encoder=None, connection_id=""):
        self.user_id = user_id
        self.device_id = device_id or f"{user_id}1"
        self.connection_id = connection_id
        self.encoder = encoder or FakeEncoder()
        self.got = []
        self.kicked = []
        self.asked = self.closed = 0
        self.fails_on = ""

    def push(self, frame):
        if self.fails_on and frame.decode().startswith(self.fails_on):
            raise BrokenPipeError
        self.got.append(frame.decode())

    def kick(self, reason):
        self.kicked.append(reason)

    def ask_to_sync(self):
        self.asked += 1

    def close(self):
        self.closed += 1


class AddressedPeer(FakePeer):
    """Notes what it was handed, and under which name and with whom it came."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.encoder = None

    def deliver(self, delivery):
        kind = delivery.event.kind
        if kind == self.fails_on:
            raise ValueError(kind)
        self.got.append((f"{kind}#{getattr(delivery.event, 'seq', 0)}", delivery.name))


class FakeAudience:
    """Answers when ``gate`` is open; what a conversation is, when ``told`` is."""

    def __init__(self, members):
        self._members = members
        self.gate = asyncio.Event()
        self.gate.set()
        self.asked = []
        self.fails = False
        self.told = asyncio.Event()
        self.told.set()
        self.names = {}
        self.described = []

    async def describe(self, conversation_id):
        self.described.append(conversation_id)
        name = self.names.get(conversation_id, "")
        await self.told.wait()
        if self.fails:
            raise OSError
        return About(name)

    async def members(self, conversation_id):
        self.asked.append(conversation_id)
        await self.gate.wait()
        if self.fails:
            raise OSError
        return list(self._members.get(conversation_id, ()))

    async def conversations(self, user_id):
        found = [c for c, members in self._members.items() if user_id in members]
        await self.gate.wait()
        return found


class Harness:
    def __init__(self, **members):
        self.members = {ROOM: {"ann", "bob"}} | members
        self.audience = FakeAudience(self.members)
        self.received = []
        self.due = []
        resyncs = Resyncs(lambda _, call: self.due.append(call))
        audience = self.audience
        self.hub = Hub(audience, audience, audience, resyncs)
        self.hub.on_devices(lambda user_id: self.received.append(f"~{user_id}"))
        self.hub.on_offline(lambda user_id: self.received.append(f"-{user_id}"))
        self.seqs = {}

    async def attach(self, *args, peer_type=FakePeer, **kwargs):
        peer = peer_type(*args, **kwargs)
        await self.hub.attach(peer)
        return peer

    def publish(self, log_id=ROOM, kind="message", origin="", **body):
        seq = self.seqs[log_id] = self.seqs.get(log_id, 0) + 1
        raw = msgspec.Raw(msgspec.json.encode(body))
        entry = Entry(log_id, seq, seq, kind, "ann", "", 1, raw)
        self.hub.committed(Committed((entry,), origin))

    async def idle(self):
        await asyncio.gather(*self.hub._tasks)


@pytest.fixture
async def harness():
    return Harness()


async def test_members_who_are_here_get_what_is_told_in_order(harness):
    ann, bob, eve = [await harness.attach(user_id) for user_id in ("ann", "bob", "eve")]
    for _ in range(3):
        harness.publish()
    assert ann.got == []  # while the room is gathered the events wait
    await harness.idle()
    harness.publish()
    harness.hub.signalled(Signal(ROOM, "typing", "ann", b"{}"))
    assert ann.got == bob.got == [*(f"message#{i}" for i in range(1, 5)), "typing#0"]
    assert eve.got == []
    assert harness.audience.asked == [ROOM]


async def test_a_users_log_reaches_all_devices_of_that_user(harness):
    one, two, bob = [
        await harness.attach(u, d) for u, d in (("ann", "a1"), ("ann", "a2"), ("bob", "b1"))
    ]
    harness.publish("@ann", "conversation.read")
    assert (one.got, two.got, bob.got) == (["conversation.read#1"], ["conversation.read#1"], [])
    assert harness.audience.asked == []


async def test_the_connection_that_asked_is_left_out(harness):
    one = await harness.attach("ann", "a1", connection_id="k1")
    two = await harness.attach("ann", "a2", connection_id="k2")
    harness.publish(origin="k1")
    harness.publish("@ann", origin="k2")
    await harness.idle()
    assert (one.got, two.got) == (["message#1"], ["message#1"])


async def test_the_devices_next_connection_hears_what_the_lost_one_asked_for(harness):
    lost = await harness.attach("ann", "a1", connection_id="k1")
    harness.hub.detach(lost)
    again = await harness.attach("ann", "a1", connection_id="k2")
    harness.publish(origin="k1")
    harness.publish("@ann", origin="k1")
    await harness.idle()
    assert (lost.got, again.got) == ([], ["message#1", "message#1"])


async def test_who_only_listens_hears_what_nobody_connected_asked_for(harness):
    listener = await harness.attach("ann", "a1")
    harness.publish("@ann", origin="")
    assert listener.got == ["message#1"]


async def test_an_event_is_encoded_once_for_all_who_share_an_encoder(harness):
    json, msgpack = FakeEncoder(), FakeEncoder()
    harness.members[ROOM] |= {f"u{i}" for i in range(20)}
    for i in range(20):
        await harness.attach(f"u{i}", encoder=(json, msgpack)[i % 2])
    harness.publish()
    await harness.idle()
    harness.publish()
    assert (json.encoded, msgpack.encoded) == (2, 2)


async def test_what_a_protocol_has_no_word_for_is_left_out(harness):
    ann = await harness.attach("ann", encoder=FakeEncoder(deaf_to="poll.voted"))
    harness.publish(kind="poll.voted")
    harness.publish()
    await harness.idle()
    assert ann.got == ["message#2"]


async def test_a_second_connection_of_a_device_replaces_the_first(harness):
    old = await harness.attach("ann", "a1")
    harness.publish()
    await harness.idle()
    new = await harness.attach("ann", "a1")
    harness.publish()
    harness.hub.detach(old)
    harness.publish()
    assert old.kicked == ["replaced"]
    assert (old.got, new.got) == (["message#1"], ["message#2", "message#3"])
    assert harness.received == ["~ann"]
    assert harness.hub.peers() == [new]


async def test_every_change_of_devices_is_told_and_that_the_last_has_gone(harness):
    one, two = await harness.attach("ann", "a1"), await harness.attach("ann", "a2")
    assert set(harness.hub.devices("ann")) == {"a1", "a2"}
    harness.hub.detach(one)
    assert harness.hub.is_online("ann")
    harness.hub.detach(two)
    harness.hub.detach(two)
    assert not harness.hub.is_online("ann")
    assert not harness.hub.devices("ann")
    assert harness.received == ["~ann", "~ann", "~ann", "-ann", "~ann"]


async def test_who_is_detached_gets_nothing_more(harness):
    ann, bob = await harness.attach("ann"), await harness.attach("bob")
    harness.publish()
    await harness.idle()
    harness.hub.detach(ann)
    harness.publish()
    assert (ann.got, bob.got) == (["message#1"], ["message#1", "message#2"])


async def test_a_removed_device_is_told_and_kicked(harness):
    one, two = await harness.attach("ann", "a1"), await harness.attach("ann", "a2")
    harness.publish("@ann", DEVICE_REMOVED, device_id="a1", reason="kicked")
    assert (one.kicked, two.kicked) == (["kicked"], [])
    assert one.got == two.got == [f"{DEVICE_REMOVED}#1"]


async def test_who_joins_gets_the_entry_and_who_leaves_too(harness):
    ann, eve = await harness.attach("ann"), await harness.attach("eve")
    harness.publish()
    await harness.idle()
    harness.publish(kind=MEMBERS_JOINED, user_ids=["eve", "zoe"])
    harness.publish()
    harness.publish(kind=MEMBERS_LEFT, user_ids=["eve"])
    harness.publish()
    assert eve.got == ["members.joined#2", "message#3", "members.left#4"]
    assert [frame[-1] for frame in ann.got] == list("12345")


async def test_joins_and_leaves_while_the_room_is_gathered(harness):
    ann, bob, eve = [await harness.attach(user_id) for user_id in ("ann", "bob", "eve")]
    harness.audience.gate.clear()
    harness.publish()
    harness.publish(kind=MEMBERS_JOINED, user_ids=["eve"])
    harness.publish(kind=MEMBERS_LEFT, user_ids=["bob"])
    harness.publish()
    harness.audience.gate.set()
    await harness.idle()
    assert [frame[-1] for frame in ann.got] == list("1234")
    assert [frame[-1] for frame in bob.got] == list("123")
    assert [frame[-1] for frame in eve.got] == list("234")


async def test_who_attaches_to_a_known_room_gets_what_comes_after(harness):
    await harness.attach("ann")
    harness.publish()
    await harness.idle()
    bob = await harness.attach("bob")
    harness.publish()
    assert bob.got == ["message#2"]
    assert harness.audience.asked == [ROOM]


async def test_who_joins_while_attaching_gets_what_comes_after(harness):
    await harness.attach("ann")
    harness.publish()
    await harness.idle()
    harness.audience.gate.clear()
    eve = FakePeer("eve")
    attaching = asyncio.create_task(harness.hub.attach(eve))
    await asyncio.sleep(0)
    harness.publish(kind=MEMBERS_JOINED, user_ids=["eve"])
    harness.audience.gate.set()
    await attaching
    harness.publish()
    assert eve.got == ["members.joined#2", "message#3"]


async def test_who_leaves_while_attaching_does_not_get_back_in(harness):
    await harness.attach("ann")
    harness.publish()
    await harness.idle()
    harness.audience.gate.clear()
    bob = FakePeer("bob")
    attaching = asyncio.create_task(harness.hub.attach(bob))
    await asyncio.sleep(0)
    harness.publish(kind=MEMBERS_LEFT, user_ids=["bob"])
    harness.audience.gate.set()
    await attaching
    harness.publish()
    assert "message#3" not in bob.got


async def test_who_goes_while_attaching_is_in_no_room(harness):
    await harness.attach("ann")
    harness.publish()
    await harness.idle()
    harness.audience.gate.clear()
    bob = FakePeer("bob")
    attaching = asyncio.create_task(harness.hub.attach(bob))
    await asyncio.sleep(0)
    harness.hub.detach(bob)
    harness.audience.gate.set()
    await attaching
    harness.publish()
    assert bob.got == []
    assert harness.received == ["~ann", "~bob", "-bob", "~bob"]


async def test_the_least_used_room_is_gathered_anew(harness, monkeypatch):
    monkeypatch.setattr(hub_module, "CONVERSATIONS_KEPT", 2)
    third = "g" + "c" * 16
    harness.members |= {OTHER: {"ann"}, third: {"ann"}}
    ann = await harness.attach("ann")
    for where in (ROOM, OTHER, ROOM, third, ROOM, OTHER):
        harness.publish(where)
        await harness.idle()
    assert harness.audience.asked == [ROOM, OTHER, third, OTHER]
    assert len(ann.got) == 6


async def test_a_room_that_cannot_be_gathered_is_tried_again(harness):
    ann = await harness.attach("ann")
    harness.audience.fails = True
    harness.publish()
    await harness.idle()
    harness.audience.fails = False
    harness.publish()
    await harness.idle()
    assert ann.got == ["message#2"]  # the gap in the seqs makes the device sync


async def test_nothing_is_gathered_when_nobody_is_here(harness):
    harness.publish()
    assert harness.audience.asked == []
    assert not harness.hub._conversation_peers


async def test_what_waits_for_a_room_is_bounded(harness, monkeypatch):
    monkeypatch.setattr(hub_module, "PENDING_MAX", 3)
    ann = await harness.attach("ann")
    for _ in range(5):
        harness.publish()
    await harness.idle()
    assert ann.got == ["message#1", "message#2", "message#3"]


class Socket:
    """What is below an outbox."""

    def __init__(self, flusher, limit_bytes=10):
        self.written = []
        self.buffered = 0
        self.cut = 0
        self.outbox = Outbox(
            flusher, self.written.append, lambda: self.buffered, self.on_overflow, limit_bytes
        )

    def on_overflow(self):
        self.cut += 1


async def test_frames_of_one_tick_are_written_together():
    flusher = Flusher()
    one, two = Socket(flusher), Socket(flusher)
    for frame in (b"a", b"b", b"c"):
        one.outbox.push(frame)
    two.outbox.push(b"d")
    assert one.written == []
    await asyncio.sleep(0)
    assert (one.written, two.written) == ([b"abc"], [b"d"])
    one.outbox.push(b"e")
    await asyncio.sleep(0)
    assert one.written == [b"abc", b"e"]


async def test_a_peer_with_too_much_in_one_tick_is_cut_once():
    socket = Socket(Flusher())
    for _ in range(4):
        socket.outbox.push(b"1234")
    await asyncio.sleep(0)
    assert (socket.cut, socket.written) == (1, [])


async def test_a_peer_that_does_not_read_is_cut():
    socket = Socket(Flusher())
    socket.outbox.push(b"1")
    socket.buffered = 11
    await asyncio.sleep(0)
    socket.outbox.push(b"2")
    await asyncio.sleep(0)
    assert (socket.cut, socket.written) == (1, [b"1"])


async def test_a_closed_outbox_still_writes_what_it_has():
    socket = Socket(Flusher())
    socket.outbox.push(b"bye")
    socket.outbox.close()
    socket.outbox.push(b"late")
    socket.buffered = 11
    await asyncio.sleep(0)
    assert (socket.cut, socket.written) == (0, [b"bye"])


async def test_a_peer_counts_as_attached_when_its_events_find_the_way_here(harness):
    arrivals, gate = [], asyncio.Event()

    async def connected(user_id):
        arrivals.append(user_id)
        await gate.wait()

    audience = harness.audience
    harness.hub = Hub(audience, audience, audience, Resyncs(None), connected=connected)
    attaching = asyncio.create_task(harness.attach("ann"))
    await asyncio.sleep(0)
    assert (arrivals, attaching.done()) == (["ann"], False)
    gate.set()
    ann = await attaching
    harness.publish("@ann")
    assert ann.got == ["message#1"]


async def test_rooms_that_are_forgotten_are_gathered_anew(harness):
    ann, bob = await harness.attach("ann"), await harness.attach("bob")
    harness.publish()
    await harness.idle()
    harness.members[ROOM] = {"ann"}  # bob's leave was missed
    harness.hub.forget_conversations()
    harness.publish()
    await harness.idle()
    assert (ann.got, bob.got) == (["message#1", "message#2"], ["message#1"])


async def test_events_are_counted_also_those_that_concern_nobody_here(harness):
    await harness.attach("ann")
    harness.publish()
    harness.publish("@nobody")
    harness.hub.signalled(Signal(ROOM, "typing", "ann", b"{}"))
    assert harness.hub.events == 3


@pytest.mark.parametrize("kind", ["user.changed", "device.removed"])
async def test_what_changes_rights_is_told_of_who_is_here(harness, kind):
    received = []
    harness.hub.on_rights(received.append)
    await harness.attach("ann")
    harness.publish("@ann", "device.changed")
    assert received == []
    for log_id in ("@ann", "@bob"):
        harness.publish(log_id, kind, device_id="v9", reason="kicked")
    assert received == ["ann"]
