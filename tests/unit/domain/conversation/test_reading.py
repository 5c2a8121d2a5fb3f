"""Cursors, unread counts, receipts and readers."""

import asyncio

import msgspec
import pytest

from hongyan.domain.conversation.commands import (
    ClearConversation,
    GetConversation,
    GetCursors,
    GetReaders,
    MarkDelivered,
    MarkRead,
    OpenDirect,
    SetPreference,
)
from hongyan.domain.conversation.model import Mention
from hongyan.domain.group.commands import NotAMember
from hongyan.domain.group.model import Group, Member, MemberCount, Role
from hongyan.domain.log.model import Advance
from hongyan.domain.relation.model import Relation
from hongyan.domain.user.model import Privacy, User
from hongyan.kernel.errors import Forbidden, Invalid, NotFound
from hongyan.kernel.ids import direct_id

from .conftest import ALICE, BOB, CAROL, TEAM

CHAT = direct_id(ALICE, BOB)
CHANNEL = "c" + "a" * 16


@pytest.fixture
async def chat(harness):
    await harness.call(ALICE, OpenDirect(user_id=BOB))
    return CHAT


async def unread(harness, who, where=CHAT):
    found = await harness.call(who, GetConversation(conversation_id=where))
    return found.unread, found.mentions


async def read(harness, who, seq, where=CHAT):
    return await harness.call(who, MarkRead(conversation_id=where, seq=seq))


async def user_log(harness, who):
    """Return what the user's own log tells, but for the memberships."""
    entries = await harness.store.read(f"@{who}", 1, 1000, 1000)
    told = [(entry.kind, msgspec.json.decode(entry.body)) for entry in entries]
    return [one for one in told if not one[0].startswith("membership.")]


async def test_unread_counts_the_messages_of_others(harness, chat):
    first = await harness.say(BOB, chat)
    await harness.say(BOB, chat, "message.reacted")
    await harness.say(BOB, chat)
    assert await unread(harness, ALICE) == (2, 0)
    assert await unread(harness, BOB) == (0, 0)
    mark = await read(harness, ALICE, first.seq + 1)
    assert (mark.read_seq, mark.read_ordinal, mark.unread) == (first.seq + 1, 1, 1)
    assert await unread(harness, ALICE) == (1, 0)
    await harness.say(ALICE, chat)  # to write is to have read
    assert (await unread(harness, ALICE), await unread(harness, BOB)) == ((0, 0), (1, 0))


async def test_reading_is_told_to_the_other_devices_once(harness, chat):
    entry = await harness.say(BOB, chat)
    for seq in (entry.seq, entry.seq, 1, 0):
        mark = await read(harness, ALICE, seq)
        assert (mark.read_seq, mark.unread) == (entry.seq, 0)
    body = {"conversation_id": chat, "read_seq": entry.seq, "read_ordinal": 1}
    assert await user_log(harness, ALICE) == [("conversation.read", body)]
    assert [(s.log_id, s.kind, s.sender, s.body, s.origin) for s in harness.published] == [
        (chat, "receipt.read", ALICE, b'{"read_seq":%d}' % entry.seq, "k-v1")
    ]


async def test_what_is_beyond_the_end_is_the_end(harness, chat):
    entry = await harness.say(BOB, chat)
    assert (await read(harness, ALICE, 10_000)).read_seq == entry.seq
    await harness.say(BOB, chat)
    assert await unread(harness, ALICE) == (1, 0)
    for seq in (-1, 2**60):
        with pytest.raises(Invalid):
            await read(harness, ALICE, seq)


async def test_reading_takes_the_unread_mark_back(harness, chat):
    entry = await harness.say(BOB, chat)
    await read(harness, ALICE, entry.seq)
    await harness.call(ALICE, SetPreference(conversation_id=chat, marked_unread=True))
    await read(harness, ALICE, entry.seq)
    found = await harness.call(ALICE, GetConversation(conversation_id=chat))
    assert not found.preference.marked_unread
    kinds = [kind for kind, _ in await user_log(harness, ALICE)]
    assert kinds == ["conversation.read", "preference.changed", "preference.changed"]


async def test_mentions_count_until_they_are_read(harness):
    await harness.group()
    for _ in range(3):
        entry = await harness.say(BOB, TEAM)
        await harness.put(Mention(user_id=ALICE, conversation_id=TEAM, seq=entry.seq))
    group = await harness.store.get(Group, TEAM)
    await harness.put(msgspec.structs.replace(group, mention_all_seqs=(1, 3)))  # 3 says both
    assert await unread(harness, ALICE, TEAM) == (3, 3)
    await read(harness, ALICE, 2, TEAM)
    assert await unread(harness, ALICE, TEAM) == (1, 1)
    assert [key[2] for key in await harness.store.keys(Mention, ALICE)] == [3]
    await harness.say(ALICE, TEAM)
    assert await unread(harness, ALICE, TEAM) == (0, 0)


async def test_what_is_cleared_is_not_unread(harness, chat):
    await harness.say(BOB, chat)
    await harness.call(ALICE, ClearConversation(conversation_id=chat))
    assert await unread(harness, ALICE) == (0, 0)
    last = await harness.say(BOB, chat)
    assert await unread(harness, ALICE) == (1, 0)
    assert (await read(harness, ALICE, last.seq)).unread == 0


async def test_newcomers_count_from_what_they_may_see(harness):
    await harness.group()
    for _ in range(3):
        await harness.say(BOB, TEAM)
    await harness.put(Member(conversation_id=TEAM, user_id=CAROL, visible_from=4))
    assert await unread(harness, CAROL, TEAM) == (0, 0)
    await harness.say(BOB, TEAM)
    assert await unread(harness, CAROL, TEAM) == (1, 0)


async def test_who_comes_back_does_not_count_what_was_missed(harness):
    await harness.group()
    await harness.say(BOB, TEAM)
    await read(harness, ALICE, 1, TEAM)
    await harness.put(Member(conversation_id=TEAM, user_id=ALICE, active=False, visible_until=1))
    await harness.say(BOB, TEAM)
    with pytest.raises(NotAMember):
        await read(harness, ALICE, 2, TEAM)
    await harness.say(BOB, TEAM, "members.joined")
    await harness.put(Member(conversation_id=TEAM, user_id=ALICE, visible_from=3))
    assert await unread(harness, ALICE, TEAM) == (0, 0)
    await harness.say(BOB, TEAM)
    assert await unread(harness, ALICE, TEAM) == (1, 0)


async def test_receipts_respect_privacy_and_blocks(harness, chat):
    entry = await harness.say(BOB, chat)
    await harness.put(User(user_id=ALICE, privacy=Privacy(sends_receipts=False)))
    await read(harness, ALICE, entry.seq)
    assert harness.published == []
    cursors = await harness.call(BOB, GetCursors(conversation_id=chat))
    assert (cursors.user_id, cursors.read_seq, cursors.delivered_seq) == (ALICE, 0, 0)
    await harness.put(User(user_id=ALICE), Relation(user_id=BOB, other_id=ALICE, blocked=True))
    entry = await harness.say(BOB, chat)
    await read(harness, ALICE, entry.seq)
    assert harness.published == []
    assert (await harness.call(BOB, GetCursors(conversation_id=chat))).read_seq == 0
    await harness.put(Relation(user_id=BOB, other_id=ALICE))
    cursors = await harness.call(BOB, GetCursors(conversation_id=chat))
    assert (cursors.read_seq, cursors.delivered_seq) == (entry.seq, entry.seq)


async def test_receipts_of_groups_end_at_500_members(harness):
    await harness.group()
    await harness.say(BOB, TEAM)
    await harness.say(BOB, TEAM)
    await read(harness, ALICE, 1, TEAM)
    assert [s.kind for s in harness.published] == ["receipt.read"]
    await harness.put(MemberCount(conversation_id=TEAM, member_count=501))
    await read(harness, ALICE, 2, TEAM)
    await harness.group(CHANNEL)
    await harness.say(BOB, CHANNEL)
    await read(harness, ALICE, 1, CHANNEL)
    assert len(harness.published) == 1


async def test_delivered_is_told_without_an_entry(harness, chat):
    entry = await harness.say(BOB, chat)
    for seq in (entry.seq, entry.seq, 1):
        await harness.call(ALICE, MarkDelivered(conversation_id=chat, seq=seq))
    assert [(s.kind, s.body) for s in harness.published] == [
        ("receipt.delivered", b'{"delivered_seq":%d}' % entry.seq)
    ]
    assert await user_log(harness, ALICE) == []
    cursors = await harness.call(BOB, GetCursors(conversation_id=chat))
    assert (cursors.read_seq, cursors.delivered_seq) == (0, entry.seq)
    assert await unread(harness, ALICE) == (1, 0)


async def test_delivered_does_nothing_in_groups(harness):
    await harness.group()
    await harness.say(BOB, TEAM)
    await harness.call(ALICE, MarkDelivered(conversation_id=TEAM, seq=1))
    assert harness.published == []
    assert (await harness.store.of_user(ALICE, [TEAM]))[TEAM].delivered_seq == 0
    with pytest.raises(Invalid):
        await harness.call(ALICE, GetCursors(conversation_id=TEAM))


async def test_who_has_read(harness):
    names = [f"u{i}" for i in range(6)]
    await harness.put(*(User(user_id=user_id) for user_id in names))
    await harness.put(User(user_id="u4", privacy=Privacy(sends_receipts=False)))
    await harness.group(members=(ALICE, *names))
    entry = await harness.say(ALICE, TEAM)
    harness.clock.advance(1)
    await harness.put(
        Member(conversation_id=TEAM, user_id="u3", active=False, visible_until=9),
        Member(conversation_id=TEAM, user_id=BOB, joined_at_ms=harness.clock.now_ms()),
    )
    for user_id in ("u0", "u2", "u3", "u4", BOB):
        await harness.change(Advance(TEAM, user_id, read_seq=1))

    async def readers(after="", limit=100, who="u5"):
        return await harness.call(
            who, GetReaders(conversation_id=TEAM, seq=entry.seq, after=after, limit=limit)
        )

    found = await readers()
    assert [reader.user_id for reader in found.readers] == ["u0", "u2"]
    assert (found.read, found.unread, found.next_after) == (2, 3, None)
    first = await readers(limit=1)
    assert ([r.user_id for r in first.readers], first.next_after) == (["u0"], "u0")
    rest = await readers(limit=1, after="u0")
    assert ([r.user_id for r in rest.readers], rest.next_after, rest.read) == (["u2"], None, 2)


async def test_only_the_sender_and_admins_ask_in_large_groups(harness):
    await harness.group(members=(ALICE, BOB, CAROL))
    await harness.put(
        MemberCount(conversation_id=TEAM, member_count=501),
        Member(conversation_id=TEAM, user_id=ALICE, role=Role.ADMIN, rank=1),
    )
    entry = await harness.say(BOB, TEAM)
    await read(harness, CAROL, entry.seq, TEAM)
    await read(harness, ALICE, entry.seq, TEAM)
    ask = GetReaders(conversation_id=TEAM, seq=entry.seq, limit=1)
    for who in (ALICE, BOB):
        found = await harness.call(who, ask)
        assert [reader.user_id for reader in found.readers] == [ALICE]
        assert (found.next_after, found.read, found.unread) == (ALICE, None, None)
    with pytest.raises(Forbidden):
        await harness.call(CAROL, ask)


async def test_readers_of_what_one_cannot_see(harness, chat):
    await harness.say(BOB, chat)
    await harness.call(ALICE, ClearConversation(conversation_id=chat))
    for seq in (0, 2, 3):
        with pytest.raises(NotFound):
            await harness.call(ALICE, GetReaders(conversation_id=chat, seq=seq))


async def test_outsiders_learn_nothing(harness, chat):
    await harness.say(BOB, chat)
    for command in (
        MarkRead(conversation_id=chat, seq=1),
        MarkDelivered(conversation_id=chat, seq=1),
        GetReaders(conversation_id=chat, seq=1),
        GetCursors(conversation_id=chat),
    ):
        with pytest.raises(NotAMember):
            await harness.call(CAROL, command)
    assert harness.published == []


async def test_two_devices_that_read_at_once_agree(harness, chat):
    for _ in range(5):
        await harness.say(BOB, chat)
    await asyncio.gather(*(read(harness, ALICE, seq) for seq in (3, 6, 4, 5, 2)))
    bodies = [body for _, body in await user_log(harness, ALICE)]
    assert max(body["read_seq"] for body in bodies) == 6
    assert await unread(harness, ALICE) == (0, 0)
