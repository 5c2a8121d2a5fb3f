"""Other protocols' peers beside native peers: in one process, and behind the routes."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any

import msgspec
import pytest

from hongyan.delivery.hub import Hub
from hongyan.delivery.resyncs import Resyncs
from hongyan.domain.conversation.model import About
from hongyan.domain.group.model import CONVERSATION_CHANGED
from hongyan.domain.log.model import Committed, Signal
from hongyan.kernel.ids import UserId, direct_id

from .harness import Harness, LocalHarness, RealHarness, until
from .protocols import CarbonPeer, CountingPeer, NamingPeer, NativePeer, settle

ANN, BOB, CID = UserId("ann"), UserId("bob"), UserId("cid")


class Descriptions:
    """What conversations are."""

    def __init__(self) -> None:
        self.abouts: dict[str, About] = {}
        self.asked = 0

    async def describe(self, conversation_id: Any) -> About:
        self.asked += 1
        return self.abouts[conversation_id]


class Edge:
    """Hubs, each of which is told what concerns its peers; embedded there is one and no route."""

    def __init__(self, harness: Harness | None) -> None:
        self.harness = harness or Harness(AsyncExitStack(), "embedded")
        self.people = self.harness.people
        self.descriptions = Descriptions()
        self.hubs: list[Hub] = []
        self.publisher: Any = None
        self._is_routed = harness is not None

    async def start(self) -> None:
        for _ in range(2 if self._is_routed else 1):
            await self._add_hub()
        if self._is_routed:
            self.publisher = await self.harness.publisher()
            await self.harness.settle()

    async def _add_hub(self) -> None:
        resyncs = Resyncs(lambda _s, _call: None)
        if not self._is_routed:
            self.hubs.append(Hub(self.people, self.people, self.descriptions, resyncs))
            return
        node = await self.harness.make_node()
        hub = Hub(
            node.interests,
            node.interests,
            self.descriptions,
            resyncs,
            connected=node.subscriber.connected,
        )

        def routed(event: Committed | Signal) -> None:
            if isinstance(event, Committed):
                hub.committed(event)
            else:
                hub.signalled(event)

        await node.subscriber.start(routed, lambda: None)
        self.harness.stack.push_async_callback(node.subscriber.close)
        self.hubs.append(hub)

    async def attach(self, *peers: Any) -> None:
        """Attach peers, those of a user to different nodes."""
        for number, peer in enumerate(peers):
            await self.hubs[number % len(self.hubs)].attach(peer)

    def publish(self, event: Any) -> None:
        if self.publisher is not None:
            self.publisher.publish(event)
        elif isinstance(event, Committed):
            self.hubs[0].committed(event)
        else:
            self.hubs[0].signalled(event)

    async def routed(self, peer: Any, count: int) -> None:
        await until(lambda: len(peer.got) >= count, f"{count} for {peer.user_id}: {peer.got}")
        await settle()

    def direct(self, one: UserId, other: UserId) -> str:
        name = direct_id(one, other)
        self.people.rows[name] = {one, other}
        self.people.seqs.setdefault(name, 1)
        self.descriptions.abouts[name] = About(pair=(one, other))
        return name

    def group(self, name: str, *users: UserId) -> str:
        made = self.people.group(*users)
        self.descriptions.abouts[made] = About(name)
        return made

    def say(self, where: str, sender: UserId, origin: str = "", **more: Any) -> None:
        (entry,) = self.people.commit(where, **more).entries
        self.publish(Committed((msgspec.structs.replace(entry, sender=sender),), origin))  # type: ignore[arg-type]


WAYS = ["embedded", "local broadcast", "local registry", "real broadcast", "real registry"]


@pytest.fixture(params=WAYS)
async def edge(request: pytest.FixtureRequest) -> AsyncIterator[Edge]:
    NamingPeer.encodings = CarbonPeer.encodings = CountingPeer.encodings = 0
    CountingPeer.numbers.clear()
    kind, _, strategy = request.param.partition(" ")
    async with AsyncExitStack() as stack:
        harness: Harness | None = None
        if kind == "local":
            harness = LocalHarness(stack, strategy)
        elif kind == "real":
            engines = request.getfixturevalue("nats"), request.getfixturevalue("redis")
            harness = RealHarness(stack, strategy, *engines)
        made = Edge(harness)
        await made.start()
        yield made


async def test_a_protocol_names_the_recipient_whoever_of_the_two_it_serves(edge: Edge) -> None:
    direct = edge.direct(ANN, BOB)
    ann, bob, native = NamingPeer(ANN), NamingPeer(BOB), NativePeer(BOB, "2")
    await edge.attach(ann, bob, native)
    edge.say(direct, ANN)
    edge.say(direct, BOB)
    for peer in (ann, bob, native):
        await edge.routed(peer, 2)
    wanted = ["message from=ann to=bob", "message from=bob to=ann"]
    assert ann.got == bob.got == wanted
    assert [msgspec.json.decode(one)["data"]["sender"] for one in native.got] == [ANN, BOB]


async def test_a_protocol_names_the_group_as_it_is_called_then(edge: Edge) -> None:
    group = edge.group("Team", ANN, BOB, CID)
    ann, bob = NamingPeer(ANN), NativePeer(BOB)
    await edge.attach(ann, bob)
    edge.say(group, CID)
    edge.say(group, CID, kind=CONVERSATION_CHANGED, name="Crew")
    edge.say(group, CID)
    await edge.routed(ann, 3)
    await edge.routed(bob, 3)
    assert [one.rpartition("=")[2] for one in ann.got] == ["Team", "Crew", "Crew"]
    assert edge.descriptions.asked == 1


async def test_the_senders_other_devices_are_told_what_was_sent_and_to_whom(edge: Edge) -> None:
    direct, group = edge.direct(ANN, BOB), edge.group("Team", ANN, BOB)
    sending, other, third = CarbonPeer(ANN), CarbonPeer(ANN, "2"), NativePeer(ANN, "3")
    bob = CarbonPeer(BOB)
    await edge.attach(sending, other, third, bob)
    edge.say(direct, ANN, sending.connection_id)
    for peer in (other, third, bob):
        await edge.routed(peer, 1)
    edge.say(group, ANN, sending.connection_id)
    for peer in (other, third, bob):
        await edge.routed(peer, 2)
    assert other.got == ["sent to=bob", "sent to=Team"]
    assert bob.got == ["received from=ann"] * 2
    assert sending.got == []


async def test_a_protocol_may_differ_for_each_user_and_encodes_once_for_each(edge: Edge) -> None:
    group = edge.group("Team", ANN, BOB, CID)
    counting = [
        CountingPeer(user, device) for user in (ANN, BOB) for device in ("1", "2", "3", "4")
    ]
    natives = [NativePeer(CID, device) for device in ("1", "2")]
    hub = edge.hubs[0]
    for peer in (*counting, *natives):
        await hub.attach(peer)  # type: ignore[arg-type]
    edge.say(group, CID)
    edge.publish(Signal(group, "typing", CID, b"{}"))  # type: ignore[arg-type]
    edge.say(group, CID)
    for peer in counting:
        await edge.routed(peer, 2)
        assert peer.got == [f"{peer.user_id}#1", f"{peer.user_id}#2"]
    await edge.routed(natives[0], 3)
    assert CountingPeer.encodings == 2 * 3  # two users, three events
    assert natives[0].got == natives[1].got


async def test_a_signal_for_one_device_finds_it_on_whichever_node(edge: Edge) -> None:
    one, two = NativePeer(ANN, "1"), NativePeer(ANN, "2")
    carbon = CarbonPeer(ANN, "3")
    await edge.attach(one, two, carbon)
    for number, peer in enumerate((one, two, carbon)):
        offer = f"call.{number}"
        edge.publish(Signal(f"@{ANN}", offer, BOB, b"{}", devices=(peer.device_id,)))  # type: ignore[arg-type]
    edge.publish(Signal(f"@{ANN}", "last", BOB, b"{}"))  # type: ignore[arg-type]
    for peer in (one, two, carbon):
        await edge.routed(peer, 2)
    kinds = [[msgspec.json.decode(frame)["data"]["kind"] for frame in p.got] for p in (one, two)]
    assert kinds == [["call.0", "last"], ["call.1", "last"]]
    assert carbon.got == ["received from=bob"] * 2


async def test_a_protocol_that_fails_harms_nobody_in_its_conversation(edge: Edge) -> None:
    group = edge.group("", ANN, BOB, CID)  # a nameless group is none that this protocol can name
    failing, native, carbon = NamingPeer(ANN), NativePeer(BOB), CarbonPeer(CID)
    await edge.attach(failing, native, carbon)
    for _ in range(3):
        edge.say(group, CID)
    await edge.routed(native, 3)
    await until(lambda: failing.closed)
    assert (failing.asked, failing.got) == (1, [])
    assert (native.asked, native.closed) == (0, 0)
