"""The archive of one user: all that they may see, in one order, page by page."""

import pytest

from hongyan.domain.conversation.commands import ClearConversation, HideMessages, Sync
from hongyan.domain.conversation.commands_archive import GetArchive, GetGeneration
from hongyan.kernel.errors import Invalid

from .conftest import ALICE, BOB, CAROL, TEAM

OTHER = "g" + "b" * 16


async def archive_of(harness, who=ALICE, **how):
    page = await harness.call(who, GetArchive(**how))
    return [(one.entry.log_id, one.entry.seq) for one in page.entries], page


async def test_it_merges_all_logs_of_a_user_and_no_others(harness):
    await harness.group(TEAM, (ALICE, BOB))
    await harness.group(OTHER, (BOB, CAROL))
    for who, where in ((ALICE, TEAM), (BOB, OTHER), (BOB, TEAM), (ALICE, "@alice"), (BOB, "@bob")):
        await harness.say(who, where)
    assert (await archive_of(harness))[0] == [(TEAM, 1), (TEAM, 2), ("@alice", 1)]
    bobs = [(TEAM, 1), (OTHER, 1), (TEAM, 2), ("@bob", 1)]
    assert (await archive_of(harness, BOB))[0] == bobs
    assert (await archive_of(harness, BOB, newest_first=True))[0] == bobs[::-1]


async def test_pages_follow_each_other_both_ways(harness):
    await harness.group(TEAM, (ALICE, BOB))
    for number in range(9):
        await harness.say(ALICE, (TEAM, "@alice")[number % 2])
    whole, _ = await archive_of(harness, limit=500)
    for newest_first, name in ((False, "after"), (True, "before")):
        found, place = [], ""
        while True:
            some, page = await archive_of(
                harness, limit=2, newest_first=newest_first, **{name: place}
            )
            found += some
            if not page.more:
                break
            place = page.next
        assert found == (whole[::-1] if newest_first else whole)
    texts = [one.position for one in (await archive_of(harness))[1].entries]
    assert texts == sorted(set(texts))


async def test_an_empty_page_tells_where_it_ends_now(harness):
    await harness.group(TEAM, (ALICE, BOB))
    await harness.say(ALICE, TEAM)
    _, page = await archive_of(harness, limit=0)
    await harness.say(BOB, TEAM)
    assert (await archive_of(harness, after=page.next))[0] == [(TEAM, 2)]
    _, last = await archive_of(harness, limit=500)
    assert await archive_of(harness, after=last.next) == (
        [],
        type(last)((), last.next, False, last.generation),
    )


async def test_only_what_may_be_seen_is_in_it(harness):
    await harness.group(TEAM, (ALICE, BOB))
    for _ in range(3):
        await harness.say(BOB, TEAM)
    await harness.call(ALICE, ClearConversation(conversation_id=TEAM))
    for _ in range(3):
        await harness.say(BOB, TEAM)
    await harness.say(BOB, TEAM, "message.edited", about=2)
    await harness.say(BOB, TEAM, "message.edited", about=5)
    await harness.call(ALICE, HideMessages(conversation_id=TEAM, seqs=(5,)))
    seen = [seq for log_id, seq in (await archive_of(harness))[0] if log_id == TEAM]
    assert seen == [4, 6]


@pytest.mark.parametrize(
    "how", [{"limit": 501}, {"limit": -1}, {"after": "x"}, {"before": "1"}, {"after": "F" * 16}]
)
async def test_what_is_wrong_is_refused(harness, how):
    with pytest.raises(Invalid):
        await harness.call(ALICE, GetArchive(**how))


async def test_all_tell_the_same_generation(harness):
    told = (await harness.call(ALICE, GetGeneration())).generation
    assert told
    assert (await harness.call(ALICE, Sync())).generation == told
    assert (await archive_of(harness))[1].generation == told
