"""The parts of the routes that decide: what is missing, who belongs where, what is kept."""

import asyncio
from typing import Any

import msgspec
import pytest
from benchmarks.routing.interest import COPIES_MAX, InterestAddressing, exact, hashed

from hongyan.delivery.routes.counting import SILENCE_BEATS, Tellers
from hongyan.delivery.routes.interests import Interests
from hongyan.delivery.routes.listening import Listening
from hongyan.delivery.routes.parcel import (
    Beat,
    Parcel,
    Told,
    decode_letter,
    encode_letter,
    fact_of,
    told_of,
)
from hongyan.delivery.routes.ports import Moves
from hongyan.delivery.routes.registry import Whereabouts
from hongyan.delivery.routes.teller import PARCEL_BYTES_MAX, PARCEL_ITEMS_MAX, packed
from hongyan.domain.group.model import MEMBERS_JOINED, MEMBERS_LEFT, MEMBERSHIP_JOINED
from hongyan.domain.log.model import Committed, Entry, Signal


class Clock:
    def __init__(self):
        self.now_s = 100.0

    def __call__(self):
        return self.now_s


def told(log_id: Any = "g1", seq=1, body=b"{}", **more: Any) -> Any:
    return Told(log_id, seq, more.pop("kind", "message"), "ann", body, "", **more)


def parcel(number, teller="t"):
    return Parcel(teller, number, ())


@pytest.fixture
def clock():
    return Clock()


# --- counting ---


def test_the_first_number_of_a_teller_is_where_counting_begins(clock):
    tellers = Tellers(clock, 1.0)
    assert tellers.took("s", parcel(7)) == (True, False)
    assert tellers.took("s", parcel(8)) == (True, False)
    assert tellers.took("s", parcel(8)) == (False, False)
    assert tellers.took("s", parcel(3)) == (False, False)
    assert tellers.took("s", parcel(10)) == (True, True)
    assert tellers.took("other", parcel(1)) == (True, False)
    assert tellers.took("s", parcel(1, "other teller")) == (True, False)


def test_parcels_without_number_are_not_counted(clock):
    tellers = Tellers(clock, 1.0)
    assert tellers.took("s", parcel(0)) == tellers.took("s", parcel(0)) == (True, False)


def test_a_beat_tells_of_a_lost_end(clock):
    tellers = Tellers(clock, 1.0)
    tellers.took("s", parcel(1))
    assert not tellers.beaten(Beat("t", {"s": 1}, 0), {"s"})
    assert not tellers.beaten(Beat("t", {"elsewhere": 9}, 0), {"s"})
    assert tellers.beaten(Beat("t", {"s": 3}, 0), {"s"})
    assert not tellers.beaten(Beat("t", {"s": 3}, 0), {"s"})
    assert tellers.took("s", parcel(4)) == (True, False)


def test_what_did_not_fit_at_the_teller_is_missing(clock):
    tellers = Tellers(clock, 1.0)
    assert not tellers.beaten(Beat("t", {}, 0), set())
    assert tellers.beaten(Beat("t", {}, 2), set())
    assert not tellers.beaten(Beat("t", {}, 2), set())


def test_a_teller_that_falls_silent_has_died_but_not_one_that_took_leave(clock):
    tellers = Tellers(clock, 1.0)
    tellers.beaten(Beat("a", {}, 0), set())
    tellers.beaten(Beat("b", {}, 0), set())
    tellers.beaten(Beat("b", {}, 0, is_last=True), set())
    clock.now_s += SILENCE_BEATS
    assert not tellers.silent()
    clock.now_s += 0.1
    assert tellers.silent()
    assert not tellers.silent()


def test_silence_does_not_count_while_we_could_not_hear(clock):
    tellers = Tellers(clock, 1.0)
    tellers.beaten(Beat("a", {}, 0), set())
    clock.now_s += 100
    tellers.excuse()
    assert not tellers.silent()
    clock.now_s += SILENCE_BEATS + 0.1
    assert tellers.silent()


def test_a_subject_that_was_not_listened_to_misses_nothing(clock):
    tellers = Tellers(clock, 1.0)
    tellers.took("s", parcel(1))
    tellers.forget("s")
    assert tellers.took("s", parcel(5)) == (True, False)


# --- parcels ---


def test_facts_survive_the_way():
    entry = Entry("g1", 2, 1, "message", "ann", "c", 5, msgspec.Raw(b'{"a":"\\u9e3f"}'))
    mine = Entry("@ann", 7, 0, "read", "ann", "", 5, msgspec.Raw(b"{}"))
    for fact in (
        Committed((entry,), "c1"),
        Signal("g1", "typing", "ann", b'{"x":1}', "c2"),
    ):
        (one,) = told_of(fact)
        letter = decode_letter(encode_letter(Parcel("t", 1, (one,))))
        assert [fact_of(each) for each in letter.items] == [fact]
    assert [each.log_id for each in told_of(Committed((entry, mine), "c1"))] == ["g1", "@ann"]


def test_a_first_entry_names_those_who_are_told_of_it_in_their_own_log():
    def entry(log_id, seq, kind="message", body=b"{}"):
        return Entry(log_id, seq, 0, kind, "ann", "", 1, msgspec.Raw(body))

    def joined(who, group, seq):
        body = {"conversation_id": group, "kind": "direct", "how": "opened"}
        return entry(f"@{who}", seq, MEMBERSHIP_JOINED, msgspec.json.encode(body))

    one = (entry("d1", 1), joined("ann", "d1", 1), joined("bob", "d1", 9))
    other = (entry("d2", 1), joined("cid", "d2", 4), entry("d1", 2))
    moved = [(one.log_id, one.seq, one.moved) for one in told_of(Committed((*one, *other), ""))]
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
        (one,) = told_of(Committed((Entry("g1", 2, 1, kind, "ann", "", 5, body),), ""))
        assert one.moved == ("bob", "cid")
        assert one.is_leave == (kind == MEMBERS_LEFT)


def test_parcels_are_of_bearable_size():
    small = [told(seq=i) for i in range(1, 3 * PARCEL_ITEMS_MAX + 2)]
    assert [len(part) for part in packed(small)] == [PARCEL_ITEMS_MAX] * 3 + [1]
    large = [told(seq=i, body=b"x" * (PARCEL_BYTES_MAX // 2)) for i in (1, 2, 3)]
    assert [len(part) for part in packed(large)] == [1, 1, 1]
    huge = [told(body=b"x" * (PARCEL_BYTES_MAX * 3))]
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
    one = told("g1", kind=MEMBERS_JOINED, moved=("ann", "b.b"))
    addressed = await addressing.address([told("g1", 3), one])
    assert [each.seq for each in addressed["log.g1"]] == [3, 1]
    assert set(addressed) == {"log.g1", "log.=ann", "log.=b==b"}
    assert all(each.is_copy for each in addressed["log.=ann"])
    many = told("g1", kind=MEMBERS_JOINED, moved=tuple(f"u{i}" for i in range(COPIES_MAX + 1)))
    assert set(await addressing.address([many])) == {"log.g1", "facts"}


async def test_in_one_bucket_a_join_goes_once():
    one = told("g1", kind=MEMBERS_JOINED, moved=("ann",))
    addressed = await InterestAddressing(hashed(1)).address([one])
    assert addressed == {"bucket.0": [one]}


# --- listening ---


class FakeCarrier:
    def __init__(self):
        self.subjects = set()

    async def listen(self, subjects):
        self.subjects |= set(subjects)

    def unlisten(self, subjects):
        self.subjects -= set(subjects)


async def test_a_subject_is_kept_for_a_while_after_nobody_needs_it(clock):
    carrier, ended = FakeCarrier(), []
    listening = Listening(carrier, clock, linger_s=10)  # type: ignore[arg-type]
    listening.on_end = ended.append
    await listening.hold(("a", "a", "b"))
    listening.release(("a", "b"))
    clock.now_s += 9
    listening.sweep()
    assert carrier.subjects == {"a", "b"}
    await listening.hold(("b",))
    listening.release(("a",))
    clock.now_s += 9
    listening.sweep()
    assert carrier.subjects == {"a", "b"}
    clock.now_s += 2
    listening.sweep()
    assert (carrier.subjects, ended) == ({"b"}, ["a"])


async def test_who_needs_what_another_begins_to_listen_to_waits_too(clock):
    carrier, gate = FakeCarrier(), asyncio.Event()
    begin = carrier.listen

    async def listen(subjects):
        await begin(subjects)
        await gate.wait()

    carrier.listen = listen
    listening = Listening(carrier, clock)  # type: ignore[arg-type]
    one = asyncio.create_task(listening.hold(("a", "b")))
    await asyncio.sleep(0)
    two = asyncio.create_task(listening.hold(("b",)))
    for _ in range(10):
        await asyncio.sleep(0)
    assert (one.done(), two.done()) == (False, False)
    gate.set()
    await asyncio.gather(one, two)
    await listening.hold(("a",))
    assert listening.subjects == {"a": 2, "b": 2}


# --- whereabouts ---


def moves(**more: Any) -> Moves:
    return Moves("p", True, 100.0, **more)


def test_whereabouts_follow_the_registry():
    kept = Whereabouts()
    kept.keep("g1", ("ann", "bob"), {"n1"})
    kept.keep("g2", ("bob",), {"n1"})
    kept.apply(moves(came=[("bob", "n2"), ("eve", "n3")]))
    assert (kept.get("g1"), kept.get("g2")) == ({"n1", "n2"}, {"n1", "n2"})
    kept.apply(moves(gone_nodes=["n1"]))
    assert kept.get("g1") == {"n2"}
    kept.apply(moves(stale_users=["ann"]))
    assert (kept.get("g1"), kept.get("g2")) == (None, {"n2"})
    kept.apply(moves(stale_logs=["g2"]))
    assert len(kept) == 0


def test_whereabouts_are_bounded_by_members():
    kept = Whereabouts(members_max=30)
    for number in range(10):
        kept.keep(f"g{number}", ("ann", "bob", f"u{number}"), {"n1"})  # type: ignore[arg-type]
        kept.get("g0")  # used all the time
    assert kept.get("g0") == {"n1"}
    assert len(kept) == 7
    assert kept.get("g1") is None
    for number in range(10):
        kept.forget(f"g{number}")  # type: ignore[arg-type]
    assert (len(kept), kept._members, kept._logs_of) == (0, 0, {})


async def test_a_broken_letter_is_no_letter():
    await asyncio.sleep(0)
    for payload in (b"", b"\xff\xff", msgspec.msgpack.encode([9, 1]), b'{"a":1}'):
        with pytest.raises(msgspec.MsgspecError):
            decode_letter(payload)
