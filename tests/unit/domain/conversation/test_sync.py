"""Sync: what a device lacks, no more, in few reads."""

import time

import pytest
from tests.unit.domain.counting import Counting

from hongyan.domain.conversation.commands import (
    ClearConversation,
    GetHistory,
    HideMessages,
    MarkRead,
    OpenDirect,
    SetDraft,
    Sync,
)
from hongyan.domain.group.model import Member
from hongyan.domain.log.model import Append, Commit, Put
from hongyan.domain.user.model import User
from hongyan.kernel.errors import Invalid, LimitReached
from hongyan.kernel.ids import direct_id

from .conftest import ALICE, BOB, CAROL, TEAM

CHAT = direct_id(ALICE, BOB)


async def sync(harness, who=ALICE, **have):
    return await harness.call(who, Sync(**have))


def seen(synced):
    """Return conversation -> (seqs of entries, from_seq, gap)."""
    return {
        found.conversation.conversation_id: (
            [entry.seq for entry in found.entries],
            found.from_seq,
            found.gap,
        )
        for found in synced.conversations
    }


@pytest.fixture
async def chat(harness):
    """A direct conversation of four entries and a group of two."""
    await harness.call(ALICE, OpenDirect(user_id=BOB))
    await harness.group()
    for _ in range(3):
        await harness.say(BOB, CHAT)
    for _ in range(2):
        await harness.say(BOB, TEAM)
    return CHAT


async def test_a_fresh_device_gets_everything(harness, chat):
    found = await sync(harness)
    assert seen(found) == {CHAT: ([1, 2, 3, 4], 1, False), TEAM: ([1, 2], 1, False)}
    direct, team = (one.conversation for one in found.conversations)
    assert (direct.peer_id, direct.group, direct.unread, direct.last.seq) == (BOB, None, 3, 4)
    assert (team.peer_id, team.group.name, team.unread, team.member_count) == ("", "T", 2, 2)
    assert (found.next_after, found.left, found.user_seq) == (None, (), 1)


async def test_a_device_that_knows_all_gets_nothing(harness, chat):
    found = await sync(harness, known={CHAT: 4, TEAM: 2}, user_seq=1)
    assert (found.conversations, found.user_entries, found.left) == ((), (), ())


async def test_only_what_is_new(harness, chat):
    assert seen(await sync(harness, known={CHAT: 2, TEAM: 2})) == {CHAT: ([3, 4], 3, False)}


async def test_a_gap_is_named(harness, chat):
    found = await sync(harness, known={CHAT: 1, TEAM: 2}, entries_per_conversation=2)
    assert seen(found) == {CHAT: ([3, 4], 3, True)}
    found = await sync(harness, known={CHAT: 1, TEAM: 2}, entries_per_conversation=0)
    assert seen(found) == {CHAT: ([], 5, True)}


async def test_who_knows_more_than_there_is_starts_anew(harness, chat):
    assert seen(await sync(harness, known={CHAT: 9, TEAM: 2})) == {CHAT: ([1, 2, 3, 4], 1, False)}


async def test_pages(harness, chat):
    await harness.call(ALICE, OpenDirect(user_id=CAROL))
    known = {CHAT: 1, "g" + "z" * 16: 7}
    pages, after = [], ""
    while after is not None:
        page = await sync(harness, known=known, limit=1, after=after)
        pages.append(page)
        after = page.next_after
    ids = [one.conversation.conversation_id for page in pages for one in page.conversations]
    assert ids == sorted({CHAT, TEAM, direct_id(ALICE, CAROL)})
    assert [page.left for page in pages] == [("g" + "z" * 16,), (), ()]


async def test_ones_own_log(harness, chat):
    await harness.call(ALICE, MarkRead(conversation_id=CHAT, seq=4))
    await harness.call(ALICE, SetDraft(conversation_id=CHAT, text="Dear"))
    found = await sync(harness, known={CHAT: 4, TEAM: 2}, user_seq=2)
    assert (found.user_seq, [e.kind for e in found.user_entries]) == (3, ["preference.changed"])
    assert found.conversations == ()
    assert (await sync(harness, user_seq=3)).user_entries == ()
    ahead = await sync(harness, user_seq=4)
    assert (ahead.user_log_truncated, ahead.user_seq, ahead.user_entries) == (True, 3, ())


async def test_ones_own_log_is_bounded(harness):
    for _ in range(501):
        await harness.say(ALICE, "@alice", "preference.changed")
    found = await sync(harness)
    assert (found.user_log_truncated, found.user_seq, found.user_entries) == (True, 501, ())
    found = await sync(harness, user_seq=1)
    assert (found.user_log_truncated, len(found.user_entries)) == (False, 500)


async def test_where_one_has_left(harness, chat):
    gone = Member(conversation_id=TEAM, user_id=ALICE, active=False, visible_until=2)
    await harness.put(gone)
    await harness.say(BOB, TEAM)
    found = await sync(harness, known={CHAT: 4, TEAM: 1})
    assert (found.conversations, found.left) == ((), (TEAM,))


async def test_nothing_leaks(harness, chat):
    await harness.put(Member(conversation_id=TEAM, user_id=CAROL, visible_from=2))
    assert seen(await sync(harness, CAROL)) == {TEAM: ([2], 2, False)}
    await harness.call(ALICE, ClearConversation(conversation_id=CHAT))
    await harness.say(BOB, CHAT)
    await harness.say(BOB, CHAT)
    await harness.call(ALICE, HideMessages(conversation_id=CHAT, seqs=(6,)))
    found = await sync(harness, known={TEAM: 2})
    assert seen(found) == {CHAT: ([5], 5, False)}
    assert found.conversations[0].conversation.last.seq == 5


async def test_limits(harness):
    for bad in ({"limit": 0}, {"limit": 1001}, {"entries_per_conversation": 51}, {"user_seq": -1}):
        with pytest.raises(Invalid):
            await sync(harness, **bad)
    with pytest.raises(Invalid):
        await sync(harness, known={CHAT: -1})
    with pytest.raises(LimitReached):
        await sync(harness, known={f"g{i}": 1 for i in range(20_001)})


async def many(harness, count):
    """Give Alice so many direct conversations of three messages each."""
    for start in range(0, count, 100):
        appends, puts = [], []
        for i in range(start, min(start + 100, count)):
            peer = f"u{i}"
            place = direct_id(ALICE, peer)
            appends += [Append(place, "message", peer, b'{"content":null}', 1, countable=True)] * 3
            puts.append(Put(User(user_id=peer)))
            puts += [
                Put(Member(conversation_id=place, user_id=me, peer_id=other))
                for me, other in ((ALICE, peer), (peer, ALICE))
            ]
        await harness.store.commit(Commit(tuple(appends), tuple(puts)))


async def test_the_number_of_reads_does_not_grow(harness, store, clock):
    asked = []
    for count in (3, 40):
        await many(harness, count)
        counting = Counting(store)
        found = await sync(type(harness)(counting, clock))
        assert len(found.conversations) == count
        assert {one.conversation.unread for one in found.conversations} <= {3, 6}
        asked.append(counting.asked.total())
    assert asked[0] == asked[1] <= 18


async def test_a_thousand_conversations_are_quick(harness):
    await many(harness, 1000)
    known = {
        one.conversation.conversation_id: 2
        for one in (await sync(harness, limit=1000)).conversations
    }
    assert len(known) == 1000
    started = time.process_time()
    found = await sync(harness, known=known, limit=1000, entries_per_conversation=1)
    spent_ms = (time.process_time() - started) * 1000
    assert [len(one.entries) for one in found.conversations] == [1] * 1000
    assert spent_ms < 1000, "10 times what it takes on a quiet machine"
    print(f"sync of 1000: {spent_ms:.0f} ms")


async def test_what_is_about_something_unseen_is_unseen(harness):
    """An edit tells the new content of what it is about."""
    await harness.group()
    await harness.say(BOB, TEAM)
    await harness.say(BOB, TEAM)
    await harness.put(Member(conversation_id=TEAM, user_id=CAROL, visible_from=2))
    await harness.say(BOB, TEAM, "message.edited", about=1)
    await harness.say(BOB, TEAM, "message.edited", about=2)
    await harness.call(ALICE, HideMessages(conversation_id=TEAM, seqs=(2,)))
    for who, seqs in ((ALICE, [1, 3]), (BOB, [1, 2, 3, 4]), (CAROL, [2, 4])):
        assert seen(await sync(harness, who))[TEAM][0] == seqs
        history = await harness.call(who, GetHistory(conversation_id=TEAM))
        assert [entry.seq for entry in history.entries] == seqs


async def test_a_page_is_bounded_in_bytes(harness, chat, monkeypatch):
    monkeypatch.setattr("hongyan.domain.conversation.sync.ANSWER_BYTES", 50)
    found = seen(await sync(harness))
    assert found == {CHAT: ([3, 4], 3, True), TEAM: ([], 3, True)}
