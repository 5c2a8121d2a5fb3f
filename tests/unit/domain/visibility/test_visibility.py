"""The reader of who sees what, over the stores: versions of then, and few reads."""

import msgspec
import pytest
from tests.unit.domain.counting import Counting

from hongyan.domain.group.model import Group, Member
from hongyan.domain.log.model import Append, Commit, Put
from hongyan.domain.message.model import MessageBody, Text, decode_body
from hongyan.domain.message.rows import Revision
from hongyan.domain.message.versions import visibility_of
from hongyan.domain.visibility.commands import FirstSeen, GetFirstSeen
from hongyan.domain.visibility.model import HiddenMessage, Preference
from hongyan.kernel.bus import ANONYMOUS
from hongyan.kernel.ids import Kind

ROOM = "g" + "a" * 16


async def put(store, *rows):
    await store.commit(Commit(changes=tuple(Put(row) for row in rows)))


async def say(store, where, body=None):
    raw = msgspec.json.encode(body or MessageBody(Text("now")))
    append = Append(where, "message", "olga", raw, 1, countable=True)
    return (await store.commit(Commit((append,))))[0]


def place(who, where=ROOM, **fields):
    return Member(conversation_id=where, user_id=who, **fields)


def text_of(entry):
    content = decode_body(entry).content
    return None if content is None else content.text


@pytest.mark.parametrize(
    ("left_at", "text", "version"),
    [(1, "first", 1), (4, "first", 1), (5, "second", 2), (7, "second", 2), (8, "now", 3)],
)
async def test_who_has_left_gets_the_version_of_then(store, left_at, text, version):
    body = MessageBody(Text("now"), version=3, edited_at_ms=80)
    entry = await say(store, ROOM, body)
    kept = {"conversation_id": ROOM, "seq": 1}
    await put(
        store,
        place("ann", active=False, visible_until=left_at),
        Revision(**kept, version=1, content=Text("first"), since_ms=1, ended_seq=5),
        Revision(**kept, version=2, content=Text("second"), since_ms=50, ended_seq=8),
    )
    (seen,) = await visibility_of(store).visible("ann", [entry])
    then = decode_body(seen)
    assert (text_of(seen), then.version) == (text, version)
    assert then.edited_at_ms == {1: 0, 2: 50, 3: 80}[version]


async def test_a_version_that_is_not_kept_is_not_shown(store):
    entry = await say(store, ROOM, MessageBody(Text("now"), version=2))
    await put(store, place("ann", active=False, visible_until=1))
    (seen,) = await visibility_of(store).visible("ann", [entry])
    assert text_of(seen) is None
    assert text_of(entry) == "now"


async def test_of_users_logs_one_sees_ones_own(store):
    mine, other = await say(store, "@ann"), await say(store, "@bob")
    assert await visibility_of(store).visible("ann", [other, mine]) == [mine]
    assert await visibility_of(store).sees("ann", [("@bob", 1), ("@ann", 1)])
    assert not await visibility_of(store).sees("ann", [("@bob", 1)])


async def test_the_reads_do_not_grow(store):
    rooms = [f"g{n:016}" for n in range(30)]
    await put(store, *(place("ann", room) for room in rooms))
    entries = [await say(store, room) for room in rooms]
    asked = []
    for some in (entries[:2], entries):
        counting = Counting(store)
        assert await visibility_of(counting).visible("ann", some) == some
        asked.append(counting.asked.total())
    assert asked == [4, 4]
    counting = Counting(store)
    assert len(await visibility_of(counting).visible("ann", entries, even_cleared=True)) == 30
    assert counting.asked == {"get_many": 1}
    assert await visibility_of(counting).viewers(entries[0], ["ann", "bob"]) == {"ann"}
    assert counting.asked == {"get_many": 2}


async def test_what_is_put_away_is_not_forbidden(store):
    entries = [await say(store, ROOM) for _ in range(3)]
    await put(
        store,
        place("ann"),
        Preference(user_id="ann", conversation_id=ROOM, cleared_seq=1),
        HiddenMessage(user_id="ann", conversation_id=ROOM, seq=2),
    )
    visibility = visibility_of(store)
    assert [e.seq for e in await visibility.visible("ann", entries)] == [3]
    assert await visibility.visible("ann", entries, even_cleared=True) == entries
    assert await visibility.seqs(place("ann"), [1, 2, 3]) == {3}
    assert await visibility.sees("ann", [(ROOM, 1)])
    windows = await visibility.windows("ann", [ROOM, "g" + "b" * 16])
    assert [(w.first, w.has(2)) for w in windows.values()] == [(2, True), (1, False)]


@pytest.mark.parametrize(
    ("group", "first"),
    [
        ({}, None),
        ({"history_visible": False}, {"ann": 1, "bob": 7}),
        ({"history_was_hidden": True}, {"ann": 1, "bob": 7}),
    ],
)
async def test_delivery_is_told_from_where_on_members_see(store, group, first):
    row = Group(conversation_id=ROOM, kind=Kind.GROUP, name="T", owner_id="ann", **group)
    gone = place("eve", active=False, visible_until=3)
    await put(store, row, place("ann"), place("bob", visible_from=7), gone)
    ask = GetFirstSeen(conversation_id=ROOM, user_ids=("ann", "bob", "eve", "zoe"))
    assert await visibility_of(store).first_seen(ANONYMOUS, ask) == FirstSeen(first)
