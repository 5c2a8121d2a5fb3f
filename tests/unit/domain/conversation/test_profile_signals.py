"""A changed profile is told where the person is seen, once, as it is then."""

from typing import Any

import msgspec
import pytest

from hongyan.domain.conversation import profile_signals
from hongyan.domain.conversation.profile_signals import ProfileSignals
from hongyan.domain.conversation.rules import RECEIPTS_MEMBERS_MAX
from hongyan.domain.group.model import Member, MemberCount
from hongyan.domain.user.commands import Profile, ProfileChanged
from hongyan.domain.user.model import User
from hongyan.kernel.ids import UserId, direct_id, self_id
from hongyan.runtime.background import Tasks

from .conftest import ALICE, BOB, CAROL, TEAM, Harness

DIRECT = direct_id(UserId(ALICE), UserId(BOB))
CROWD, CHANNEL, LEFT = "g" + "b" * 16, "c" + "c" * 16, "g" + "d" * 16


class Told:
    """The signs, and a clock that strikes when it is told to."""

    def __init__(self, harness: Harness) -> None:
        self.harness = harness
        self.due: list[Any] = []
        self.background = Tasks()
        self.signs = ProfileSignals(
            harness.store,
            harness,
            harness.clock,
            lambda _, function: self.due.append(function),
            self.background,
        )

    async def strike(self) -> list[tuple[str, Profile]]:
        due, self.due = self.due, []
        for function in due:
            function()
        await self.background.close()
        found, self.harness.published = self.harness.published, []
        for signal in found:
            assert (signal.kind, signal.sender) == ("profile", ALICE)
        return [(one.log_id, msgspec.json.decode(one.body, type=Profile)) for one in found]


@pytest.fixture
async def told(harness: Harness) -> Told:
    await harness.group(TEAM, (ALICE, BOB, CAROL))
    await harness.group(CROWD, (ALICE, BOB))
    await harness.group(CHANNEL, (ALICE, BOB))
    await harness.group(LEFT, (BOB, CAROL))
    await harness.put(
        MemberCount(conversation_id=CROWD, member_count=RECEIPTS_MEMBERS_MAX + 1),
        Member(conversation_id=LEFT, user_id=ALICE, active=False),
        Member(conversation_id=self_id(UserId(ALICE)), user_id=ALICE),
        Member(conversation_id=DIRECT, user_id=ALICE),
        Member(conversation_id=DIRECT, user_id=BOB),
    )
    return Told(harness)


async def test_in_direct_conversations_and_small_groups(told: Told) -> None:
    told.signs.changed(ProfileChanged(ALICE))
    found = await told.strike()
    assert [place for place, _ in found] == [DIRECT, TEAM]
    assert {profile.name for _, profile in found} == {ALICE}


async def test_changes_that_follow_each_other_are_told_once(told: Told) -> None:
    told.signs.changed(ProfileChanged(ALICE))
    await told.harness.put(User(user_id=ALICE, name="Alicia", email="a@example.org"))
    told.signs.changed(ProfileChanged(ALICE))
    found = await told.strike()
    assert [(place, profile.name) for place, profile in found] == [
        (DIRECT, "Alicia"),
        (TEAM, "Alicia"),
    ]
    told.signs.changed(ProfileChanged(ALICE))
    assert len(await told.strike()) == 2


async def test_both_what_waits_and_where_it_is_told_are_bounded(
    told: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(profile_signals, "WAITING_MAX", 1)
    monkeypatch.setattr(profile_signals, "CONVERSATIONS_MAX", 1)
    told.signs.changed(ProfileChanged(BOB))
    told.signs.changed(ProfileChanged(ALICE))
    assert len(told.due) == 1
    told.due.clear()
    told.signs._waiting.clear()
    told.signs.changed(ProfileChanged(ALICE))
    assert [place for place, _ in await told.strike()] == [DIRECT]


async def test_nobody_is_told_of_a_user_who_is_not_there(told: Told) -> None:
    told.signs.changed(ProfileChanged("nobody"))
    assert await told.strike() == []
