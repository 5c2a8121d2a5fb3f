"""Sending: order, idempotence, the rules, and staleness."""

import asyncio

import msgspec
import pytest

from hongyan.domain.group.commands import Dissolved, NotAMember
from hongyan.domain.group.model import Group, Member, Permissions, Role
from hongyan.domain.log.model import Append, Bump, Commit, Put
from hongyan.domain.message.commands import (
    FriendsOnly,
    MayNotSpeak,
    Muted,
    SendMessage,
    SlowMode,
    TooLong,
)
from hongyan.domain.message.model import Custom, File, MessageBody, Notice, Text
from hongyan.domain.message.rules import MessageLimits
from hongyan.domain.message.send import Sending
from hongyan.domain.message.send_contexts import SendContexts
from hongyan.domain.relation.commands import Blocked
from hongyan.domain.relation.model import Relation
from hongyan.domain.user.model import USER_CHANGED, Privacy, User
from hongyan.kernel.bus import Actor
from hongyan.kernel.errors import Forbidden, Invalid, NotFound
from hongyan.kernel.ids import Kind, direct_id, user_log

ALICE, BOB, CAROL = "alice", "bob", "carol"
CHAT = direct_id(ALICE, BOB)
TEAM = "g" + "a" * 16


class NoMentions:
    async def changes_for(self, context, content):
        return ()


class Harness:
    def __init__(self, store, clock):
        self.store = store
        self.clock = clock
        self.contexts = SendContexts(store, store)
        self.sending = Sending(store, store, clock, self.contexts, NoMentions())

    async def put(self, *rows, bump=()):
        changes = (*(Put(row) for row in rows), *(Bump(log_id) for log_id in bump))
        await self.store.commit(Commit(changes=changes))

    async def send(self, who, where, content="hi", client_id=None, **more):
        content = Text(content) if isinstance(content, str) else content
        Harness.count = getattr(Harness, "count", 0) + 1
        command = SendMessage(
            conversation_id=where,
            client_id=client_id or f"c{Harness.count}",
            content=content,
            **more,
        )
        return await self.sending.send(Actor(who, "v1"), command)

    async def send_twice(self, who, where):
        both = [self.send(who, where) for _ in range(2)]
        return await asyncio.gather(*both, return_exceptions=True)

    async def texts(self, where):
        entries = await self.store.read(where, 1, 10_000, 10_000)
        bodies = [msgspec.json.decode(entry.body, type=MessageBody) for entry in entries]
        return [body.content.text for body in bodies]


@pytest.fixture
async def harness(store, clock):
    harness = Harness(store, clock)
    users = [User(user_id=u, name=u) for u in (ALICE, BOB, CAROL)]
    members = [Member(conversation_id=CHAT, user_id=u) for u in (ALICE, BOB)]
    group = Group(conversation_id=TEAM, kind=Kind.GROUP, name="Team", owner_id=ALICE)
    owner = Member(conversation_id=TEAM, user_id=ALICE, role=Role.OWNER, rank=2)
    await harness.put(*users, *members, group, owner, Member(conversation_id=TEAM, user_id=BOB))
    return harness


async def test_messages_stand_in_the_order_in_which_they_were_sent(harness):
    """Even though the first one must load the room and the others need not."""
    tasks = [asyncio.create_task(harness.send(ALICE, CHAT, f"m{n}")) for n in range(50)]
    receipts = await asyncio.gather(*tasks)
    assert [ack.seq for ack in receipts] == list(range(1, 51))
    assert await harness.texts(CHAT) == [f"m{n}" for n in range(50)]


async def test_order_survives_a_rule_change_in_the_middle(harness):
    await harness.send(ALICE, CHAT, "first")
    tasks = [asyncio.create_task(harness.send(ALICE, CHAT, f"m{n}")) for n in range(20)]
    await harness.put(bump=(CHAT,))
    tasks += [asyncio.create_task(harness.send(ALICE, CHAT, f"m{n}")) for n in range(20, 40)]
    await asyncio.gather(*tasks)
    assert await harness.texts(CHAT) == ["first", *(f"m{n}" for n in range(40))]


async def test_a_retry_gets_the_first_ack_and_writes_nothing(harness, committed):
    first = await harness.send(ALICE, CHAT, "hi", "c")
    harness.clock.advance(5000)
    again = await harness.send(ALICE, CHAT, "hi", "c")
    assert again == first
    assert len(committed) == 1
    twice = await asyncio.gather(
        harness.send(BOB, CHAT, "x", "d"), harness.send(BOB, CHAT, "x", "d")
    )
    assert twice[0] == twice[1]
    assert len(committed) == 2


async def test_a_retry_is_answered_even_after_the_sender_was_blocked(harness):
    first = await harness.send(ALICE, CHAT, "hi", "c")
    await harness.put(Relation(user_id=BOB, other_id=ALICE, blocked=True), bump=(CHAT,))
    assert await harness.send(ALICE, CHAT, "hi", "c") == first
    with pytest.raises(Blocked):
        await harness.send(ALICE, CHAT, "more")
    with pytest.raises(Blocked):
        await harness.send(BOB, CHAT, "to whom I blocked")


def _silence(**changes):
    """Return what takes the right to speak in the team from Bob."""

    async def happen(harness):
        group = await harness.store.get(Group, TEAM)
        await harness.put(msgspec.structs.replace(group, **changes), bump=(TEAM,))

    return happen


def _place(**changes):
    async def happen(harness):
        await harness.put(Member(conversation_id=TEAM, user_id=BOB, **changes), bump=(TEAM,))

    return happen


def _relation(**changes):
    async def happen(harness):
        await harness.put(Relation(user_id=ALICE, other_id=BOB, **changes), bump=(CHAT,))

    return happen


def _account(**changes):
    async def happen(harness):
        await harness.put(User(user_id=ALICE, name=ALICE, **changes))

    return happen


RIGHTS_END = {
    "muted": (TEAM, _place(muted_until_ms=-1), Muted),
    "all muted": (TEAM, _silence(muted_all=True), Muted),
    "removed": (TEAM, _place(active=False, rank=-1), NotAMember),
    "may not speak": (TEAM, _silence(permissions=Permissions(speak=Role.ADMIN)), MayNotSpeak),
    "slow mode": (TEAM, _silence(slow_mode_s=60), SlowMode),
    "dissolved": (TEAM, _silence(dissolved=True), Dissolved),
    "blocked": (CHAT, _relation(blocked=True), Blocked),
    "peer deactivated": (CHAT, _account(state="deactivated"), Blocked),
    "friends only": (CHAT, _account(privacy=Privacy(who_may_write="friends")), FriendsOnly),
}


@pytest.mark.parametrize("name", RIGHTS_END)
@pytest.mark.parametrize("more", [{}, {"quote_seq": 1}], ids=["plain", "quoting"])
async def test_a_retry_after_a_restart_is_answered_though_the_right_has_ended(
    harness, clock, committed, name, more
):
    where, happens, refusal = RIGHTS_END[name]
    await harness.send(ALICE, where)
    first = await harness.send(BOB, where, "hi", "c", **more)
    await happens(harness)
    restarted = Harness(harness.store, clock)
    count = len(committed)
    assert await restarted.send(BOB, where, "hi", "c", **more) == first
    assert await restarted.send(BOB, where, "hi", "c", **more) == first
    with pytest.raises(refusal):
        await restarted.send(BOB, where, "more", **more)
    assert len(committed) == count


async def test_a_retry_after_a_restart_is_answered_though_a_gate_says_no_now(harness, clock):
    class Shut:
        async def judge(self, actor, command, edits_seq):
            raise Forbidden

    first = await harness.send(BOB, TEAM, "hi", "c")
    restarted = Harness(harness.store, clock)
    restarted.sending = Sending(
        harness.store, harness.store, clock, restarted.contexts, NoMentions(), gates=(Shut(),)
    )
    assert await restarted.send(BOB, TEAM, "hi", "c") == first
    with pytest.raises(Forbidden):
        await restarted.send(BOB, TEAM, "more")


@pytest.mark.parametrize("is_context_known", [False, True])
async def test_a_retry_is_answered_though_the_limits_are_smaller_now(
    harness, clock, is_context_known
):
    first = await harness.send(BOB, TEAM, "long", "c")
    restarted = Harness(harness.store, clock)
    restarted.sending = Sending(
        harness.store,
        harness.store,
        clock,
        restarted.contexts,
        NoMentions(),
        MessageLimits(text_bytes=3),
    )
    if is_context_known:
        await restarted.send(BOB, TEAM, "new")
    assert await restarted.send(BOB, TEAM, "long", "c") == first
    with pytest.raises(TooLong):
        await restarted.send(BOB, TEAM, "long")


async def test_strangers_are_not_members_and_learn_nothing_more(harness):
    with pytest.raises(NotAMember):
        await harness.send(CAROL, CHAT)
    with pytest.raises(NotAMember):
        await harness.send(CAROL, "g" + "z" * 16)
    with pytest.raises(NotAMember):
        await harness.send(CAROL, "nonsense")


async def test_friends_only_is_seen_as_soon_as_the_account_says_so(harness, committed):
    await harness.send(ALICE, CHAT)
    shy = User(user_id=BOB, name=BOB, privacy=Privacy(who_may_write="friends"))
    entry = Append(user_log(BOB), USER_CHANGED, BOB, b"{}", 1)
    await harness.store.commit(Commit((entry,), (Put(shy),)))
    harness.contexts.cache.committed(committed[-1])
    with pytest.raises(FriendsOnly):
        await harness.send(ALICE, CHAT)
    await harness.put(Relation(user_id=BOB, other_id=ALICE, friend=True), bump=(CHAT,))
    assert (await harness.send(ALICE, CHAT)).ordinal == 2


async def test_group_rules(harness):
    await harness.send(BOB, TEAM)
    group = await harness.store.get(Group, TEAM)
    replace = msgspec.structs.replace
    await harness.put(replace(group, muted_all=True), bump=(TEAM,))
    with pytest.raises(Muted):
        await harness.send(BOB, TEAM)
    assert (await harness.send(ALICE, TEAM)).seq == 2
    strict = Permissions(add_files=Role.ADMIN)
    await harness.put(replace(group, permissions=strict), bump=(TEAM,))
    await harness.send(BOB, TEAM)
    with pytest.raises(MayNotSpeak):
        await harness.send(BOB, TEAM, File(media_id="m"))
    with pytest.raises(MayNotSpeak):
        await harness.send(BOB, TEAM, Custom("card", {}, media_ids=("m",)))
    until_ms = harness.clock.now_ms() + 1000
    muted = Member(conversation_id=TEAM, user_id=BOB, muted_until_ms=until_ms)
    await harness.put(muted, bump=(TEAM,))
    with pytest.raises(Muted) as caught:
        await harness.send(BOB, TEAM)
    assert caught.value.details == {"until_ms": until_ms}
    harness.clock.advance(1001)
    assert (await harness.send(BOB, TEAM)).seq == 4


async def test_slow_mode_counts_from_the_last_message(harness):
    group = await harness.store.get(Group, TEAM)
    await harness.put(msgspec.structs.replace(group, slow_mode_s=10), bump=(TEAM,))
    await harness.send(BOB, TEAM)
    harness.clock.advance(4_000)
    results = await asyncio.gather(
        *[harness.send(BOB, TEAM) for _ in range(2)], return_exceptions=True
    )
    assert [type(result) for result in results] == [SlowMode, SlowMode]
    assert results[0].details == {"retry_after_ms": 6000}
    harness.clock.advance(6_000)
    results = await asyncio.gather(
        *[harness.send(BOB, TEAM) for _ in range(2)], return_exceptions=True
    )
    assert [type(result).__name__ for result in results] == ["Ack", "SlowMode"]
    await harness.send(ALICE, TEAM)
    await harness.send(ALICE, TEAM)


@pytest.mark.parametrize(
    ("content", "refusal"),
    [
        (Text("  "), Invalid),
        (Text("x" * 20_000), TooLong),
        (Text("雁" * 6_000), TooLong),
        (Notice("hi"), Invalid),
        (File(media_id=""), Invalid),
    ],
)
async def test_bad_content_changes_nothing(harness, committed, content, refusal):
    with pytest.raises(refusal):
        await harness.send(ALICE, CHAT, content)
    assert committed == []


async def test_a_quote_names_a_message_that_the_sender_can_see(harness):
    await harness.send(ALICE, CHAT, "question")
    await harness.send(BOB, CHAT, "answer", quote_seq=1)
    entry = (await harness.store.read(CHAT, 2, 2, 1))[0]
    quote = msgspec.json.decode(entry.body, type=MessageBody).quote
    assert (quote.seq, quote.sender) == (1, ALICE)
    with pytest.raises(NotFound):
        await harness.send(BOB, CHAT, "to nothing", quote_seq=9)
    hidden = Member(conversation_id=CHAT, user_id=BOB, visible_from=2)
    await harness.put(hidden, bump=(CHAT,))
    with pytest.raises(NotFound):
        await harness.send(BOB, CHAT, "before my time", quote_seq=1)


async def test_each_gate_judges_what_the_one_before_made_of_it(harness):
    asked = []

    class Adds:
        def __init__(self, word):
            self.word = word

        async def judge(self, actor, command, edits_seq=0):
            asked.append((self.word, command.content.text, edits_seq))
            if self.word in command.content.text:
                raise MayNotSpeak
            return Text(f"{command.content.text} {self.word}")

    gates = (Adds("one"), Adds("two"), Adds("three"))
    harness.sending = Sending(
        harness.store, harness.store, harness.clock, harness.contexts, NoMentions(), gates=gates
    )
    await harness.send(ALICE, CHAT, "zero")
    assert await harness.texts(CHAT) == ["zero one two three"]
    assert [text for _, text, _ in asked] == ["zero", "zero one", "zero one two"]
    with pytest.raises(MayNotSpeak):
        await harness.send(ALICE, CHAT, "two")
    assert len(asked) == 5, "who stands behind the one that refuses is not asked"
    assert await harness.texts(CHAT) == ["zero one two three"]
