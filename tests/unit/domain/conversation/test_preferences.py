"""Preferences, drafts, clearing, hiding, folders, typing."""

import asyncio

import msgspec
import pytest

from hongyan.domain.conversation.api import (
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
from hongyan.domain.group.api import NotAMember
from hongyan.domain.group.model import Member, Roll
from hongyan.domain.relation.model import Relation
from hongyan.domain.visibility.model import Preference
from hongyan.kernel.errors import Invalid, LimitReached, NotFound
from hongyan.kernel.ids import direct_id

from .conftest import ALICE, BOB, CAROL, TEAM

CHAT = direct_id(ALICE, BOB)
CHANNEL = "c" + "a" * 16


@pytest.fixture
async def chat(world):
    await world.call(ALICE, OpenDirect(user_id=BOB))
    return CHAT


async def changed(world, who=ALICE):
    """Return the rows that the user's log tells."""
    entries = await world.store.read(f"@{who}", 1, 1000, 1000, kinds=("preference.changed",))
    return [msgspec.json.decode(entry.body, type=Preference) for entry in entries]


async def test_what_is_given_changes_and_the_rest_stays(world, chat, committed):
    one = await world.call(ALICE, SetPreference(conversation_id=chat, pinned=True, folder="Work"))
    two = await world.call(ALICE, SetPreference(conversation_id=chat, muted_until_ms=-1))
    again = await world.call(ALICE, SetPreference(conversation_id=chat, pinned=True))
    assert one == Preference(user_id=ALICE, conversation_id=chat, pinned=True, folder="Work")
    assert two == again == msgspec.structs.replace(one, muted_until_ms=-1)
    assert await changed(world) == [one, two]
    assert committed[-1].origin == "k-v1"
    assert (await world.call(ALICE, GetConversation(conversation_id=chat))).preference == two
    assert await changed(world, BOB) == []


async def test_devices_that_change_different_things_at_once_do_not_undo_each_other(world, chat):
    await asyncio.gather(
        world.call(ALICE, SetPreference(conversation_id=chat, pinned=True), "v1"),
        world.call(ALICE, SetPreference(conversation_id=chat, archived=True), "v2"),
        world.call(ALICE, SetPreference(conversation_id=chat, folder="Work"), "v3"),
        world.call(ALICE, SetDraft(conversation_id=chat, text="I"), "v4"),
    )
    found = await world.store.get(Preference, ALICE, chat)
    assert (found.pinned, found.archived, found.folder, found.draft) == (True, True, "Work", "I")
    assert (await changed(world))[-1] == found


@pytest.mark.parametrize(
    "bad", [{"muted_until_ms": -2}, {"folder": "x" * 65}, {"folder": " x"}, {"folder": "a\nb"}]
)
async def test_bad_values(world, chat, bad):
    with pytest.raises(Invalid):
        await world.call(ALICE, SetPreference(conversation_id=chat, **bad))


async def test_hiding_a_conversation_holds_where_it_is(world, chat):
    last = await world.say(BOB, chat)
    hidden = await world.call(ALICE, SetPreference(conversation_id=chat, hidden=True))
    assert (hidden.hidden, hidden.hidden_seq) == (True, last.seq)
    shown = await world.call(ALICE, SetPreference(conversation_id=chat, hidden=False))
    assert (shown.hidden, shown.hidden_seq) == (False, 0)


async def test_drafts(world, chat):
    found = await world.call(ALICE, SetDraft(conversation_id=chat, text="Dear"))
    assert (found.draft, found.draft_at_ms) == ("Dear", world.clock.now_ms())
    world.clock.advance(5)
    assert await world.call(ALICE, SetDraft(conversation_id=chat, text="Dear")) == found
    assert (await world.call(ALICE, SetDraft(conversation_id=chat, text=""))).draft == ""
    assert len(await changed(world)) == 2
    with pytest.raises(LimitReached):
        await world.call(ALICE, SetDraft(conversation_id=chat, text="x" * 10_001))


async def test_clearing(world, chat):
    entry = await world.say(BOB, chat)
    await world.put(Mention(user_id=ALICE, conversation_id=chat, seq=entry.seq))
    found = await world.call(ALICE, ClearConversation(conversation_id=chat))
    assert (found.cleared_seq, found.cleared_ordinal) == (entry.seq, 1)
    await world.call(ALICE, ClearConversation(conversation_id=chat))
    assert len(await changed(world)) == 1
    assert await world.store.keys(Mention, ALICE) == []
    assert (await world.call(ALICE, GetConversation(conversation_id=chat))).last is None
    assert (await world.call(BOB, GetConversation(conversation_id=chat))).last == entry


async def test_hiding_messages(world, chat):
    seqs = [(await world.say(BOB, chat)).seq for _ in range(12)]
    await world.call(ALICE, HideMessages(conversation_id=chat, seqs=(seqs[2], seqs[1])))
    await world.call(ALICE, HideMessages(conversation_id=chat, seqs=(seqs[1], seqs[1])))
    entries = await world.store.read("@alice", 2, 99, 99)
    assert [(e.kind, msgspec.json.decode(e.body)) for e in entries] == [
        ("messages.hidden", {"conversation_id": chat, "seqs": [seqs[1], seqs[2]]})
    ]
    await world.call(ALICE, HideMessages(conversation_id=chat, seqs=tuple(seqs[1:])))
    assert (await world.call(ALICE, GetConversation(conversation_id=chat))).last.seq == seqs[0]
    await world.call(ALICE, HideMessages(conversation_id=chat, seqs=(seqs[0],)))
    assert (await world.call(ALICE, GetConversation(conversation_id=chat))).last is None


async def test_only_what_one_sees_can_be_hidden(world, chat):
    for seqs in ((2,), (0,), (1, 99)):
        with pytest.raises(NotFound):
            await world.call(ALICE, HideMessages(conversation_id=chat, seqs=seqs))
    with pytest.raises(LimitReached):
        await world.call(ALICE, HideMessages(conversation_id=chat, seqs=(1,) * 101))


async def test_folders(world, chat):
    other = (await world.call(ALICE, OpenDirect(user_id=CAROL))).conversation_id
    note = (await world.call(ALICE, OpenSelf())).conversation_id
    for place, folder in ((chat, "Work"), (other, "Work"), (note, "Home")):
        await world.call(ALICE, SetPreference(conversation_id=place, folder=folder))
    found = await world.call(ALICE, ListFolders())
    assert found.folders == (Folder("Home", 1), Folder("Work", 2))
    await world.call(ALICE, SetPreference(conversation_id=note, folder=""))
    assert (await world.call(ALICE, ListFolders())).folders == (Folder("Work", 2),)
    assert (await world.call(BOB, ListFolders())).folders == ()


async def test_outsiders_keep_nothing(world, chat):
    for command in (
        SetPreference(conversation_id=chat, pinned=True),
        SetDraft(conversation_id=chat, text="x"),
        ClearConversation(conversation_id=chat),
        HideMessages(conversation_id=chat, seqs=(1,)),
        SendTyping(conversation_id=chat),
    ):
        with pytest.raises(NotAMember):
            await world.call(CAROL, command)
    assert await world.store.get(Preference, CAROL, chat) is None
    assert world.published == []


async def test_who_has_left_may_still_tidy_up(world):
    await world.group()
    await world.say(BOB, TEAM)
    await world.put(Member(conversation_id=TEAM, user_id=ALICE, active=False, visible_until=1))
    await world.call(ALICE, SetPreference(conversation_id=TEAM, archived=True))
    await world.call(ALICE, ClearConversation(conversation_id=TEAM))
    with pytest.raises(NotAMember):
        await world.call(ALICE, SetDraft(conversation_id=TEAM, text="x"))


async def test_typing(world, chat):
    await world.group()
    await world.call(ALICE, SendTyping(conversation_id=chat))
    await world.call(BOB, SendTyping(conversation_id=TEAM, state="stopped"))
    assert [(s.log_id, s.kind, s.sender, s.body, s.origin) for s in world.published] == [
        (chat, "typing", ALICE, b'{"state":"typing"}', "k-v1"),
        (TEAM, "typing", BOB, b'{"state":"stopped"}', "k-v1"),
    ]


@pytest.mark.parametrize("pair", [(ALICE, BOB), (BOB, ALICE)])
async def test_the_blocked_type_in_silence(world, chat, pair):
    await world.put(Relation(user_id=pair[0], other_id=pair[1], blocked=True))
    await world.call(ALICE, SendTyping(conversation_id=chat))
    assert world.published == []


async def test_where_nobody_is_told_who_types(world):
    await world.group(CHANNEL)
    await world.group()
    await world.put(Roll(conversation_id=TEAM, member_count=501))
    note = (await world.call(ALICE, OpenSelf())).conversation_id
    for place in (CHANNEL, TEAM, note):
        await world.call(ALICE, SendTyping(conversation_id=place))
    assert world.published == []
