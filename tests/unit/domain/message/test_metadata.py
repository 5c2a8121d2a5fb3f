"""Reactions, pins, favourites, and reading the marks of a range."""

import asyncio

import pytest

from hongyan.domain.group.commands import NotAMember
from hongyan.domain.group.model import CHANNEL_PERMISSIONS, Group, Member, Role
from hongyan.domain.message.commands import (
    EditMessage,
    Gone,
    MayNotSpeak,
    Muted,
    NotForwardable,
    RecallMessage,
)
from hongyan.domain.message.commands_metadata import (
    DropFavourite,
    EmojiInfo,
    KeepFavourite,
    ListFavourites,
    ListMarks,
    ListPins,
    ListReactors,
    PinMessage,
    PollInfo,
    React,
    UnpinMessage,
    VotePoll,
)
from hongyan.domain.message.model import (
    FAVOURITE_CHANGED,
    MESSAGE_PINNED,
    MESSAGE_REACTED,
    Poll,
    Text,
    decode_body,
)
from hongyan.domain.message.rows import MessageMetadata
from hongyan.domain.visibility.model import HiddenMessage, Preference
from hongyan.kernel.errors import Invalid, LimitReached, NotFound
from hongyan.kernel.ids import Kind, group_id


def react(where, seq, emoji="👍", add=True):
    return React(conversation_id=where, seq=seq, emoji=emoji, add=add)


def metadata(where, first=1, last=500):
    return ListMarks(conversation_id=where, first_seq=first, last_seq=last)


async def emojis(chat, who, seq):
    found = (await chat.do(who, metadata(chat.team))).marks
    return next((one.emojis for one in found if one.seq == seq), ())


async def test_a_reaction_is_told_once_and_counted(chat):
    seq = await chat.send(chat.carol, chat.team)
    noted = await chat.do(chat.dave, react(chat.team, seq))
    assert noted.entry_seq == seq + 1
    assert (await chat.do(chat.dave, react(chat.team, seq))).entry_seq == 0
    await chat.do(chat.bob, react(chat.team, seq))
    assert await chat.told(chat.team, MESSAGE_REACTED) == [
        (chat.dave, {"seq": seq, "emoji": "👍", "added": True, "count": 1}),
        (chat.bob, {"seq": seq, "emoji": "👍", "added": True, "count": 2}),
    ]
    assert await emojis(chat, "bob", seq) == (EmojiInfo("👍", 2, ("dave", "bob"), True),)
    assert await emojis(chat, "carol", seq) == (EmojiInfo("👍", 2, ("dave", "bob"), False),)


async def test_taking_back_fills_up_the_first_three(chat):
    seq = await chat.send(chat.carol, chat.team)
    for who in ("dave", "bob", "alice", "carol"):
        chat.clock.advance(1)
        await chat.do(who, react(chat.team, seq))
    await chat.do("bob", react(chat.team, seq, add=False))
    assert (await chat.do("bob", react(chat.team, seq, add=False))).entry_seq == 0
    assert await emojis(chat, "bob", seq) == (
        EmojiInfo("👍", 3, ("dave", "alice", "carol"), False),
    )
    for who in ("dave", "alice", "carol"):
        await chat.do(who, react(chat.team, seq, add=False))
    assert await chat.rows(MessageMetadata) == 0


async def test_many_reactions_at_once_are_counted_exactly(chat):
    seq = await chat.send(chat.carol, chat.team)
    people = [f"p{n}" for n in range(20)]
    members = [Member(conversation_id=chat.team, user_id=who) for who in people]
    await chat.put(*members)
    workers = (chat, chat.another_worker())
    await asyncio.gather(
        *(workers[n % 2].do(who, react(chat.team, seq)) for n, who in enumerate(people))
    )
    ((emoji),) = await emojis(chat, "carol", seq)
    assert emoji.count == 20
    counts = [body["count"] for _, body in await chat.told(chat.team, MESSAGE_REACTED)]
    assert counts == list(range(1, 21))


async def test_reactions_have_limits(chat):
    seq = await chat.send(chat.carol, chat.team)
    for emoji in ("", "x" * 33, "a b"):
        with pytest.raises(Invalid):
            await chat.do(chat.dave, react(chat.team, seq, emoji))
    people = [f"p{n}" for n in range(7)]
    await chat.put(*(Member(conversation_id=chat.team, user_id=who) for who in people))
    for n in range(20):
        await chat.do(people[n // 3], react(chat.team, seq, f"e{n}"))
    with pytest.raises(LimitReached) as refused:
        await chat.do(people[0], react(chat.team, seq, "e19"))
    assert refused.value.details == {"limit": 3}
    with pytest.raises(LimitReached) as refused:
        await chat.do(people[6], react(chat.team, seq, "e20"))
    assert refused.value.details == {"limit": 20}
    await chat.do(chat.dave, react(chat.team, seq, "e0"))


async def test_the_muted_and_strangers_do_not_react_but_listeners_of_a_channel_do(chat):
    seq = await chat.send(chat.carol, chat.team)
    with pytest.raises(NotAMember):
        await chat.do("stranger", react(chat.team, seq))
    muted = Member(conversation_id=chat.team, user_id="dave", muted_until_ms=-1)
    await chat.put(muted, bump=[chat.team])
    with pytest.raises(Muted):
        await chat.do(chat.dave, react(chat.team, seq))
    channel = group_id(chat.alice, "c1", Kind.CHANNEL)
    await chat.put(
        Group(
            conversation_id=channel,
            kind=Kind.CHANNEL,
            name="News",
            owner_id="alice",
            permissions=CHANNEL_PERMISSIONS,
        ),
        Member(conversation_id=channel, user_id="alice", role=Role.OWNER, rank=2),
        Member(conversation_id=channel, user_id="bob"),
    )
    seq = await chat.send(chat.alice, channel)
    assert (await chat.do(chat.bob, react(channel, seq))).entry_seq


async def test_reactors_come_in_pages(chat):
    seq = await chat.send(chat.carol, chat.team)
    for who in ("dave", "bob", "alice"):
        chat.clock.advance(1)
        await chat.do(who, react(chat.team, seq))
    await chat.do("carol", react(chat.team, seq, "🎉"))
    listing = {"conversation_id": chat.team, "seq": seq, "emoji": "👍", "limit": 2}
    page = await chat.do("carol", ListReactors(**listing))
    assert [one.user_id for one in page.reactors] == ["dave", "bob"]
    page = await chat.do("carol", ListReactors(**listing, after=page.next))
    assert ([one.user_id for one in page.reactors], page.next) == (["alice"], "")


async def test_metadata_shows_what_the_caller_may_see_in_the_range(chat):
    seqs = [await chat.send(chat.carol, chat.team) for _ in range(4)]
    for seq in seqs:
        await chat.do(chat.alice, react(chat.team, seq))

    async def seen(who, first=1, last=500):
        found = await chat.do(who, metadata(chat.team, first, last))
        return [one.seq for one in found.marks]

    assert await seen("bob") == seqs
    assert await seen("bob", seqs[1], seqs[2]) == seqs[1:3]
    await chat.put(
        Preference(user_id="bob", conversation_id=chat.team, cleared_seq=seqs[0]),
        HiddenMessage(user_id="bob", conversation_id=chat.team, seq=seqs[2]),
        Member(conversation_id=chat.team, user_id="dave", visible_from=seqs[3]),
        bump=[chat.team],
    )
    assert await seen("bob") == [seqs[1], seqs[3]]
    assert await seen("dave") == [seqs[3]]
    for first, last in ((5, 4), (1, 501)):
        with pytest.raises(Invalid):
            await seen("bob", first, last)


async def test_metadata_holds_reactions_pins_and_polls_together(chat):
    seq = await chat.send(chat.alice, chat.team, Poll("?", ("a", "b", "c"), multiple=True))
    await chat.do(chat.alice, PinMessage(conversation_id=chat.team, seq=seq))
    await chat.do(chat.bob, VotePoll(conversation_id=chat.team, seq=seq, choice=(2, 0)))
    await chat.do(chat.bob, react(chat.team, seq))
    await chat.do(chat.bob, react(chat.team, seq, add=False))
    (found,) = (await chat.do(chat.bob, metadata(chat.team))).marks
    assert found.pinned
    assert found.emojis == ()
    assert found.poll == PollInfo((1, 0, 1), 1, (0, 2), False)


async def test_pins_follow_the_permission_table(chat):
    first, second = [await chat.send(chat.carol, chat.team) for _ in range(2)]
    with pytest.raises(MayNotSpeak):
        await chat.do(chat.carol, PinMessage(conversation_id=chat.team, seq=first))
    for seq in (first, second, first):
        chat.clock.advance(1)
        await chat.do(chat.bob, PinMessage(conversation_id=chat.team, seq=seq))
    listed = (await chat.do(chat.dave, ListPins(conversation_id=chat.team))).pins
    assert [pin.message.seq for pin in listed] == [second, first]
    assert {pin.pinned_by for pin in listed} == {"bob"}
    await chat.do(chat.alice, UnpinMessage(conversation_id=chat.team, seq=second))
    assert (
        await chat.do(chat.alice, UnpinMessage(conversation_id=chat.team, seq=second))
    ).entry_seq == 0
    listed = (await chat.do(chat.dave, ListPins(conversation_id=chat.team))).pins
    assert [pin.message.seq for pin in listed] == [first]
    assert await chat.told(chat.team, MESSAGE_PINNED) == [
        ("bob", {"seq": first, "pinned": True}),
        ("bob", {"seq": second, "pinned": True}),
        ("alice", {"seq": second, "pinned": False}),
    ]


async def test_fifty_pins_are_enough_and_either_friend_pins(chat):
    seqs = [await chat.send(chat.alice, chat.direct) for _ in range(51)]
    for seq in seqs[:50]:
        await chat.do(chat.bob, PinMessage(conversation_id=chat.direct, seq=seq))
    with pytest.raises(LimitReached):
        await chat.do(chat.bob, PinMessage(conversation_id=chat.direct, seq=seqs[50]))
    await chat.do(chat.alice, UnpinMessage(conversation_id=chat.direct, seq=seqs[7]))
    await chat.do(chat.bob, PinMessage(conversation_id=chat.direct, seq=seqs[50]))


async def test_favourites_are_references_in_pages(chat):
    seqs = []
    for n in range(5):
        chat.clock.advance(1)
        seqs.append(await chat.send(chat.alice, chat.team, f"m{n}"))
        await chat.do(chat.bob, KeepFavourite(conversation_id=chat.team, seq=seqs[-1]))
    again = await chat.do(chat.bob, KeepFavourite(conversation_id=chat.team, seq=seqs[0]))
    assert again.entry_seq == 0
    await chat.do(
        chat.alice, EditMessage(conversation_id=chat.team, seq=seqs[4], content=Text("edited"))
    )
    await chat.do(chat.alice, RecallMessage(conversation_id=chat.team, seq=seqs[3]))
    await chat.do(chat.bob, DropFavourite(conversation_id=chat.team, seq=seqs[2]))
    dropped = await chat.do(chat.bob, DropFavourite(conversation_id=chat.team, seq=seqs[2]))
    assert dropped.entry_seq == 0
    texts, after = [], ""
    for _ in range(3):
        page = await chat.do(chat.bob, ListFavourites(limit=1, after=after))
        texts += [decode_body(one.message).content.text for one in page.favourites]
        after = page.next
    assert (texts, after) == (["edited", "m1", "m0"], "")
    kept = [(body["seq"], body["kept"]) for _, body in await chat.told("@bob", FAVOURITE_CHANGED)]
    assert kept == [*((seq, True) for seq in seqs), (seqs[2], False)]
    assert (await chat.do(chat.alice, ListFavourites())).favourites == ()


async def test_favourites_survive_leaving_but_are_made_by_members_only(chat):
    seq = await chat.send(chat.alice, chat.team)
    await chat.do(chat.dave, KeepFavourite(conversation_id=chat.team, seq=seq))
    gone = Member(conversation_id=chat.team, user_id="dave", active=False, visible_until=seq)
    await chat.put(gone, bump=[chat.team])
    assert len((await chat.do(chat.dave, ListFavourites())).favourites) == 1
    with pytest.raises(NotAMember):
        await chat.do(chat.dave, KeepFavourite(conversation_id=chat.team, seq=seq))
    with pytest.raises(NotFound):
        await chat.do(chat.bob, KeepFavourite(conversation_id=chat.team, seq=99))
    burns = await chat.send(chat.alice, chat.direct, burn_after_ms=1000)
    with pytest.raises(NotForwardable):
        await chat.do(chat.bob, KeepFavourite(conversation_id=chat.direct, seq=burns))


async def test_a_favourite_is_as_its_keeper_may_see_the_message(chat):
    seq = await chat.send(chat.alice, chat.team, "then")
    await chat.do(chat.dave, KeepFavourite(conversation_id=chat.team, seq=seq))
    gone = Member(conversation_id=chat.team, user_id="dave", active=False, visible_until=seq)
    await chat.put(gone, bump=[chat.team])
    edit = EditMessage(conversation_id=chat.team, seq=seq, content=Text("now"))
    await chat.do(chat.alice, edit)
    (kept,) = (await chat.do(chat.dave, ListFavourites())).favourites
    assert decode_body(kept.message).content.text == "then"
    back = Member(conversation_id=chat.team, user_id="dave", visible_from=seq + 1)
    await chat.put(back, bump=[chat.team])
    assert (await chat.do(chat.dave, ListFavourites())).favourites == ()
    back = Member(conversation_id=chat.team, user_id="dave")
    await chat.put(back, bump=[chat.team])
    (kept,) = (await chat.do(chat.dave, ListFavourites())).favourites
    assert decode_body(kept.message).content.text == "now"


async def test_nothing_is_marked_once_it_is_gone(chat):
    seq = await chat.send(chat.bob, chat.team)
    await chat.do(chat.bob, RecallMessage(conversation_id=chat.team, seq=seq))
    for command in (
        react(chat.team, seq),
        PinMessage(conversation_id=chat.team, seq=seq),
        KeepFavourite(conversation_id=chat.team, seq=seq),
    ):
        with pytest.raises(Gone):
            await chat.do(chat.bob, command)
