"""The archive of one user: all that they may see, in one order, page by page."""

import pytest

from hongyan.domain.conversation.api import ClearConversation, HideMessages, Sync
from hongyan.domain.conversation.archive_api import GetArchive, GetGeneration
from hongyan.kernel.errors import Invalid

from .conftest import ALICE, BOB, CAROL, TEAM

OTHER = "g" + "b" * 16


async def archive_of(world, who=ALICE, **how):
    page = await world.call(who, GetArchive(**how))
    return [(one.entry.log_id, one.entry.seq) for one in page.entries], page


async def test_it_merges_all_logs_of_a_user_and_no_others(world):
    await world.group(TEAM, (ALICE, BOB))
    await world.group(OTHER, (BOB, CAROL))
    for who, where in ((ALICE, TEAM), (BOB, OTHER), (BOB, TEAM), (ALICE, "@alice"), (BOB, "@bob")):
        await world.say(who, where)
    assert (await archive_of(world))[0] == [(TEAM, 1), (TEAM, 2), ("@alice", 1)]
    bobs = [(TEAM, 1), (OTHER, 1), (TEAM, 2), ("@bob", 1)]
    assert (await archive_of(world, BOB))[0] == bobs
    assert (await archive_of(world, BOB, newest_first=True))[0] == bobs[::-1]


async def test_pages_follow_each_other_both_ways(world):
    await world.group(TEAM, (ALICE, BOB))
    for number in range(9):
        await world.say(ALICE, (TEAM, "@alice")[number % 2])
    whole, _ = await archive_of(world, limit=500)
    for newest_first, name in ((False, "after"), (True, "before")):
        found, place = [], ""
        while True:
            some, page = await archive_of(
                world, limit=2, newest_first=newest_first, **{name: place}
            )
            found += some
            if not page.more:
                break
            place = page.next
        assert found == (whole[::-1] if newest_first else whole)
    texts = [one.position for one in (await archive_of(world))[1].entries]
    assert texts == sorted(set(texts))


async def test_an_empty_page_tells_where_it_ends_now(world):
    await world.group(TEAM, (ALICE, BOB))
    await world.say(ALICE, TEAM)
    _, page = await archive_of(world, limit=0)
    await world.say(BOB, TEAM)
    assert (await archive_of(world, after=page.next))[0] == [(TEAM, 2)]
    _, last = await archive_of(world, limit=500)
    assert await archive_of(world, after=last.next) == (
        [],
        type(last)((), last.next, False, last.generation),
    )


async def test_only_what_may_be_seen_is_in_it(world):
    await world.group(TEAM, (ALICE, BOB))
    for _ in range(3):
        await world.say(BOB, TEAM)
    await world.call(ALICE, ClearConversation(conversation_id=TEAM))
    for _ in range(3):
        await world.say(BOB, TEAM)
    await world.say(BOB, TEAM, "message.edited", about=2)
    await world.say(BOB, TEAM, "message.edited", about=5)
    await world.call(ALICE, HideMessages(conversation_id=TEAM, seqs=(5,)))
    seen = [seq for log_id, seq in (await archive_of(world))[0] if log_id == TEAM]
    assert seen == [4, 6]


@pytest.mark.parametrize(
    "how", [{"limit": 501}, {"limit": -1}, {"after": "x"}, {"before": "1"}, {"after": "F" * 16}]
)
async def test_what_is_wrong_is_refused(world, how):
    with pytest.raises(Invalid):
        await world.call(ALICE, GetArchive(**how))


async def test_all_tell_the_same_generation(world):
    told = (await world.call(ALICE, GetGeneration())).generation
    assert told
    assert (await world.call(ALICE, Sync())).generation == told
    assert (await archive_of(world))[1].generation == told
