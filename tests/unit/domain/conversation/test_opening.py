"""Opening, getting and listing."""

import asyncio

import msgspec
import pytest

from hongyan.domain.conversation.commands import (
    DescribeConversation,
    GetConversation,
    GetConversationsOf,
    ListConversations,
    OpenDirect,
    OpenSelf,
    OpenSystem,
)
from hongyan.domain.conversation.model import About
from hongyan.domain.group.commands import NotAMember
from hongyan.domain.group.model import Group, Member
from hongyan.domain.log.model import Put
from hongyan.domain.relation.commands import Blocked
from hongyan.domain.relation.model import Relation
from hongyan.domain.user.model import User
from hongyan.infra.local.audience import RecordsConversations, RecordsMembers
from hongyan.kernel.errors import Invalid, NotFound
from hongyan.kernel.ids import Kind, direct_id, self_id, system_id, user_log

from .conftest import ALICE, BOB, CAROL, TEAM


async def test_a_pair_has_one_conversation_whoever_opens_it(harness, committed):
    both = await asyncio.gather(
        harness.call(ALICE, OpenDirect(user_id=BOB)), harness.call(BOB, OpenDirect(user_id=ALICE))
    )
    again = await harness.call(ALICE, OpenDirect(user_id=BOB))
    assert {found.conversation_id for found in (*both, again)} == {direct_id(ALICE, BOB)}
    assert [found.peer_id for found in (*both, again)] == [BOB, ALICE, BOB]
    assert (again.kind, again.head.seq, again.unread, again.last) == (Kind.DIRECT, 1, 0, None)
    kinds = [e.kind for told in committed for e in told.entries]
    assert kinds == ["conversation.created", "membership.joined", "membership.joined"]


async def test_only_with_users_that_there_are(harness):
    await harness.put(User(user_id="gone", state="deleted"))
    for user_id in ("nobody", "gone", "system", ""):
        with pytest.raises(NotFound):
            await harness.call(ALICE, OpenDirect(user_id=user_id))


async def test_what_is_open_stays_open_when_the_other_one_is_gone(harness):
    await harness.call(ALICE, OpenDirect(user_id=BOB))
    await harness.put(User(user_id=BOB, state="deleted"))
    assert (await harness.call(ALICE, OpenDirect(user_id=BOB))).peer_id == BOB


async def test_the_blocked_begin_nothing_but_keep_what_there_was(harness, committed):
    await harness.call(ALICE, OpenDirect(user_id=CAROL))
    told = len(committed)
    await harness.put(
        Relation(user_id=BOB, other_id=ALICE, blocked=True),
        Relation(user_id=CAROL, other_id=ALICE, blocked=True),
    )
    with pytest.raises(Blocked):
        await harness.call(ALICE, OpenDirect(user_id=BOB))
    assert (await harness.call(ALICE, OpenDirect(user_id=CAROL))).peer_id == CAROL
    assert len(committed) == told


async def test_notes_to_oneself(harness):
    found = await harness.call(ALICE, OpenSelf())
    assert found == await harness.call(ALICE, OpenDirect(user_id=ALICE))
    assert (found.conversation_id, found.kind, found.peer_id) == (self_id(ALICE), Kind.SELF, "")
    assert await harness.call("", DescribeConversation(conversation_id=self_id(ALICE))) == About()


async def test_the_system_writes_to_a_user(harness):
    found = await harness.call("", OpenSystem(user_id=BOB))
    assert (found.conversation_id, found.kind) == (system_id(BOB), Kind.SYSTEM)
    assert await harness.call(BOB, GetConversation(conversation_id=system_id(BOB))) == found
    with pytest.raises(NotFound):
        await harness.call("", OpenSystem(user_id="nobody"))


async def test_others_get_nothing(harness):
    found = await harness.call(ALICE, OpenDirect(user_id=BOB))
    for where in (found.conversation_id, TEAM, "@alice", ""):
        with pytest.raises(NotAMember):
            await harness.call(CAROL, GetConversation(conversation_id=where))


async def test_listing_in_pages(harness):
    opened = [await harness.call(ALICE, OpenDirect(user_id=u)) for u in (ALICE, BOB, CAROL)]
    ids = sorted(found.conversation_id for found in opened)
    first = await harness.call(ALICE, ListConversations(limit=2))
    assert [found.conversation_id for found in first.conversations] == ids[:2]
    rest = await harness.call(ALICE, ListConversations(limit=2, after=first.next_after))
    assert [found.conversation_id for found in rest.conversations] == ids[2:]
    assert rest.next_after is None
    for limit in (0, 1001):
        with pytest.raises(Invalid):
            await harness.call(ALICE, ListConversations(limit=limit))


async def test_a_group_shows_its_public_parts(harness):
    await harness.group(external_id="room-1", mention_all_seqs=(1,))
    found = await harness.call(BOB, GetConversation(conversation_id=TEAM))
    assert (found.group.name, found.member_count) == ("T", 2)
    assert (found.group.external_id, found.group.mention_all_seqs) == (None, ())
    assert (await harness.store.get(Group, TEAM)).external_id == "room-1"


async def test_delivery_learns_who_belongs_where(harness):
    direct = (await harness.call(ALICE, OpenDirect(user_id=BOB))).conversation_id
    await harness.group(members=(ALICE, BOB, CAROL))
    members, conversations = RecordsMembers(harness.store), RecordsConversations(harness.store)
    assert set(await members.members(TEAM)) == {ALICE, BOB, CAROL}
    assert set(await conversations.conversations(ALICE)) == {TEAM, direct}
    assert set(await harness.call("", GetConversationsOf(user_id=CAROL))) == {TEAM}
    await harness.change(Put(Member(conversation_id=TEAM, user_id=CAROL, active=False)))
    assert set(await members.members(TEAM)) == {ALICE, BOB}
    assert await conversations.conversations(CAROL) == []


async def test_delivery_learns_what_a_conversation_is(harness):
    direct = (await harness.call(ALICE, OpenDirect(user_id=BOB))).conversation_id
    await harness.group(members=(ALICE, BOB))
    for where, about in (
        (direct, About(pair=(ALICE, BOB))),
        (TEAM, About("T")),
        ("g" + "0" * 16, About()),
    ):
        assert await harness.call("", DescribeConversation(conversation_id=where)) == about


async def test_both_learn_from_their_own_log_that_they_are_in_a_conversation(harness):
    for _ in range(2):
        await harness.call(ALICE, OpenDirect(user_id=BOB))
        await harness.call(BOB, OpenSelf())
        await harness.call(ALICE, OpenSystem(user_id=BOB))
    told = {}
    for who in (ALICE, BOB):
        entries = await harness.store.read(user_log(who), 1, 100, 100)
        kinds = [entry.kind for entry in entries]
        assert set(kinds) <= {"membership.joined"}
        told[who] = [msgspec.json.decode(entry.body) for entry in entries]
    direct = {"conversation_id": direct_id(ALICE, BOB), "kind": "direct", "how": "opened"}
    assert told[ALICE] == [direct | {"peer_id": BOB}]
    assert told[BOB] == [
        direct | {"peer_id": ALICE},
        {"conversation_id": self_id(BOB), "kind": "self", "how": "opened"},
        {"conversation_id": system_id(BOB), "kind": "system", "how": "opened"},
    ]
