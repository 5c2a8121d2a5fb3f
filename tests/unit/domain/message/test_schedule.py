"""Scheduled messages: sent once, at their time, or said why not."""

import asyncio

import pytest

from hongyan.domain.group.commands import NotAMember
from hongyan.domain.group.model import Member
from hongyan.domain.message.commands import (
    ListSchedules,
    RescheduleMessage,
    ScheduleMessage,
    UnscheduleMessage,
)
from hongyan.domain.message.model import MESSAGE, SCHEDULE_CHANGED, Text
from hongyan.domain.message.rows import ScheduledMessage
from hongyan.domain.user.model import User
from hongyan.kernel.errors import Invalid, LimitReached, NotFound, StorageFull

HOUR_MS = 3600 * 1000


@pytest.fixture
def plan(chat):
    """Schedule a message of Carol's to the group."""

    async def plan(after_ms=HOUR_MS, client_id="later", who="carol", where=chat.team, **more):
        command = ScheduleMessage(
            conversation_id=where,
            client_id=client_id,
            content=more.pop("content", Text("good morning")),
            at_ms=chat.clock.now_ms() + after_ms,
            **more,
        )
        return await chat.do(who, command)

    return plan


async def run(chat, after_ms=0):
    chat.clock.advance(after_ms)
    return await chat.scheduling.run(chat.clock.now_ms())


async def texts(chat):
    entries = await chat.store.read(chat.team, 1, 1000, 1000, kinds=(MESSAGE,))
    return [
        (entry.sender, (await chat.body(chat.team, entry.seq)).content.text) for entry in entries
    ]


async def states(chat, who="carol"):
    return [body["state"] for _, body in await chat.told("@" + who, SCHEDULE_CHANGED)]


async def test_it_is_sent_at_its_time_and_only_once(chat, plan):
    noted = await plan()
    assert noted.entry_seq == 1
    assert await run(chat, HOUR_MS - 1) == 0
    assert await texts(chat) == []
    assert await run(chat, 1) == 1
    assert await texts(chat) == [("carol", "good morning")]
    assert await run(chat, HOUR_MS) == 0
    assert await states(chat) == ["waiting", "sent"]
    assert (await chat.do(chat.carol, ListSchedules())).schedules == ()
    (entry,) = await chat.store.read(chat.team, 1, 9, 9)
    assert (entry.client_id, entry.sent_at_ms) == ("later", chat.clock.now_ms() - HOUR_MS)


async def test_workers_that_tick_at_once_send_it_once(chat, plan):
    await plan()
    chat.clock.advance(HOUR_MS)
    other = chat.another_worker()
    await asyncio.gather(run(chat), run(other), run(chat))
    assert len(await texts(chat)) == 1
    assert await states(chat) == ["waiting", "sent"]


async def test_a_retry_schedules_nothing_twice_even_after_it_was_sent(chat, plan):
    first = await plan()
    assert await plan() == first
    await run(chat, HOUR_MS)
    assert await plan() == first
    await run(chat, 2 * HOUR_MS)
    assert len(await texts(chat)) == 1
    assert await chat.rows(ScheduledMessage) == 0


async def test_one_sent_by_hand_before_is_not_sent_again(chat, plan):
    await plan(client_id="mine")
    await chat.send(chat.carol, chat.team, "already", client_id="mine")
    await run(chat, HOUR_MS)
    assert await texts(chat) == [("carol", "already")]
    assert await chat.rows(ScheduledMessage) == 0
    assert await states(chat) == ["waiting", "sent"]


async def test_it_can_be_listed_moved_and_cancelled(chat, plan):
    for n, hours in enumerate((3, 1, 2)):
        await plan(hours * HOUR_MS, f"s{n}")
    now_ms = chat.clock.now_ms()
    await chat.do(chat.carol, RescheduleMessage(client_id="s1", at_ms=now_ms + 5 * HOUR_MS))
    await chat.do(chat.carol, UnscheduleMessage(client_id="s2"))
    found = (await chat.do(chat.carol, ListSchedules())).schedules
    assert [(one.client_id, (one.at_ms - now_ms) // HOUR_MS) for one in found] == [
        ("s0", 3),
        ("s1", 5),
    ]
    assert (await chat.do(chat.dave, ListSchedules())).schedules == ()
    for command in (
        UnscheduleMessage(client_id="s2"),
        RescheduleMessage(client_id="s2", at_ms=now_ms + 1),
    ):
        with pytest.raises(NotFound):
            await chat.do(chat.carol, command)
    with pytest.raises(NotFound):
        await chat.do(chat.dave, UnscheduleMessage(client_id="s0"))
    await run(chat, 4 * HOUR_MS)
    assert len(await texts(chat)) == 1
    assert await states(chat) == ["waiting"] * 4 + ["cancelled", "sent"]


async def test_what_is_cancelled_while_it_is_being_sent_is_either_sent_or_cancelled(chat, plan):
    for n in range(6):
        await plan(client_id=f"s{n}")
        chat.clock.advance(HOUR_MS)
        outcome, _ = await asyncio.gather(
            chat.do(chat.carol, UnscheduleMessage(client_id=f"s{n}")),
            run(chat),
            return_exceptions=True,
        )
        entries = await chat.store.find(chat.team, chat.carol, f"s{n}")
        assert (entries is not None) == isinstance(outcome, NotFound)


async def test_a_refusal_is_told_and_can_be_mended(chat, plan):
    await plan()
    await chat.put(
        Member(conversation_id=chat.team, user_id="carol", muted_until_ms=-1), bump=[chat.team]
    )
    await run(chat, HOUR_MS)
    assert await run(chat, HOUR_MS) == 0
    assert await texts(chat) == []
    *_, (_, body) = await chat.told("@carol", SCHEDULE_CHANGED)
    assert (body["state"], body["code"]) == ("failed", "muted")
    (failed,) = (await chat.do(chat.carol, ListSchedules())).schedules
    assert (failed.failed_code, failed.content.text) == ("muted", "good morning")
    await chat.put(Member(conversation_id=chat.team, user_id="carol"), bump=[chat.team])
    at_ms = chat.clock.now_ms() + 1
    await chat.do(chat.carol, RescheduleMessage(client_id="later", at_ms=at_ms))
    await run(chat, 1)
    assert len(await texts(chat)) == 1


async def test_a_passing_trouble_is_tried_again(chat, plan, monkeypatch):
    await plan()

    async def full(*_):
        raise StorageFull

    sending = chat.scheduling._sending
    monkeypatch.setattr(sending, "deliver", full)
    assert await run(chat, HOUR_MS) == 1
    assert await run(chat, 1000) == 0
    monkeypatch.undo()
    assert await run(chat, 4000) == 1
    assert len(await texts(chat)) == 1
    assert await states(chat) == ["waiting", "sent"]


async def test_who_has_left_or_was_deactivated_sends_nothing(chat, plan):
    await plan()
    await plan(who="dave")
    await chat.put(
        Member(conversation_id=chat.team, user_id="carol", active=False),
        User(user_id="dave", state="deactivated"),
        bump=[chat.team],
    )
    await run(chat, HOUR_MS)
    assert await texts(chat) == []
    codes = [
        (await chat.told("@" + who, SCHEDULE_CHANGED))[-1][1]["code"] for who in ("carol", "dave")
    ]
    assert codes == ["not_a_member", "forbidden"]


async def test_what_cannot_be_sent_is_not_scheduled(chat, plan):
    with pytest.raises(NotAMember):
        await plan(who="stranger")
    for wrong in (
        {"after_ms": 0},
        {"after_ms": 400 * 24 * HOUR_MS},
        {"content": Text(" ")},
        {"burn_after_ms": 1000},
        {"client_id": ""},
    ):
        with pytest.raises(Invalid):
            await plan(**wrong)
    await plan()
    with pytest.raises(Invalid):
        await chat.do(chat.carol, RescheduleMessage(client_id="later", at_ms=chat.clock.now_ms()))


async def test_a_hundred_wait_and_no_more(chat, plan):
    plans = [plan(client_id=f"s{n}") for n in range(104)]
    done = await asyncio.gather(*plans, return_exceptions=True)
    assert sum(isinstance(one, LimitReached) for one in done) == 4
    assert await chat.rows(ScheduledMessage) == 100
    accepted = next(n for n, one in enumerate(done) if not isinstance(one, Exception))
    await chat.do(chat.carol, UnscheduleMessage(client_id=f"s{accepted}"))
    await plan(client_id="one more")
