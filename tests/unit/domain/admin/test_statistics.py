"""Counters that are exact whenever the server stops."""

from hongyan.domain.admin.api import GetStatistics, Statistics
from hongyan.domain.admin.statistics import READER
from hongyan.domain.conversation.api import OpenDirect
from hongyan.domain.group.api import CreateGroup
from hongyan.domain.user.api_credentials import DeleteMe

from .conftest import PASSWORD, House

DAY_MS = 86_400_000


async def statistics(house: House) -> Statistics:
    await house.tick("Counting")
    found: Statistics = await house.operate(GetStatistics())
    return found


async def test_everything_is_counted(house: House) -> None:
    await house.add("li", "wang", "zhao")
    direct = (await house.do("li", OpenDirect(user_id="wang"))).conversation_id
    made = await house.do("wang", CreateGroup(client_id="1", name="Tea", user_ids=("li",)))
    for _ in range(3):
        await house.say("li", direct)
    house.clock.advance(DAY_MS)
    await house.say("wang", made.conversation_id)
    told = await statistics(house)
    assert (told.users, told.messages) == (3, 4)
    assert (told.conversations["direct"], told.conversations["group"]) == (1, 1)
    assert [(day.messages, day.active_users) for day in told.days[-2:]] == [(3, 2), (1, 1)]
    assert (told.active_today, told.active_7_days, told.active_30_days) == (1, 2, 2)
    assert (len(told.days), told.days[-1].date) == (30, "2023-11-15")


async def test_old_activity_drops_out(house: House) -> None:
    await house.add("li", "wang")
    direct = (await house.do("li", OpenDirect(user_id="wang"))).conversation_id
    await house.say("li", direct)
    await statistics(house)
    house.clock.advance(8 * DAY_MS)
    await house.say("wang", direct)
    told = await statistics(house)
    assert (told.active_today, told.active_7_days, told.active_30_days) == (1, 1, 2)
    house.clock.advance(40 * DAY_MS)
    told = await statistics(house)
    assert (told.active_30_days, told.messages) == (0, 2)


async def test_a_restart_counts_nothing_twice_and_misses_nothing(house: House) -> None:
    await house.add("li", "wang")
    direct = (await house.do("li", OpenDirect(user_id="wang"))).conversation_id
    for number in range(5):
        await house.say("li", direct)
        if number % 2:
            await statistics(house)
        await house.services.close()
        house.build()
    told = await statistics(house)
    assert (told.messages, told.days[-1].active_users, told.active_today) == (5, 1, 1)
    assert await house.store.place(READER) == (await house.store.follow(0, 1000))[-1][0]


async def test_nothing_is_read_while_nothing_happens(house: House) -> None:
    await statistics(house)
    house.services.counting._feed = None  # type: ignore[assignment]
    assert await house.services.counting.tick(0) == 0


async def test_the_deleted_are_no_users(house: House) -> None:
    await house.add("li", "wang")
    await house.do("li", DeleteMe(password=PASSWORD))
    assert (await statistics(house)).users == 1
