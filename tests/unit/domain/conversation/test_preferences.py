"""Preferences, drafts, clearing, hiding, folders, typing."""

import asyncio

import msgspec
import pytest

from hongyan.domain.conversation.commands import (
    ClearConversation,
    Folder,
    GetConversation,
    HideMessages,
    ListFolders,
    OpenDirect,
    OpenSelf,
    SendTyping,
    SetDraft,
    SetPreference,
)
from hongyan.domain.conversation.model import Mention
from hongyan.domain.group.commands import NotAMember
from hongyan.domain.group.model import Member, MemberCount
from hongyan.domain.relation.model import Relation
from hongyan.domain.visibility.model import Preference
from hongyan.kernel.errors import Invalid, LimitReached, NotFound
from hongyan.kernel.ids import direct_id

from .conftest import ALICE, BOB, CAROL, TEAM

CHAT = direct_id(ALICE, BOB)
CHANNEL = "c" + "a" * 16


@pytest.fixture
async def chat(harness):
    await harness.call(ALICE, OpenDirect(user_id=BOB))
    return CHAT


async def changed(harness, who=ALICE):
    """Return the rows that the user's log tells."""
    entries = await harness.store.read(f"@{who}", 1, 1000, 1000, kinds=("preference.changed",))
    return [msgspec.json.decode(entry.body, type=Preference) for entry in entries]


async def test_what_is_given_changes_and_the_rest_stays(harness, chat, committed):
    one = await harness.call(ALICE, SetPreference(conversation_id=chat, pinned=True, folder="Work"))
    two = await harness.call(ALICE, SetPreference(conversation_id=chat, muted_until_ms=-1))
    again = await harness.call(ALICE, SetPreference(conversation_id=chat, pinned=True))
    assert one == Preference(user_id=ALICE, conversation_id=chat, pinned=True, folder="Work")
    assert two == again == msgspec.structs.replace(one, muted_until_ms=-1)
    assert await changed(harness) == [one, two]
    assert committed[-1].origin == "k-v1"
    assert (await harness.call(ALICE, GetConversation(conversation_id=chat))).preference == two
    assert await changed(harness, BOB) == []


async def test_devices_that_change_different_things_at_once_do_not_undo_each_other(harness, chat):
    await asyncio.gather(
        harness.call(ALICE, SetPreference(conversation_id=chat, pinned=True), "v1"),
        harness.call(ALICE, SetPreference(conversation_id=chat, archived=True), "v2"),
        harness.call(ALICE, SetPreference(conversation_id=chat, folder="Work"), "v3"),
        harness.call(ALICE, SetDraft(conversation_id=chat, text="I"), "v4"),
    )
    found = await harness.store.get(Preference, ALICE, chat)
    assert (found.pinned, found.archived, found.folder, found.draft) == (True, True, "Work", "I")
    assert (await changed(harness))[-1] == found


@pytest.mark.parametrize(
    "bad", [{"muted_until_ms": -2}, {"folder": "x" * 65}, {"folder": " x"}, {"folder": "a\nb"}]
)
async def test_bad_values(harness, chat, bad):
    with pytest.raises(Invalid):
        await harness.call(ALICE, SetPreference(conversation_id=chat, **bad))


async def test_hiding_a_conversation_holds_where_it_is(harness, chat):
    last = await harness.say(BOB, chat)
    hidden = await harness.call(ALICE, SetPreference(conversation_id=chat, hidden=True))
    assert (hidden.hidden, hidden.hidden_seq) == (True, last.seq)
    shown = await harness.call(ALICE, SetPreference(conversation_id=chat, hidden=False))
    assert (shown.hidden, shown.hidden_seq) == (False, 0)


async def test_drafts(harness, chat):
    found = await harness.call(ALICE, SetDraft(conversation_id=chat, text="Dear"))
    assert (found.draft, found.draft_at_ms) == ("Dear", harness.clock.now_ms())
    harness.clock.advance(5)
    assert await harness.call(ALICE, SetDraft(conversation_id=chat, text="Dear")) == found
    assert (await harness.call(ALICE, SetDraft(conversation_id=chat, text=""))).draft == ""
    assert len(await changed(harness)) == 2
    with pytest.raises(LimitReached):
        await harness.call(ALICE, SetDraft(conversation_id=chat, text="x" * 10_001))


async def test_clearing(harness, chat):
    entry = await harness.say(BOB, chat)
    await harness.put(Mention(user_id=ALICE, conversation_id=chat, seq=entry.seq))
    found = await harness.call(ALICE, ClearConversation(conversation_id=chat))
    assert (found.cleared_seq, found.cleared_ordinal) == (entry.seq, 1)
    await harness.call(ALICE, ClearConversation(conversation_id=chat))
    assert len(await changed(harness)) == 1
    assert await harness.store.keys(Mention, ALICE) == []
    assert (await harness.call(ALICE, GetConversation(conversation_id=chat))).last is None
    assert (await harness.call(BOB, GetConversation(conversation_id=chat))).last == entry


async def test_hiding_messages(harness, chat):
    seqs = [(await harness.say(BOB, chat)).seq for _ in range(12)]
    await harness.call(ALICE, HideMessages(conversation_id=chat, seqs=(seqs[2], seqs[1])))
    await harness.call(ALICE, HideMessages(conversation_id=chat, seqs=(seqs[1], seqs[1])))
    entries = await harness.store.read("@alice", 2, 99, 99)
    assert [(e.kind, msgspec.json.decode(e.body)) for e in entries] == [
        ("messages.hidden", {"conversation_id": chat, "seqs": [seqs[1], seqs[2]]})
    ]
    await harness.call(ALICE, HideMessages(conversation_id=chat, seqs=tuple(seqs[1:])))
    assert (await harness.call(ALICE, GetConversation(conversation_id=chat))).last.seq == seqs[0]
    await harness.call(ALICE, HideMessages(conversation_id=chat, seqs=(seqs[0],)))
    assert (await harness.call(ALICE, GetConversation(conversation_id=chat))).last is None


async def test_only_what_one_sees_can_be_hidden(harness, chat):
    for seqs in ((2,), (0,), (1, 99)):
        with pytest.raises(NotFound):
            await harness.call(ALICE, HideMessages(conversation_id=chat, seqs=seqs))
    with pytest.raises(LimitReached):
        await harness.call(ALICE, HideMessages(conversation_id=chat, seqs=(1,) * 101))


async def test_folders(harness, chat):
    other = (await harness.call(ALICE, OpenDirect(user_id=CAROL))).conversation_id
    note = (await harness.call(ALICE, OpenSelf())).conversation_id
    for place, folder in ((chat, "Work"), (other, "Work"), (note, "Home")):
        await harness.call(ALICE, SetPreference(conversation_id=place, folder=folder))
    found = await harness.call(ALICE, ListFolders())
    assert found.folders == (Folder("Home", 1), Folder("Work", 2))
    await harness.call(ALICE, SetPreference(conversation_id=note, folder=""))
    assert (await harness.call(ALICE, ListFolders())).folders == (Folder("Work", 2),)
    assert (await harness.call(BOB, ListFolders())).folders == ()


async def test_outsiders_keep_nothing(harness, chat):
    for command in (
        SetPreference(conversation_id=chat, pinned=True),
        SetDraft(conversation_id=chat, text="x"),
        ClearConversation(conversation_id=chat),
        HideMessages(conversation_id=chat, seqs=(1,)),
        SendTyping(conversation_id=chat),
    ):
        with pytest.raises(NotAMember):
            await harness.call(CAROL, command)
    assert await harness.store.get(Preference, CAROL, chat) is None
    assert harness.published == []


async def test_who_has_left_may_still_tidy_up(harness):
    await harness.group()
    await harness.say(BOB, TEAM)
    await harness.put(Member(conversation_id=TEAM, user_id=ALICE, active=False, visible_until=1))
    await harness.call(ALICE, SetPreference(conversation_id=TEAM, archived=True))
    await harness.call(ALICE, ClearConversation(conversation_id=TEAM))
    with pytest.raises(NotAMember):
        await harness.call(ALICE, SetDraft(conversation_id=TEAM, text="x"))


async def test_typing(harness, chat):
    await harness.group()
    await harness.call(ALICE, SendTyping(conversation_id=chat))
    await harness.call(BOB, SendTyping(conversation_id=TEAM, state="stopped"))
    assert [(s.log_id, s.kind, s.sender, s.body, s.origin) for s in harness.published] == [
        (chat, "typing", ALICE, b'{"state":"typing"}', "k-v1"),
        (TEAM, "typing", BOB, b'{"state":"stopped"}', "k-v1"),
    ]


@pytest.mark.parametrize("pair", [(ALICE, BOB), (BOB, ALICE)])
async def test_the_blocked_type_in_silence(harness, chat, pair):
    await harness.put(Relation(user_id=pair[0], other_id=pair[1], blocked=True))
    await harness.call(ALICE, SendTyping(conversation_id=chat))
    assert harness.published == []


async def test_where_nobody_is_told_who_types(harness):
    await harness.group(CHANNEL)
    await harness.group()
    await harness.put(MemberCount(conversation_id=TEAM, member_count=501))
    note = (await harness.call(ALICE, OpenSelf())).conversation_id
    for place in (CHANNEL, TEAM, note):
        await harness.call(ALICE, SendTyping(conversation_id=place))
    assert harness.published == []
