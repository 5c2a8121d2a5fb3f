"""Relations: requests, friendship, blocks, their limits and their races."""

import asyncio

import pytest

from hongyan.domain.log.model import Commit, Precondition, Put, VersionConflict
from hongyan.domain.relation import rules
from hongyan.domain.relation.commands import (
    AnswerRequest,
    Blocked,
    BlockedByYou,
    BlockPerson,
    DeleteFriend,
    ForgetRelations,
    GetRelation,
    ListBlocked,
    ListFriends,
    ListRequests,
    MutePerson,
    NotAFriend,
    RequestFriend,
    SetRemark,
    UnblockPerson,
)
from hongyan.domain.relation.lists import RelationLists
from hongyan.domain.relation.model import FriendRequest, Relation
from hongyan.domain.relation.relations import RelationService
from hongyan.domain.user.model import User
from hongyan.infra.local.bus import LocalBus
from hongyan.kernel.bus import Actor
from hongyan.kernel.errors import Conflict, Invalid, LimitReached, NotFound
from hongyan.kernel.ids import direct_id, user_log

ALICE, BOB, CAROL, GONE = "alice", "bob", "carol", "gone"


class Harness:
    def __init__(self, store, clock):
        self.store = store
        self.clock = clock
        self.bus = LocalBus()
        self.bus.serve(RelationService(store, store, clock))
        self.bus.serve(RelationLists(store))

    async def call(self, who, command):
        self.clock.advance(1)
        return await self.bus.call(Actor(who, f"v-{who}", connection_id=f"k-{who}"), command)

    async def befriend(self, one, other):
        await self.call(one, RequestFriend(user_id=other))
        await self.call(other, AnswerRequest(user_id=one, accept=True))

    async def kinds(self, who):
        return [entry.kind for entry in await self.store.read(user_log(who), 1, 10_000, 10_000)]

    async def version(self, one, other):
        log_id = direct_id(one, other)
        return (await self.store.states([log_id]))[log_id].version


@pytest.fixture
async def harness(store, clock):
    rows = [Put(User(user_id=who)) for who in (ALICE, BOB, CAROL)]
    await store.commit(Commit(changes=(*rows, Put(User(user_id=GONE, state="deleted")))))
    return Harness(store, clock)


async def test_a_request_is_told_to_both_and_listed(harness):
    answer = await harness.call(ALICE, RequestFriend(user_id=BOB, message="hello"))
    assert answer.state == "open"
    incoming = await harness.call(BOB, ListRequests())
    outgoing = await harness.call(ALICE, ListRequests(direction="outgoing"))
    assert incoming == outgoing
    assert [(r.from_id, r.to_id, r.message) for r in incoming.requests] == [(ALICE, BOB, "hello")]
    assert await harness.kinds(ALICE) == await harness.kinds(BOB) == ["friend.requested"]


async def test_asking_again_changes_nothing(harness):
    await harness.call(ALICE, RequestFriend(user_id=BOB, message="hello"))
    again = await harness.call(ALICE, RequestFriend(user_id=BOB, message="hello?"))
    assert again.state == "open"
    assert len(await harness.kinds(BOB)) == 1


async def test_accepting_befriends_both_in_one_commit(harness, committed):
    await harness.call(ALICE, RequestFriend(user_id=BOB))
    before = await harness.version(ALICE, BOB)
    await harness.call(BOB, AnswerRequest(user_id=ALICE, accept=True))
    assert {entry.log_id for entry in committed[-1].entries} == {"@alice", "@bob"}
    assert committed[-1].origin == "k-bob"
    for me, other in ((ALICE, BOB), (BOB, ALICE)):
        friends = (await harness.call(me, ListFriends())).people
        assert [(p.user_id, p.friend) for p in friends] == [(other, True)]
        assert friends[0].since_ms > 0
    assert await harness.version(ALICE, BOB) == before + 1
    assert await harness.kinds(ALICE) == ["friend.requested", "friend.answered", "relation.changed"]
    assert (await harness.call(BOB, ListRequests())).requests == ()


async def test_answers_are_idempotent_and_final(harness):
    await harness.befriend(ALICE, BOB)
    told = await harness.kinds(ALICE)
    await harness.call(BOB, AnswerRequest(user_id=ALICE, accept=True))
    assert await harness.kinds(ALICE) == told
    with pytest.raises(Conflict):
        await harness.call(BOB, AnswerRequest(user_id=ALICE, accept=False))
    with pytest.raises(NotFound):
        await harness.call(BOB, AnswerRequest(user_id=CAROL, accept=True))


async def test_a_refused_request_can_be_asked_again(harness):
    await harness.call(ALICE, RequestFriend(user_id=BOB))
    await harness.call(BOB, AnswerRequest(user_id=ALICE, accept=False))
    assert (await harness.call(ALICE, GetRelation(user_id=BOB))).friend is False
    assert (await harness.call(ALICE, RequestFriend(user_id=BOB))).state == "open"
    assert len((await harness.call(BOB, ListRequests())).requests) == 1


async def test_a_request_to_one_who_has_asked_accepts(harness):
    await harness.call(ALICE, RequestFriend(user_id=BOB))
    assert (await harness.call(BOB, RequestFriend(user_id=ALICE))).state == "friends"
    assert (await harness.call(ALICE, GetRelation(user_id=BOB))).friend
    assert (await harness.call(ALICE, RequestFriend(user_id=BOB))).state == "friends"


async def test_two_requests_that_cross_make_friends(harness):
    answers = await asyncio.gather(
        harness.call(ALICE, RequestFriend(user_id=BOB)),
        harness.call(BOB, RequestFriend(user_id=ALICE)),
    )
    assert sorted(answer.state for answer in answers) == ["friends", "open"]
    assert (await harness.call(BOB, GetRelation(user_id=ALICE))).friend


async def test_whom_one_cannot_ask(harness):
    with pytest.raises(Invalid):
        await harness.call(ALICE, RequestFriend(user_id=ALICE))
    for nobody in (GONE, "nobody"):
        with pytest.raises(NotFound):
            await harness.call(ALICE, RequestFriend(user_id=nobody))
    with pytest.raises(LimitReached):
        await harness.call(ALICE, RequestFriend(user_id=BOB, message="x" * 201))


async def test_a_blocked_person_cannot_ask_and_is_not_told(harness):
    await harness.call(ALICE, RequestFriend(user_id=BOB))
    before = await harness.version(ALICE, BOB)
    told = len(await harness.kinds(ALICE))
    await harness.call(BOB, BlockPerson(user_id=ALICE))
    assert await harness.version(ALICE, BOB) == before + 1
    assert (await harness.kinds(ALICE))[told:] == ["friend.answered"]
    assert (await harness.call(BOB, ListRequests())).requests == ()
    with pytest.raises(Blocked):
        await harness.call(ALICE, RequestFriend(user_id=BOB))
    with pytest.raises(BlockedByYou):
        await harness.call(BOB, RequestFriend(user_id=ALICE))


async def test_friendship_outlives_a_block(harness):
    await harness.befriend(ALICE, BOB)
    for _ in range(2):
        await harness.call(ALICE, BlockPerson(user_id=BOB))
    mine = await harness.call(ALICE, GetRelation(user_id=BOB))
    assert mine.friend
    assert mine.blocked
    assert [p.user_id for p in (await harness.call(ALICE, ListBlocked())).people] == [BOB]
    assert (await harness.call(BOB, GetRelation(user_id=ALICE))).blocked is False
    for _ in range(2):
        await harness.call(ALICE, UnblockPerson(user_id=BOB))
    mine = await harness.call(ALICE, GetRelation(user_id=BOB))
    assert mine.friend
    assert not mine.blocked
    assert (await harness.kinds(ALICE)).count("relation.changed") == 3


async def test_every_change_makes_a_judgement_of_the_pair_stale(harness):
    await harness.befriend(ALICE, BOB)
    for command in (
        BlockPerson(user_id=BOB),
        UnblockPerson(user_id=BOB),
        DeleteFriend(user_id=BOB),
    ):
        version = await harness.version(ALICE, BOB)
        await harness.call(ALICE, command)
        with pytest.raises(VersionConflict):
            await harness.store.commit(
                Commit(preconditions=(Precondition(direct_id(ALICE, BOB), version),))
            )


async def test_deleting_ends_it_for_both_and_leaves_no_rows(harness):
    await harness.befriend(ALICE, BOB)
    await harness.call(ALICE, SetRemark(user_id=BOB, remark="Bobby"))
    for _ in range(2):
        await harness.call(ALICE, DeleteFriend(user_id=BOB))
    assert await harness.store.scan(Relation) == []
    assert (await harness.call(BOB, ListFriends())).people == ()
    assert (await harness.kinds(BOB)).count("relation.changed") == 2
    assert (await harness.call(BOB, RequestFriend(user_id=ALICE))).state == "open"


async def test_remarks_are_for_friends(harness):
    with pytest.raises(NotAFriend):
        await harness.call(ALICE, SetRemark(user_id=BOB, remark="B"))
    await harness.befriend(ALICE, BOB)
    await harness.call(ALICE, SetRemark(user_id=BOB, remark="B"))
    assert (await harness.call(ALICE, GetRelation(user_id=BOB))).remark == "B"
    assert (await harness.call(BOB, GetRelation(user_id=ALICE))).remark == ""
    with pytest.raises(LimitReached):
        await harness.call(ALICE, SetRemark(user_id=BOB, remark="B" * 65))


async def test_muting_a_stranger_and_back(harness):
    await harness.call(ALICE, MutePerson(user_id=BOB))
    assert (await harness.call(ALICE, GetRelation(user_id=BOB))).muted
    await harness.call(ALICE, MutePerson(user_id=BOB, muted=False))
    assert await harness.store.scan(Relation) == []
    assert await harness.kinds(ALICE) == ["relation.changed"] * 2
    assert await harness.kinds(BOB) == []


async def test_lists_come_in_pages(harness):
    others = [f"u{number:02}" for number in range(7)]
    rows = [Put(User(user_id=other)) for other in others]
    rows += [Put(Relation(user_id=ALICE, other_id=other, friend=True)) for other in others]
    rows += [
        Put(FriendRequest(to_id=ALICE, from_id=other, asked_at_ms=10 + number // 3))
        for number, other in enumerate(others)
    ]
    await harness.store.commit(Commit(changes=tuple(rows)))
    seen, after = [], ""
    while True:
        page = await harness.call(ALICE, ListFriends(after=after, limit=3))
        assert len(page.people) <= 3
        seen += [person.user_id for person in page.people]
        after = page.next_after
        if not after:
            break
    assert seen == others
    seen, after = [], ""
    while True:
        page = await harness.call(ALICE, ListRequests(after=after, limit=2))
        seen += [request.from_id for request in page.requests]
        after = page.next_after
        if not after:
            break
    assert seen == others[::-1]
    with pytest.raises(Invalid):
        await harness.call(ALICE, ListFriends(limit=501))
    for nonsense in ("x", "W10", "bnVsbA", "é"):
        with pytest.raises(Invalid):
            await harness.call(ALICE, ListFriends(after=nonsense))


async def test_limits(harness, monkeypatch):
    monkeypatch.setattr(rules, "FRIENDS_MAX", 1)
    monkeypatch.setattr(rules, "OPEN_REQUESTS_MAX", 1)
    monkeypatch.setattr(rules, "BLOCKED_MAX", 1)
    await harness.befriend(ALICE, BOB)
    await harness.call(CAROL, RequestFriend(user_id=ALICE))
    with pytest.raises(LimitReached):
        await harness.call(ALICE, AnswerRequest(user_id=CAROL, accept=True))
    with pytest.raises(LimitReached):
        await harness.call(CAROL, RequestFriend(user_id=BOB))
    await harness.call(CAROL, BlockPerson(user_id=ALICE))
    with pytest.raises(LimitReached):
        await harness.call(CAROL, BlockPerson(user_id=BOB))


async def test_the_last_place_among_friends_goes_to_one(harness, monkeypatch):
    monkeypatch.setattr(rules, "FRIENDS_MAX", 1)
    for other in (BOB, CAROL):
        await harness.call(other, RequestFriend(user_id=ALICE))
    answers = await asyncio.gather(
        *(harness.call(ALICE, AnswerRequest(user_id=u, accept=True)) for u in (BOB, CAROL)),
        return_exceptions=True,
    )
    assert [type(answer) for answer in answers].count(LimitReached) == 1
    assert len((await harness.call(ALICE, ListFriends())).people) == 1


async def test_forgetting_a_user(harness):
    await harness.befriend(ALICE, BOB)
    await harness.call(ALICE, RequestFriend(user_id=CAROL))
    await harness.call(ALICE, ForgetRelations(user_id=ALICE))
    assert await harness.store.scan(Relation) == []
    assert await harness.store.scan(FriendRequest) == []
    assert (await harness.kinds(BOB))[-1] == "relation.changed"
