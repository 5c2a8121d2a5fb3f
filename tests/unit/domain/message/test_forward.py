"""Forwarding: each or merged, to many, by all rules, and only once."""

import pytest
from msgspec import structs

from hongyan.domain.group.commands import NotAMember
from hongyan.domain.group.model import Group, Member
from hongyan.domain.message.commands import (
    ForwardMessages,
    Gone,
    NotForwardable,
    RecallMessage,
)
from hongyan.domain.message.model import Image, Origin, Poll
from hongyan.kernel.errors import Invalid, LimitReached, NotFound
from hongyan.kernel.ids import Kind

OTHER = "g" + "b" * 16


@pytest.fixture
async def other(chat):
    await chat.put(
        Group(conversation_id=OTHER, kind=Kind.GROUP, name="Other", owner_id="alice"),
        Member(conversation_id=OTHER, user_id="alice"),
        Member(conversation_id=OTHER, user_id="dave"),
    )
    return OTHER


def forward(source, seqs, targets, **more):
    return ForwardMessages(
        conversation_id=source,
        seqs=tuple(seqs),
        targets=tuple(targets),
        client_id=more.pop("client_id", "f1"),
        **more,
    )


async def contents(chat, where):
    entries = await chat.store.read(where, 1, 1000, 1000)
    return [await chat.body(where, entry.seq) for entry in entries]


async def test_each_message_is_sent_for_itself_with_its_author(chat, other):
    seqs = [await chat.send(chat.carol, chat.team, f"m{n}") for n in range(3)]
    seqs.append(await chat.send(chat.bob, chat.team, Image(media_id="m1")))
    report = await chat.do(chat.alice, forward(chat.team, seqs, [other, chat.direct]))
    assert [(one.conversation_id, one.code) for one in report.targets] == [
        (other, ""),
        (chat.direct, ""),
    ]
    assert [ack.seq for ack in report.targets[0].receipts] == [1, 2, 3, 4]
    for where in (other, chat.direct):
        bodies = await contents(chat, where)
        assert [body.content.text for body in bodies[:3]] == ["m0", "m1", "m2"]
        assert bodies[3].content == Image(media_id="m1")
        assert bodies[0].forwarded_from == Origin("carol", "Carol")
        assert bodies[3].forwarded_from == Origin("bob", "Bob")


async def test_a_forward_of_a_forward_names_the_first_author(chat, other):
    seq = await chat.send(chat.carol, chat.team)
    await chat.do(chat.alice, forward(chat.team, [seq], [other]))
    await chat.do(chat.dave, forward(other, [1], [chat.team]))
    body = await chat.body(chat.team, seq + 1)
    assert body.forwarded_from == Origin("carol", "Carol")


async def test_many_are_merged_into_one(chat, other):
    seqs = [await chat.send(who, chat.team, f"by {who}") for who in ("carol", "bob")]
    command = forward(chat.team, seqs, [other], mode="merged", title="Our talk")
    report = await chat.do(chat.alice, command)
    (body,) = await contents(chat, other)
    assert len(report.targets[0].receipts) == 1
    assert body.content.title == "Our talk"
    assert [(m.sender, m.name, m.content) for m in body.content.messages] == [
        ("carol", "Carol", {"type": "text", "text": "by carol"}),
        ("bob", "Bob", {"type": "text", "text": "by bob"}),
    ]
    assert body.forwarded_from is None


async def test_merged_forwards_nest_three_deep(chat, other):
    seq = await chat.send(chat.alice, other, "core")
    for depth in range(3):
        command = forward(other, [seq], [other], mode="merged", client_id=f"f{depth}")
        seq = (await chat.do(chat.alice, command)).targets[0].receipts[0].seq
    deeper = forward(other, [seq], [other], mode="merged", client_id="f3")
    (target,) = (await chat.do(chat.alice, deeper)).targets
    assert (target.code, target.receipts) == ("too_long", ())


@pytest.mark.parametrize("mode", ["each", "merged"])
async def test_a_retry_doubles_nothing(chat, other, mode):
    seqs = [await chat.send(chat.carol, chat.team) for _ in range(2)]
    command = forward(chat.team, seqs, [other, chat.direct], mode=mode)
    first = await chat.do(chat.alice, command)
    assert await chat.do(chat.alice, command) == first
    assert len(await contents(chat, other)) == (2 if mode == "each" else 1)
    more = structs.replace(command, client_id="f2")
    assert await chat.do(chat.alice, more) != first


async def test_one_target_that_refuses_does_not_stop_the_others(chat, other):
    seq = await chat.send(chat.carol, chat.team)
    report = await chat.do(chat.alice, forward(chat.team, [seq], ["g" + "x" * 16, other]))
    refused, sent = report.targets
    assert (refused.code, refused.receipts) == ("not_a_member", ())
    assert refused.message
    assert (sent.code, len(sent.receipts)) == ("", 1)


async def test_slow_mode_stops_a_target_half_way(chat, other):
    seqs = [await chat.send(chat.carol, chat.team) for _ in range(2)]
    group = structs.replace(await chat.store.get(Group, other), slow_mode_s=10)
    await chat.put(group, bump=[other])
    (target,) = (await chat.do(chat.alice, forward(chat.team, seqs, [other]))).targets
    assert (target.code, len(target.receipts)) == ("slow_mode", 1)
    chat.clock.advance(10_000)
    (target,) = (await chat.do(chat.alice, forward(chat.team, seqs, [other]))).targets
    assert (target.code, len(target.receipts)) == ("", 2)


async def test_only_what_is_seen_and_there_is_forwarded(chat, other):
    seqs = [await chat.send(chat.alice, chat.team) for _ in range(2)]
    with pytest.raises(NotAMember):
        await chat.do("stranger", forward(chat.team, seqs, [other]))
    await chat.put(
        Member(conversation_id=chat.team, user_id="dave", visible_from=seqs[1]), bump=[chat.team]
    )
    with pytest.raises(NotFound) as refused:
        await chat.do(chat.dave, forward(chat.team, seqs, [other]))
    assert refused.value.details == {"seq": seqs[0]}
    await chat.do(chat.alice, RecallMessage(conversation_id=chat.team, seq=seqs[0]))
    with pytest.raises(Gone):
        await chat.do(chat.alice, forward(chat.team, seqs, [other]))
    poll = await chat.send(chat.alice, chat.team, Poll("?", ("a", "b")))
    with pytest.raises(NotForwardable):
        await chat.do(chat.alice, forward(chat.team, [poll], [other]))
    burns = await chat.send(chat.alice, chat.direct, burn_after_ms=1000)
    with pytest.raises(NotForwardable):
        await chat.do(chat.alice, forward(chat.direct, [burns], [other]))
    assert await contents(chat, other) == []


@pytest.mark.parametrize(
    ("change", "refusal"),
    [
        ({"seqs": ()}, Invalid),
        ({"seqs": (1, 1)}, Invalid),
        ({"seqs": tuple(range(101))}, LimitReached),
        ({"targets": ()}, Invalid),
        ({"targets": tuple(str(n) for n in range(21))}, LimitReached),
        ({"title": "x" * 201}, LimitReached),
        ({"client_id": ""}, Invalid),
    ],
)
async def test_a_forward_has_limits(chat, other, change, refusal):
    command = structs.replace(forward(chat.team, [1], [other]), **change)
    with pytest.raises(refusal):
        await chat.do(chat.alice, command)
