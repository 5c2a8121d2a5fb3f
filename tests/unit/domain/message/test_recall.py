"""Recalling: who may, until when, and that nothing is left."""

import asyncio

import pytest

from hongyan.domain.conversation.model import Mention
from hongyan.domain.group.model import Group, Member, Role
from hongyan.domain.log.model import Commit, Put
from hongyan.domain.message.commands import (
    EditMessage,
    Gone,
    ListRevisions,
    RecallMessage,
    TooLate,
)
from hongyan.domain.message.commands_metadata import (
    KeepFavourite,
    ListFavourites,
    ListPins,
    PinMessage,
    React,
    VotePoll,
)
from hongyan.domain.message.model import (
    MESSAGE_RECALLED,
    Entity,
    Poll,
    Text,
)
from hongyan.domain.message.removal import AT_ONCE
from hongyan.domain.message.rows import Favourite, MessageMetadata, Reaction, Revision, Vote
from hongyan.kernel.errors import Forbidden, NotFound
from hongyan.kernel.ids import self_id

MINUTE_MS = 60_000


def recall(where, seq):
    return RecallMessage(conversation_id=where, seq=seq)


async def test_a_recalled_message_leaves_no_text_anywhere(chat):
    secret = Text(
        "secret @all @bob", (Entity("mention_all", 7, 4), Entity("mention", 12, 4, "bob"))
    )
    seq = await chat.send(chat.alice, chat.team, secret)
    await chat.send(chat.bob, chat.team, "what?", quote_seq=seq)
    for text in ("secret two", "secret three"):
        content = Text(text, (Entity("mention", 0, 1, "bob"), Entity("mention_all", 0, 1)))
        await chat.do(chat.alice, EditMessage(conversation_id=chat.team, seq=seq, content=content))
    await chat.do(chat.bob, React(conversation_id=chat.team, seq=seq, emoji="👍"))
    await chat.do(chat.alice, PinMessage(conversation_id=chat.team, seq=seq))
    await chat.do(chat.carol, KeepFavourite(conversation_id=chat.team, seq=seq))
    assert await chat.rows(Mention, Revision, Reaction, MessageMetadata, Favourite) == 6
    assert (await chat.store.get(Group, chat.team)).mention_all_seqs == (seq,)

    noted = await chat.do(chat.alice, recall(chat.team, seq))

    assert "secret" not in await chat.everything(chat.team)
    assert "secret" not in await chat.everything("@carol")
    body = await chat.body(chat.team, seq)
    assert (body.content, body.recalled_by, body.version) == (None, chat.alice, 3)
    assert await chat.rows(Mention, Revision, Reaction, MessageMetadata, Favourite) == 0
    assert (await chat.store.get(Group, chat.team)).mention_all_seqs == ()
    assert (await chat.do(chat.carol, ListFavourites())).favourites == ()
    assert (await chat.do(chat.carol, ListPins(conversation_id=chat.team))).pins == ()
    found = await chat.do(chat.carol, ListRevisions(conversation_id=chat.team, seq=seq))
    assert found.revisions == ()
    (entry,) = await chat.store.read(chat.team, noted.entry_seq, noted.entry_seq, 1)
    assert (entry.kind, entry.sender) == (MESSAGE_RECALLED, chat.alice)


async def test_a_poll_goes_with_its_votes(chat):
    seq = await chat.send(chat.carol, chat.team, Poll("?", ("a", "b")))
    await chat.do(chat.dave, VotePoll(conversation_id=chat.team, seq=seq, choice=(1,)))
    await chat.do(chat.carol, recall(chat.team, seq))
    assert await chat.rows(Vote, MessageMetadata) == 0


async def test_recalling_again_changes_nothing(chat):
    seq = await chat.send(chat.carol, chat.team)
    first = await chat.do(chat.carol, recall(chat.team, seq))
    assert first.entry_seq == seq + 1
    assert (await chat.do(chat.carol, recall(chat.team, seq))).entry_seq == 0
    assert len(await chat.told(chat.team, MESSAGE_RECALLED)) == 1


@pytest.mark.parametrize(
    ("author", "who", "refusal"),
    [
        ("carol", "carol", None),
        ("carol", "dave", Forbidden),
        ("carol", "bob", None),
        ("carol", "alice", None),
        ("bob", "alice", None),
        ("alice", "bob", Forbidden),
        ("alice", "carol", Forbidden),
    ],
)
async def test_rank_decides_whose_messages_one_may_recall(chat, author, who, refusal):
    seq = await chat.send(author, chat.team)
    if refusal is None:
        await chat.do(who, recall(chat.team, seq))
        assert (await chat.body(chat.team, seq)).recalled_by == who
    else:
        with pytest.raises(refusal):
            await chat.do(who, recall(chat.team, seq))
        assert (await chat.body(chat.team, seq)).content is not None


async def test_an_equal_admin_may_not_but_may_once_the_author_has_left(chat):
    seq = await chat.send(chat.bob, chat.team)
    carol = Member(conversation_id=chat.team, user_id="carol", role=Role.ADMIN, rank=1)
    await chat.put(carol, bump=[chat.team])
    with pytest.raises(Forbidden):
        await chat.do(chat.carol, recall(chat.team, seq))
    bob = Member(conversation_id=chat.team, user_id="bob", role=Role.ADMIN, rank=-1, active=False)
    await chat.put(bob, bump=[chat.team])
    await chat.do(chat.carol, recall(chat.team, seq))


async def test_members_have_two_minutes_and_admins_all_the_time(chat):
    old = {who: await chat.send(who, chat.team) for who in (chat.bob, chat.carol, chat.dave)}
    direct = await chat.send(chat.alice, chat.direct)
    chat.clock.advance(2 * MINUTE_MS)
    await chat.do(chat.dave, recall(chat.team, old[chat.dave]))
    chat.clock.advance(1)
    with pytest.raises(TooLate) as refused:
        await chat.do(chat.carol, recall(chat.team, old[chat.carol]))
    assert refused.value.details == {"window_ms": 2 * MINUTE_MS}
    with pytest.raises(TooLate):
        await chat.do(chat.alice, recall(chat.direct, direct))
    with pytest.raises(Forbidden):
        await chat.do(chat.bob, recall(chat.direct, direct))
    await chat.do(chat.bob, recall(chat.team, old[chat.bob]))
    await chat.do(chat.bob, recall(chat.team, old[chat.carol]))


async def test_a_note_to_self_can_always_be_recalled(chat):
    notes = self_id(chat.alice)
    await chat.put(Member(conversation_id=notes, user_id=chat.alice))
    seq = await chat.send(chat.alice, notes)
    chat.clock.advance(10**10)
    await chat.do(chat.alice, recall(notes, seq))
    assert (await chat.body(notes, seq)).content is None


async def test_only_messages_can_be_recalled(chat):
    seq = await chat.send(chat.carol, chat.team)
    noted = await chat.do(chat.carol, recall(chat.team, seq))
    with pytest.raises(NotFound):
        await chat.do(chat.alice, recall(chat.team, noted.entry_seq))


async def test_a_recall_and_a_reaction_at_once_leave_no_reaction(chat):
    other = chat.another_worker()
    for _ in range(5):
        seq = await chat.send(chat.carol, chat.team)
        react = React(conversation_id=chat.team, seq=seq, emoji="👍")
        await asyncio.gather(
            other.do(chat.dave, react),
            chat.do(chat.carol, recall(chat.team, seq)),
            return_exceptions=True,
        )
        assert await chat.rows(Reaction, MessageMetadata) == 0
        with pytest.raises(Gone):
            await chat.do(chat.dave, react)


async def test_what_is_gone_cannot_be_quoted(chat):
    seq = await chat.send(chat.carol, chat.team)
    await chat.do(chat.carol, recall(chat.team, seq))
    with pytest.raises(Gone):
        await chat.send(chat.dave, chat.team, "that one", quote_seq=seq)


async def test_more_than_fits_in_one_commit_is_swept_up(chat):
    seq = await chat.send(chat.carol, chat.team)
    rows = [
        Reaction(conversation_id=chat.team, seq=seq, user_id=f"u{n}", emoji="👍", at_ms=n)
        for n in range(AT_ONCE + 5)
    ]
    await chat.store.commit(Commit(changes=tuple(Put(row) for row in rows)))
    await chat.do(chat.carol, recall(chat.team, seq))
    assert await chat.rows(Reaction) == 0
