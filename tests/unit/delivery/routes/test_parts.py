"""The parts of the routes that decide: what is missing, who belongs where, what is kept."""

import asyncio
from typing import Any

import msgspec
import pytest
from benchmarks.routing.interest import COPIES_MAX, InterestAddressing, exact, hashed

from hongyan.delivery.routes.batch import (
    EventBatch,
    Heartbeat,
    RoutedEvent,
    decode_message,
    encode_message,
    event_of,
    routed_events_of,
)
from hongyan.delivery.routes.interests import Interests
from hongyan.delivery.routes.loss_detection import SILENCE_HEARTBEATS, LossDetector
from hongyan.delivery.routes.ports import RegistryChanges
from hongyan.delivery.routes.publisher import BATCH_BYTES_MAX, BATCH_ITEMS_MAX, packed
from hongyan.delivery.routes.registry import ConversationNodes
from hongyan.delivery.routes.subscriptions import Subscriptions
from hongyan.domain.group.model import MEMBERS_JOINED, MEMBERS_LEFT, MEMBERSHIP_JOINED
from hongyan.domain.log.model import Committed, Entry, Signal


class Clock:
    def __init__(self):
        self.now_s = 100.0

    def __call__(self):
        return self.now_s


def routed(log_id: Any = "g1", seq=1, body=b"{}", **more: Any) -> Any:
    return RoutedEvent(log_id, seq, more.pop("kind", "message"), "ann", body, "", **more)


def batch(number, publisher="t"):
    return EventBatch(publisher, number, ())


@pytest.fixture
def clock():
    return Clock()


# --- counting ---


def test_the_first_number_of_a_publisher_is_where_counting_begins(clock):
    publishers = LossDetector(clock, 1.0)
    assert publishers.received("s", batch(7)) == (True, False)
    assert publishers.received("s", batch(8)) == (True, False)
    assert publishers.received("s", batch(8)) == (False, False)
    assert publishers.received("s", batch(3)) == (False, False)
    assert publishers.received("s", batch(10)) == (True, True)
    assert publishers.received("other", batch(1)) == (True, False)
    assert publishers.received("s", batch(1, "other teller")) == (True, False)


def test_batches_without_number_are_not_counted(clock):
    publishers = LossDetector(clock, 1.0)
    assert publishers.received("s", batch(0)) == publishers.received("s", batch(0)) == (True, False)


def test_a_heartbeat_tells_of_a_lost_end(clock):
    publishers = LossDetector(clock, 1.0)
    publishers.received("s", batch(1))
    assert not publishers.heartbeat(Heartbeat("t", {"s": 1}, 0), {"s"})
    assert not publishers.heartbeat(Heartbeat("t", {"elsewhere": 9}, 0), {"s"})
    assert publishers.heartbeat(Heartbeat("t", {"s": 3}, 0), {"s"})
    assert not publishers.heartbeat(Heartbeat("t", {"s": 3}, 0), {"s"})
    assert publishers.received("s", batch(4)) == (True, False)


def test_what_did_not_fit_at_the_publisher_is_missing(clock):
    publishers = LossDetector(clock, 1.0)
    assert not publishers.heartbeat(Heartbeat("t", {}, 0), set())
    assert publishers.heartbeat(Heartbeat("t", {}, 2), set())
    assert not publishers.heartbeat(Heartbeat("t", {}, 2), set())


def test_a_publisher_that_falls_silent_has_died_but_not_one_that_took_leave(clock):
    publishers = LossDetector(clock, 1.0)
    publishers.heartbeat(Heartbeat("a", {}, 0), set())
    publishers.heartbeat(Heartbeat("b", {}, 0), set())
    publishers.heartbeat(Heartbeat("b", {}, 0, is_last=True), set())
    clock.now_s += SILENCE_HEARTBEATS
    assert not publishers.silent()
    clock.now_s += 0.1
    assert publishers.silent()
    assert not publishers.silent()


def test_silence_does_not_count_while_we_could_not_hear(clock):
    publishers = LossDetector(clock, 1.0)
    publishers.heartbeat(Heartbeat("a", {}, 0), set())
    clock.now_s += 100
    publishers.excuse()
    assert not publishers.silent()
    clock.now_s += SILENCE_HEARTBEATS + 0.1
    assert publishers.silent()


def test_a_subject_that_was_not_listened_to_misses_nothing(clock):
    publishers = LossDetector(clock, 1.0)
    publishers.received("s", batch(1))
    publishers.forget("s")
    assert publishers.received("s", batch(5)) == (True, False)


# --- batches ---


def test_events_survive_the_way():
    entry = Entry("g1", 2, 1, "message", "ann", "c", 5, msgspec.Raw(b'{"a":"\\u9e3f"}'))
    mine = Entry("@ann", 7, 0, "read", "ann", "", 5, msgspec.Raw(b"{}"))
    for event in (
        Committed((entry,), "c1"),
        Signal("g1", "typing", "ann", b'{"x":1}', "c2"),
    ):
        (one,) = routed_events_of(event)
        message = decode_message(encode_message(EventBatch("t", 1, (one,))))
        assert [event_of(each) for each in message.items] == [event]
    assert [each.log_id for each in routed_events_of(Committed((entry, mine), "c1"))] == [
        "g1",
        "@ann",
    ]


def test_a_first_entry_names_those_who_are_told_of_it_in_their_own_log():
    def entry(log_id, seq, kind="message", body=b"{}"):
        return Entry(log_id, seq, 0, kind, "ann", "", 1, msgspec.Raw(body))

    def joined(who, group, seq):
        body = {"conversation_id": group, "kind": "direct", "how": "opened"}
        return entry(f"@{who}", seq, MEMBERSHIP_JOINED, msgspec.json.encode(body))

    one = (entry("d1", 1), joined("ann", "d1", 1), joined("bob", "d1", 9))
    other = (entry("d2", 1), joined("cid", "d2", 4), entry("d1", 2))
    moved = [
        (one.log_id, one.seq, one.moved) for one in routed_events_of(Committed((*one, *other), ""))
    ]
    assert moved == [
        ("d1", 1, ("ann", "bob")),
        ("@ann", 1, ()),
        ("@bob", 9, ()),
        ("d2", 1, ("cid",)),
        ("@cid", 4, ()),
        ("d1", 2, ()),
    ]


def test_joins_and_leaves_name_who_moved():
    body = msgspec.Raw(msgspec.json.encode({"user_ids": ["bob", "cid"]}))
    for kind in (MEMBERS_JOINED, MEMBERS_LEFT):
        (one,) = routed_events_of(Committed((Entry("g1", 2, 1, kind, "ann", "", 5, body),), ""))
        assert one.moved == ("bob", "cid")
        assert one.is_leave == (kind == MEMBERS_LEFT)


def test_batches_are_bounded():
    small = [routed(seq=i) for i in range(1, 3 * BATCH_ITEMS_MAX + 2)]
    assert [len(part) for part in packed(small)] == [BATCH_ITEMS_MAX] * 3 + [1]
    large = [routed(seq=i, body=b"x" * (BATCH_BYTES_MAX // 2)) for i in (1, 2, 3)]
    assert [len(part) for part in packed(large)] == [1, 1, 1]
    huge = [routed(body=b"x" * (BATCH_BYTES_MAX * 3))]
    assert packed(huge) == (huge,)
    for items in (small, large, huge):
        assert [each for part in packed(items) for each in part] == items


# --- interests ---


async def test_interests_are_an_index_in_both_directions():
    here = Interests()
    for user in ("ann", "bob", "cid"):
        here.open(user)
    here.enter("ann", ("g1", "g2"))
    here.enter("bob", ("g1",))
    here.enter("cid", ("g1", "g1"))
    assert set(await here.members("g1")) == {"ann", "bob", "cid"}
    assert list(await here.members("g2")) == ["ann"]
    assert set(await here.conversations("ann")) == {"g1", "g2"}
    assert not here.leave("bob", "g1")
    assert not here.leave("bob", "g1")
    assert here.close("ann") == ["g2"]
    assert list(await here.members("g1")) == ["cid"]
    assert here.leave("cid", "g1")
    assert not here.is_followed("g1")
    assert here.users() == ["bob", "cid"]
    assert await here.members("g1") == await here.members("nowhere") == ()


# --- addressing ---


async def test_joins_go_to_the_users_too_and_many_to_all():
    addressing = InterestAddressing(exact)
    one = routed("g1", kind=MEMBERS_JOINED, moved=("ann", "b.b"))
    addressed = await addressing.address([routed("g1", 3), one])
    assert [each.seq for each in addressed["log.g1"]] == [3, 1]
    assert set(addressed) == {"log.g1", "log.=ann", "log.=b==b"}
    assert all(each.is_copy for each in addressed["log.=ann"])
    many = routed("g1", kind=MEMBERS_JOINED, moved=tuple(f"u{i}" for i in range(COPIES_MAX + 1)))
    assert set(await addressing.address([many])) == {"log.g1", "facts"}


async def test_in_one_bucket_a_join_goes_once():
    one = routed("g1", kind=MEMBERS_JOINED, moved=("ann",))
    addressed = await InterestAddressing(hashed(1)).address([one])
    assert addressed == {"bucket.0": [one]}


# --- listening ---


class FakeTransport:
    def __init__(self):
        self.subjects = set()

    async def listen(self, subjects):
        self.subjects |= set(subjects)

    def unlisten(self, subjects):
        self.subjects -= set(subjects)


async def test_a_subject_is_kept_for_a_while_after_nobody_needs_it(clock):
    transport, ended = FakeTransport(), []
    listening = Subscriptions(transport, clock, linger_s=10)  # type: ignore[arg-type]
    listening.on_end = ended.append
    await listening.acquire(("a", "a", "b"))
    listening.release(("a", "b"))
    clock.now_s += 9
    listening.sweep()
    assert transport.subjects == {"a", "b"}
    await listening.acquire(("b",))
    listening.release(("a",))
    clock.now_s += 9
    listening.sweep()
    assert transport.subjects == {"a", "b"}
    clock.now_s += 2
    listening.sweep()
    assert (transport.subjects, ended) == ({"b"}, ["a"])


async def test_who_needs_what_another_begins_to_listen_to_waits_too(clock):
    transport, gate = FakeTransport(), asyncio.Event()
    begin = transport.listen

    async def listen(subjects):
        await begin(subjects)
        await gate.wait()

    transport.listen = listen
    listening = Subscriptions(transport, clock)  # type: ignore[arg-type]
    one = asyncio.create_task(listening.acquire(("a", "b")))
    await asyncio.sleep(0)
    two = asyncio.create_task(listening.acquire(("b",)))
    for _ in range(10):
        await asyncio.sleep(0)
    assert (one.done(), two.done()) == (False, False)
    gate.set()
    await asyncio.gather(one, two)
    await listening.acquire(("a",))
    assert listening.subjects == {"a": 2, "b": 2}


# --- connection registry ---


def moves(**more: Any) -> RegistryChanges:
    return RegistryChanges("p", True, 100.0, **more)


def test_known_connections_follow_the_registry():
    kept = ConversationNodes()
    kept.keep("g1", ("ann", "bob"), {"n1"})
    kept.keep("g2", ("bob",), {"n1"})
    kept.apply(moves(connected=[("bob", "n2"), ("eve", "n3")]))
    assert (kept.get("g1"), kept.get("g2")) == ({"n1", "n2"}, {"n1", "n2"})
    kept.apply(moves(gone_nodes=["n1"]))
    assert kept.get("g1") == {"n2"}
    kept.apply(moves(stale_users=["ann"]))
    assert (kept.get("g1"), kept.get("g2")) == (None, {"n2"})
    kept.apply(moves(stale_logs=["g2"]))
    assert len(kept) == 0


def test_known_connections_are_bounded_by_members():
    kept = ConversationNodes(members_max=30)
    for number in range(10):
        kept.keep(f"g{number}", ("ann", "bob", f"u{number}"), {"n1"})  # type: ignore[arg-type]
        kept.get("g0")  # used all the time
    assert kept.get("g0") == {"n1"}
    assert len(kept) == 7
    assert kept.get("g1") is None
    for number in range(10):
        kept.forget(f"g{number}")  # type: ignore[arg-type]
    assert (len(kept), kept._members, kept._logs_of) == (0, 0, {})


async def test_a_broken_route_message_is_refused():
    await asyncio.sleep(0)
    for payload in (b"", b"\xff\xff", msgspec.msgpack.encode([9, 1]), b'{"a":1}'):
        with pytest.raises(msgspec.MsgspecError):
            decode_message(payload)
