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
    """Encodes a fact as ``kind#seq``, and counts."""

    def __init__(self, deaf_to=""):
        self.encoded = 0
        self.deaf_to = deaf_to

    def encode(self, fact, position=0):
        self.encoded += 1
        if fact.kind == self.deaf_to:
            return None
        return f"{fact.kind}#{getattr(fact, 'seq', 0)}".encode()


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


class World:
    def __init__(self, **members):
        self.members = {ROOM: {"ann", "bob"}} | members
        self.audience = FakeAudience(self.members)
        self.heard = []
        self.due = []
        resyncs = Resyncs(lambda _, call: self.due.append(call))
        audience = self.audience
        self.hub = Hub(
            audience,
            audience,
            audience,
            resyncs,
            lambda user_id: self.heard.append(f"~{user_id}"),
            lambda user_id: self.heard.append(f"-{user_id}"),
        )
        self.seqs = {}

    async def attach(self, *args, peer_type=FakePeer, **kwargs):
        peer = peer_type(*args, **kwargs)
        await self.hub.attach(peer)
        return peer

    def tell(self, log_id=ROOM, kind="message", origin="", **body):
        seq = self.seqs[log_id] = self.seqs.get(log_id, 0) + 1
        raw = msgspec.Raw(msgspec.json.encode(body))
        entry = Entry(log_id, seq, seq, kind, "ann", "", 1, raw)
        self.hub.committed(Committed((entry,), origin))

    async def idle(self):
        await asyncio.gather(*self.hub._tasks)


@pytest.fixture
async def world():
    return World()


async def test_members_who_are_here_get_what_is_told_in_order(world):
    ann, bob, eve = [await world.attach(user_id) for user_id in ("ann", "bob", "eve")]
    for _ in range(3):
        world.tell()
    assert ann.got == []  # while the room is gathered the facts wait
    await world.idle()
    world.tell()
    world.hub.signalled(Signal(ROOM, "typing", "ann", b"{}"))
    assert ann.got == bob.got == [*(f"message#{i}" for i in range(1, 5)), "typing#0"]
    assert eve.got == []
    assert world.audience.asked == [ROOM]


async def test_a_users_log_reaches_all_devices_of_that_user(world):
    one, two, bob = [
        await world.attach(u, d) for u, d in (("ann", "a1"), ("ann", "a2"), ("bob", "b1"))
    ]
    world.tell("@ann", "conversation.read")
    assert (one.got, two.got, bob.got) == (["conversation.read#1"], ["conversation.read#1"], [])
    assert world.audience.asked == []


async def test_the_connection_that_asked_is_left_out(world):
    one = await world.attach("ann", "a1", connection_id="k1")
    two = await world.attach("ann", "a2", connection_id="k2")
    world.tell(origin="k1")
    world.tell("@ann", origin="k2")
    await world.idle()
    assert (one.got, two.got) == (["message#1"], ["message#1"])


async def test_the_devices_next_connection_hears_what_the_lost_one_asked_for(world):
    lost = await world.attach("ann", "a1", connection_id="k1")
    world.hub.detach(lost)
    again = await world.attach("ann", "a1", connection_id="k2")
    world.tell(origin="k1")
    world.tell("@ann", origin="k1")
    await world.idle()
    assert (lost.got, again.got) == ([], ["message#1", "message#1"])


async def test_who_only_listens_hears_what_nobody_connected_asked_for(world):
    listener = await world.attach("ann", "a1")
    world.tell("@ann", origin="")
    assert listener.got == ["message#1"]


async def test_a_fact_is_encoded_once_for_all_who_share_an_encoder(world):
    json, msgpack = FakeEncoder(), FakeEncoder()
    world.members[ROOM] |= {f"u{i}" for i in range(20)}
    for i in range(20):
        await world.attach(f"u{i}", encoder=(json, msgpack)[i % 2])
    world.tell()
    await world.idle()
    world.tell()
    assert (json.encoded, msgpack.encoded) == (2, 2)


async def test_what_a_protocol_has_no_word_for_is_left_out(world):
    ann = await world.attach("ann", encoder=FakeEncoder(deaf_to="poll.voted"))
    world.tell(kind="poll.voted")
    world.tell()
    await world.idle()
    assert ann.got == ["message#2"]


async def test_a_second_connection_of_a_device_replaces_the_first(world):
    old = await world.attach("ann", "a1")
    world.tell()
    await world.idle()
    new = await world.attach("ann", "a1")
    world.tell()
    world.hub.detach(old)
    world.tell()
    assert old.kicked == ["replaced"]
    assert (old.got, new.got) == (["message#1"], ["message#2", "message#3"])
    assert world.heard == ["~ann"]
    assert world.hub.peers() == [new]


async def test_every_change_of_devices_is_told_and_that_the_last_has_gone(world):
    one, two = await world.attach("ann", "a1"), await world.attach("ann", "a2")
    assert set(world.hub.devices("ann")) == {"a1", "a2"}
    world.hub.detach(one)
    assert world.hub.is_online("ann")
    world.hub.detach(two)
    world.hub.detach(two)
    assert not world.hub.is_online("ann")
    assert not world.hub.devices("ann")
    assert world.heard == ["~ann", "~ann", "~ann", "-ann", "~ann"]


async def test_who_is_detached_gets_nothing_more(world):
    ann, bob = await world.attach("ann"), await world.attach("bob")
    world.tell()
    await world.idle()
    world.hub.detach(ann)
    world.tell()
    assert (ann.got, bob.got) == (["message#1"], ["message#1", "message#2"])


async def test_a_removed_device_is_told_and_kicked(world):
    one, two = await world.attach("ann", "a1"), await world.attach("ann", "a2")
    world.tell("@ann", DEVICE_REMOVED, device_id="a1", reason="kicked")
    assert (one.kicked, two.kicked) == (["kicked"], [])
    assert one.got == two.got == [f"{DEVICE_REMOVED}#1"]


async def test_who_joins_gets_the_entry_and_who_leaves_too(world):
    ann, eve = await world.attach("ann"), await world.attach("eve")
    world.tell()
    await world.idle()
    world.tell(kind=MEMBERS_JOINED, user_ids=["eve", "zoe"])
    world.tell()
    world.tell(kind=MEMBERS_LEFT, user_ids=["eve"])
    world.tell()
    assert eve.got == ["members.joined#2", "message#3", "members.left#4"]
    assert [frame[-1] for frame in ann.got] == list("12345")


async def test_joins_and_leaves_while_the_room_is_gathered(world):
    ann, bob, eve = [await world.attach(user_id) for user_id in ("ann", "bob", "eve")]
    world.audience.gate.clear()
    world.tell()
    world.tell(kind=MEMBERS_JOINED, user_ids=["eve"])
    world.tell(kind=MEMBERS_LEFT, user_ids=["bob"])
    world.tell()
    world.audience.gate.set()
    await world.idle()
    assert [frame[-1] for frame in ann.got] == list("1234")
    assert [frame[-1] for frame in bob.got] == list("123")
    assert [frame[-1] for frame in eve.got] == list("234")


async def test_who_attaches_to_a_known_room_gets_what_comes_after(world):
    await world.attach("ann")
    world.tell()
    await world.idle()
    bob = await world.attach("bob")
    world.tell()
    assert bob.got == ["message#2"]
    assert world.audience.asked == [ROOM]


async def test_who_joins_while_attaching_gets_what_comes_after(world):
    await world.attach("ann")
    world.tell()
    await world.idle()
    world.audience.gate.clear()
    eve = FakePeer("eve")
    attaching = asyncio.create_task(world.hub.attach(eve))
    await asyncio.sleep(0)
    world.tell(kind=MEMBERS_JOINED, user_ids=["eve"])
    world.audience.gate.set()
    await attaching
    world.tell()
    assert eve.got == ["members.joined#2", "message#3"]


async def test_who_leaves_while_attaching_does_not_get_back_in(world):
    await world.attach("ann")
    world.tell()
    await world.idle()
    world.audience.gate.clear()
    bob = FakePeer("bob")
    attaching = asyncio.create_task(world.hub.attach(bob))
    await asyncio.sleep(0)
    world.tell(kind=MEMBERS_LEFT, user_ids=["bob"])
    world.audience.gate.set()
    await attaching
    world.tell()
    assert "message#3" not in bob.got


async def test_who_goes_while_attaching_is_in_no_room(world):
    await world.attach("ann")
    world.tell()
    await world.idle()
    world.audience.gate.clear()
    bob = FakePeer("bob")
    attaching = asyncio.create_task(world.hub.attach(bob))
    await asyncio.sleep(0)
    world.hub.detach(bob)
    world.audience.gate.set()
    await attaching
    world.tell()
    assert bob.got == []
    assert world.heard == ["~ann", "~bob", "-bob", "~bob"]


async def test_the_least_used_room_is_gathered_anew(world, monkeypatch):
    monkeypatch.setattr(hub_module, "ROOMS_KEPT", 2)
    third = "g" + "c" * 16
    world.members |= {OTHER: {"ann"}, third: {"ann"}}
    ann = await world.attach("ann")
    for where in (ROOM, OTHER, ROOM, third, ROOM, OTHER):
        world.tell(where)
        await world.idle()
    assert world.audience.asked == [ROOM, OTHER, third, OTHER]
    assert len(ann.got) == 6


async def test_a_room_that_cannot_be_gathered_is_tried_again(world):
    ann = await world.attach("ann")
    world.audience.fails = True
    world.tell()
    await world.idle()
    world.audience.fails = False
    world.tell()
    await world.idle()
    assert ann.got == ["message#2"]  # the gap in the seqs makes the device sync


async def test_nothing_is_gathered_when_nobody_is_here(world):
    world.tell()
    assert world.audience.asked == []
    assert not world.hub._rooms


async def test_what_waits_for_a_room_is_bounded(world, monkeypatch):
    monkeypatch.setattr(hub_module, "PENDING_MAX", 3)
    ann = await world.attach("ann")
    for _ in range(5):
        world.tell()
    await world.idle()
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


async def test_a_peer_counts_as_attached_when_its_facts_find_the_way_here(world):
    arrivals, gate = [], asyncio.Event()

    async def came(user_id):
        arrivals.append(user_id)
        await gate.wait()

    audience = world.audience
    world.hub = Hub(audience, audience, audience, Resyncs(None), came=came)
    attaching = asyncio.create_task(world.attach("ann"))
    await asyncio.sleep(0)
    assert (arrivals, attaching.done()) == (["ann"], False)
    gate.set()
    ann = await attaching
    world.tell("@ann")
    assert ann.got == ["message#1"]


async def test_rooms_that_are_forgotten_are_gathered_anew(world):
    ann, bob = await world.attach("ann"), await world.attach("bob")
    world.tell()
    await world.idle()
    world.members[ROOM] = {"ann"}  # bob's leave was missed
    world.hub.forget_rooms()
    world.tell()
    await world.idle()
    assert (ann.got, bob.got) == (["message#1", "message#2"], ["message#1"])


async def test_facts_are_counted_also_those_that_concern_nobody_here(world):
    await world.attach("ann")
    world.tell()
    world.tell("@nobody")
    world.hub.signalled(Signal(ROOM, "typing", "ann", b"{}"))
    assert world.hub.facts == 3


@pytest.mark.parametrize("kind", ["user.changed", "device.removed"])
async def test_what_changes_rights_is_told_of_who_is_here(world, kind):
    heard = []
    world.hub.on_rights = heard.append
    await world.attach("ann")
    world.tell("@ann", "device.changed")
    assert heard == []
    for log_id in ("@ann", "@bob"):
        world.tell(log_id, kind, device_id="v9", reason="kicked")
    assert heard == ["ann"]
