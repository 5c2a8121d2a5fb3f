"""Counters that are exact whenever the server stops."""

from hongyan.domain.admin.commands import GetStatistics, Statistics
from hongyan.domain.admin.statistics import READER
from hongyan.domain.conversation.commands import OpenDirect
from hongyan.domain.group.commands import CreateGroup
from hongyan.domain.log.model import Commit, SaveOffset, position_of
from hongyan.domain.user.commands_credentials import DeleteMe

from .conftest import PASSWORD, Harness

DAY_MS = 86_400_000


async def statistics(harness: Harness) -> Statistics:
    await harness.count()
    found: Statistics = await harness.operate(GetStatistics())
    return found


async def test_everything_is_counted(harness: Harness) -> None:
    await harness.add("li", "wang", "zhao")
    direct = (await harness.do("li", OpenDirect(user_id="wang"))).conversation_id
    made = await harness.do("wang", CreateGroup(client_id="1", name="Tea", user_ids=("li",)))
    for _ in range(3):
        await harness.say("li", direct)
    harness.clock.advance(DAY_MS)
    await harness.say("wang", made.conversation_id)
    told = await statistics(harness)
    assert (told.users, told.messages) == (3, 4)
    assert (told.conversations["direct"], told.conversations["group"]) == (1, 1)
    assert [(day.messages, day.active_users) for day in told.days[-2:]] == [(3, 2), (1, 1)]
    assert (told.active_today, told.active_7_days, told.active_30_days) == (1, 2, 2)
    assert (len(told.days), told.days[-1].date) == (30, "2023-11-15")


async def test_old_activity_drops_out(harness: Harness) -> None:
    await harness.add("li", "wang")
    direct = (await harness.do("li", OpenDirect(user_id="wang"))).conversation_id
    await harness.say("li", direct)
    await statistics(harness)
    harness.clock.advance(8 * DAY_MS)
    await harness.say("wang", direct)
    told = await statistics(harness)
    assert (told.active_today, told.active_7_days, told.active_30_days) == (1, 1, 2)
    harness.clock.advance(40 * DAY_MS)
    told = await statistics(harness)
    assert (told.active_30_days, told.messages) == (0, 2)


async def test_a_restart_counts_nothing_twice_and_misses_nothing(harness: Harness) -> None:
    await harness.add("li", "wang")
    direct = (await harness.do("li", OpenDirect(user_id="wang"))).conversation_id
    for number in range(5):
        await harness.say("li", direct)
        if number % 2:
            await statistics(harness)
        await harness.services.close()
        harness.build()
    told = await statistics(harness)
    assert (told.messages, told.days[-1].active_users, told.active_today) == (5, 1, 1)
    assert (
        position_of(await harness.store.offset(READER))
        == (await harness.store.follow(0, 1000))[-1][0]
    )


async def test_counted_anew_they_come_to_the_same(harness: Harness) -> None:
    await harness.add("li", "wang")
    direct = (await harness.do("li", OpenDirect(user_id="wang"))).conversation_id
    await harness.say("li", direct)
    before = await statistics(harness)
    changes = (*await harness.services.counting.clear(), SaveOffset(READER, b""))
    await harness.store.commit(Commit(changes=changes))
    assert (await harness.operate(GetStatistics())).messages == 0
    assert await statistics(harness) == before


async def test_the_deleted_are_no_users(harness: Harness) -> None:
    await harness.add("li", "wang")
    await harness.do("li", DeleteMe(password=PASSWORD))
    assert (await statistics(harness)).users == 1
