"""History: directions, holes, and what is not shown."""

import pytest

from hongyan.domain.conversation.commands import (
    ClearConversation,
    GetHistory,
    GetUserLog,
    HideMessages,
    OpenDirect,
    SetDraft,
)
from hongyan.domain.group.commands import NotAMember
from hongyan.domain.group.model import Member
from hongyan.kernel.errors import Invalid
from hongyan.kernel.ids import direct_id

from .conftest import ALICE, BOB, CAROL, TEAM

CHAT = direct_id(ALICE, BOB)


@pytest.fixture
async def chat(harness):
    """Entry 1 made it; 2 to 10 are messages but for 5."""
    await harness.call(ALICE, OpenDirect(user_id=BOB))
    for seq in range(2, 11):
        await harness.say(BOB, CHAT, "message.reacted" if seq == 5 else "message")
    return CHAT


async def history(harness, who=ALICE, where=CHAT, **what):
    found = await harness.call(who, GetHistory(conversation_id=where, **what))
    assert all(entry.log_id == where for entry in found.entries)
    seqs = [entry.seq for entry in found.entries]
    return seqs, (found.from_seq, found.to_seq), (found.more_before, found.more_after)


@pytest.mark.parametrize(
    ("what", "seqs", "stretch", "more"),
    [
        ({}, [8, 9, 10], (8, 10), (True, False)),
        ({"before_seq": 8}, [5, 6, 7], (5, 7), (True, True)),
        ({"before_seq": 3}, [1, 2], (1, 2), (False, True)),
        ({"before_seq": 1}, [], (1, 0), (False, True)),
        ({"before_seq": 99}, [8, 9, 10], (8, 10), (True, False)),
        ({"after_seq": 3}, [4, 5, 6], (4, 6), (True, True)),
        ({"after_seq": 0}, [1, 2, 3], (1, 3), (False, True)),
        ({"after_seq": 8}, [9, 10], (9, 10), (True, False)),
        ({"after_seq": 10}, [], (11, 10), (True, False)),
        ({"after_seq": 99}, [], (11, 10), (True, False)),
        ({"around_seq": 6}, [5, 6, 7], (5, 7), (True, True)),
        ({"around_seq": 1}, [1, 2], (1, 2), (False, True)),
        ({"around_seq": 10}, [9, 10], (9, 10), (True, False)),
        ({"around_seq": 6, "limit": 1}, [6], (6, 6), (True, True)),
        ({"around_seq": 6, "only_messages": True}, [4, 6, 7], (4, 7), (True, True)),
        ({"before_seq": 6, "only_messages": True}, [2, 3, 4], (2, 5), (True, True)),
        ({"before_seq": 4, "only_messages": True}, [2, 3], (1, 3), (False, True)),
    ],
)
async def test_directions(harness, chat, what, seqs, stretch, more):
    assert await history(harness, **{"limit": 3, **what}) == (seqs, stretch, more)


async def test_only_one_direction_at_once(harness, chat):
    for what in ({"before_seq": 1, "after_seq": 1}, {"limit": 0}, {"limit": 201}):
        with pytest.raises(Invalid):
            await history(harness, **what)


async def test_what_is_cleared_or_hidden_is_not_shown(harness, chat):
    await harness.call(ALICE, HideMessages(conversation_id=chat, seqs=(8, 9, 10)))
    assert await history(harness, limit=3) == ([], (8, 10), (True, False))
    assert await history(harness, limit=4) == ([7], (7, 10), (True, False))
    await harness.call(ALICE, ClearConversation(conversation_id=chat))
    assert await history(harness) == ([], (11, 10), (False, False))
    for what in ({"before_seq": 5}, {"after_seq": 0}, {"around_seq": 4}):
        assert (await history(harness, **what))[0] == []
    assert (await history(harness, BOB))[0] == list(range(1, 11))


async def test_many_hidden_messages_are_looked_up_by_key(harness, chat, monkeypatch):
    monkeypatch.setattr("hongyan.domain.visibility.visibility.HIDDEN_SCANNED", 2)
    await harness.call(ALICE, HideMessages(conversation_id=chat, seqs=(3, 4, 9)))
    assert (await history(harness))[0] == [1, 2, 5, 6, 7, 8, 10]


async def test_members_see_from_where_they_came_to_where_they_left(harness):
    await harness.group()
    for _ in range(6):
        await harness.say(BOB, TEAM)
    await harness.put(Member(conversation_id=TEAM, user_id=CAROL, visible_from=3))
    assert (await history(harness, CAROL, TEAM))[0] == [3, 4, 5, 6]
    gone = Member(
        conversation_id=TEAM, user_id=CAROL, active=False, visible_from=3, visible_until=5
    )
    await harness.put(gone)
    assert await history(harness, CAROL, TEAM) == ([3, 4, 5], (3, 5), (False, False))
    assert (await history(harness, CAROL, TEAM, around_seq=6))[0] == [3, 4, 5]
    await harness.put(Member(conversation_id=TEAM, user_id=CAROL, active=False))
    assert (await history(harness, CAROL, TEAM))[0] == []


async def test_outsiders_see_nothing(harness, chat):
    for where in (chat, "@alice", TEAM, ""):
        with pytest.raises(NotAMember):
            await history(harness, CAROL, where)


async def test_ones_own_log_in_pages(harness, chat):
    for text in "abc":
        await harness.call(ALICE, SetDraft(conversation_id=chat, text=text))
    first = await harness.call(ALICE, GetUserLog(limit=2))
    assert ([e.seq for e in first.entries], first.more_after) == ([1, 2], True)
    rest = await harness.call(ALICE, GetUserLog(after_seq=first.to_seq, limit=2))
    assert ([e.seq for e in rest.entries], rest.more_after) == ([3, 4], False)
    theirs = (await harness.call(BOB, GetUserLog())).entries
    assert [e.kind for e in theirs] == ["membership.joined"]
    with pytest.raises(Invalid):
        await harness.call(ALICE, GetUserLog(limit=501))


async def test_an_answer_is_bounded_in_bytes(harness, chat, monkeypatch):
    monkeypatch.setattr("hongyan.domain.conversation.history.ANSWER_BYTES", 80)
    body = len(b'{"content":null,"seq":0}')
    assert 3 * body < 80 < 4 * body
    assert await history(harness) == ([8, 9, 10], (8, 10), (True, False))
    assert await history(harness, after_seq=3) == ([4, 5, 6], (4, 6), (True, True))
    monkeypatch.setattr("hongyan.domain.conversation.history.ANSWER_BYTES", 1)
    assert await history(harness, after_seq=4) == ([5], (5, 5), (True, True))
    assert await history(harness, before_seq=4) == ([3], (3, 3), (True, True))
