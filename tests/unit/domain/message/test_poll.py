"""Polls: exact tallies, one's own choice, anonymity, and the end."""

import asyncio

import pytest

from hongyan.domain.group.model import Member
from hongyan.domain.message.commands_metadata import (
    ClosePoll,
    ListMarks,
    ListVotes,
    PollEnded,
    VotePoll,
)
from hongyan.domain.message.model import POLL_CLOSED, POLL_VOTED, Poll
from hongyan.domain.message.rows import Vote
from hongyan.kernel.errors import Forbidden, Invalid, NotFound
from hongyan.kernel.ids import SYSTEM


def vote(where, seq, *choice):
    return VotePoll(conversation_id=where, seq=seq, choice=choice)


async def test_a_vote_replaces_the_former_one(chat):
    seq = await chat.send(chat.carol, chat.team, Poll("Lunch?", ("noodles", "rice")))
    tally = await chat.do(chat.dave, vote(chat.team, seq, 0))
    assert (tally.entry_seq, tally.tallies, tally.voters) == (seq + 1, (1, 0), 1)
    await chat.do(chat.bob, vote(chat.team, seq, 0))
    tally = await chat.do(chat.dave, vote(chat.team, seq, 1))
    assert (tally.tallies, tally.voters) == ((1, 1), 2)
    again = await chat.do(chat.dave, vote(chat.team, seq, 1))
    assert (again.entry_seq, again.tallies) == (0, (1, 1))
    tally = await chat.do(chat.bob, vote(chat.team, seq))
    assert (tally.tallies, tally.voters) == ((0, 1), 1)
    told = await chat.told(chat.team, POLL_VOTED)
    assert [(who, body["choice"], body["tallies"]) for who, body in told] == [
        ("dave", [0], [1, 0]),
        ("bob", [0], [2, 0]),
        ("dave", [1], [1, 1]),
        ("bob", [], [0, 1]),
    ]


async def test_votes_at_once_are_counted_exactly(chat):
    seq = await chat.send(chat.carol, chat.team, Poll("?", ("a", "b", "c"), multiple=True))
    people = [f"p{n}" for n in range(20)]
    await chat.put(*(Member(conversation_id=chat.team, user_id=who) for who in people))
    workers = (chat, chat.another_worker())
    await asyncio.gather(
        *(
            workers[n % 2].do(who, vote(chat.team, seq, n % 3, (n + 1) % 3))
            for n, who in enumerate(people)
        )
    )
    tally = await chat.do(chat.carol, ClosePoll(conversation_id=chat.team, seq=seq))
    assert (tally.tallies, tally.voters) == ((13, 14, 13), 20)


async def test_an_anonymous_poll_tells_nobody_who_voted(chat):
    seq = await chat.send(chat.carol, chat.team, Poll("?", ("a", "b"), anonymous=True))
    await chat.do(chat.dave, vote(chat.team, seq, 1))
    (told,) = await chat.told(chat.team, POLL_VOTED)
    assert told == (SYSTEM, {"seq": seq, "tallies": [0, 1], "voters": 1, "choice": None})
    with pytest.raises(Forbidden):
        await chat.do(chat.carol, ListVotes(conversation_id=chat.team, seq=seq))
    metadata = ListMarks(conversation_id=chat.team, first_seq=1, last_seq=9)
    ((mine),) = (await chat.do(chat.dave, metadata)).marks
    assert mine.poll.mine == (1,)
    ((others),) = (await chat.do(chat.carol, metadata)).marks
    assert (others.poll.mine, others.poll.tallies) == ((), (0, 1))


async def test_votes_of_an_open_poll_come_in_pages(chat):
    seq = await chat.send(chat.carol, chat.team, Poll("?", ("a", "b")))
    for who in (chat.dave, chat.alice, chat.bob):
        await chat.do(who, vote(chat.team, seq, 1))
    listing = {"conversation_id": chat.team, "seq": seq, "limit": 2}
    page = await chat.do(chat.carol, ListVotes(**listing))
    assert [(one.user_id, one.choice) for one in page.votes] == [("alice", (1,)), ("bob", (1,))]
    page = await chat.do(chat.carol, ListVotes(**listing, after=page.next))
    assert ([one.user_id for one in page.votes], page.next) == (["dave"], "")


async def test_impossible_choices_are_refused(chat):
    single = await chat.send(chat.carol, chat.team, Poll("?", ("a", "b")))
    multiple = await chat.send(chat.carol, chat.team, Poll("?", ("a", "b"), multiple=True))
    for seq, choice in ((single, (2,)), (single, (-1,)), (single, (0, 1)), (multiple, (1, 1))):
        with pytest.raises(Invalid):
            await chat.do(chat.dave, vote(chat.team, seq, *choice))
    text = await chat.send(chat.carol, chat.team)
    with pytest.raises(NotFound):
        await chat.do(chat.dave, vote(chat.team, text, 0))
    assert await chat.rows(Vote) == 0


async def test_its_author_or_a_higher_rank_closes_it(chat):
    seq = await chat.send(chat.carol, chat.team, Poll("?", ("a", "b")))
    close = ClosePoll(conversation_id=chat.team, seq=seq)
    with pytest.raises(Forbidden):
        await chat.do(chat.dave, close)
    tally = await chat.do(chat.bob, close)
    assert (tally.entry_seq, tally.tallies) == (seq + 1, (0, 0))
    assert (await chat.do(chat.carol, close)).entry_seq == 0
    with pytest.raises(PollEnded):
        await chat.do(chat.dave, vote(chat.team, seq, 0))
    assert await chat.told(chat.team, POLL_CLOSED) == [
        ("bob", {"seq": seq, "tallies": [0, 0], "voters": 0})
    ]
    of_admin = await chat.send(chat.bob, chat.team, Poll("?", ("a", "b")))
    with pytest.raises(Forbidden):
        await chat.do(chat.carol, ClosePoll(conversation_id=chat.team, seq=of_admin))


async def test_a_poll_ends_by_itself_at_its_time(chat):
    ends_ms = chat.clock.now_ms() + 1000
    seq = await chat.send(chat.carol, chat.team, Poll("?", ("a", "b"), closes_at_ms=ends_ms))
    chat.clock.advance(999)
    await chat.do(chat.dave, vote(chat.team, seq, 0))
    chat.clock.advance(1)
    with pytest.raises(PollEnded):
        await chat.do(chat.bob, vote(chat.team, seq, 0))
