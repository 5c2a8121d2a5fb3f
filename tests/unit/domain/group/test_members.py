"""A group's members: invited, kicked, banned, muted, listed."""

import asyncio

import pytest

from hongyan.domain.group import rules
from hongyan.domain.group.commands import NotAMember, RoleTooLow, UpdateGroup
from hongyan.domain.group.commands_members import (
    AddMembers,
    BanMember,
    InviteMembers,
    KickMembers,
    LeaveGroup,
    ListBans,
    ListMembers,
    MuteMember,
    SetNickname,
    SetRole,
    UnbanMember,
)
from hongyan.domain.group.model import Ban, Group, Member, Permissions, Role
from hongyan.domain.log.model import Append, Commit
from hongyan.domain.relation.model import Relation
from hongyan.domain.user.model import Privacy, User
from hongyan.kernel.errors import Invalid, LimitReached, NotFound


async def promote(harness, group, *users):
    for user_id in users:
        await harness.call("olga", SetRole(conversation_id=group, user_id=user_id, role="admin"))


async def say(harness, group, who="olga", times=1):
    append = Append(group, "message", who, b"{}", 1, countable=True)
    await harness.store.commit(Commit((append,) * times))


# --- coming in ---


async def test_a_member_invites_and_is_told_who_cannot_come(harness):
    group = await harness.group("adam")
    await harness.put(
        Relation(user_id="mia", other_id="adam", blocked=True),
        User(user_id="max", privacy=Privacy(who_may_invite="friends")),
        Ban(conversation_id=group, user_id="zoe", banned_by="olga"),
    )
    command = InviteMembers(
        conversation_id=group, user_ids=("anna", "mia", "max", "zoe", "olga", "nobody")
    )
    answer = await harness.call("adam", command)
    assert answer.added == ("anna",)
    assert {n.user_id: n.reason for n in answer.not_added} == {
        "mia": "blocked",
        "max": "friends_only",
        "zoe": "banned",
        "nobody": "unknown",
    }
    assert await harness.active(group) == ["adam", "anna", "olga"]
    assert (await harness.member(group, "anna")).invited_by == "adam"
    joined = ("members.joined", {"user_ids": ["anna"], "how": "invited"})
    assert (await harness.entries(group))[-1] == joined
    assert (await harness.call("adam", command)).added == ()


async def test_a_join_leaves_the_version_and_a_leave_raises_it(harness):
    group = await harness.group("adam")
    before = (await harness.head(group)).version
    await harness.call("adam", InviteMembers(conversation_id=group, user_ids=("mia",)))
    assert (await harness.head(group)).version == before
    await harness.call("mia", LeaveGroup(conversation_id=group))
    assert (await harness.head(group)).version == before + 1


async def test_who_may_invite(harness):
    group = await harness.group("adam")
    table = Permissions(invite=Role.ADMIN)
    await harness.call("olga", UpdateGroup(conversation_id=group, permissions=table))
    command = InviteMembers(conversation_id=group, user_ids=("mia",))
    with pytest.raises(RoleTooLow):
        await harness.call("adam", command)
    with pytest.raises(NotAMember):
        await harness.call("zoe", command)
    with pytest.raises(LimitReached):
        await harness.call("adam", InviteMembers(conversation_id=group, user_ids=("x",) * 501))
    closed = UpdateGroup(conversation_id=group, permissions=Permissions(), join_policy="closed")
    await harness.call("olga", closed)
    with pytest.raises(RoleTooLow):
        await harness.call("adam", command)
    await promote(harness, group, "adam")
    assert (await harness.call("adam", command)).added == ("mia",)


async def test_admins_add_in_bulk_and_privacy_holds_but_for_the_server(harness):
    group = await harness.group("adam")
    await harness.put(User(user_id="max", privacy=Privacy(who_may_invite="friends")))
    command = AddMembers(conversation_id=group, user_ids=("max",))
    with pytest.raises(RoleTooLow):
        await harness.call("adam", command)
    answer = await harness.call("olga", command)
    assert [(n.user_id, n.reason) for n in answer.not_added] == [("max", "friends_only")]
    assert (await harness.call("olga", command, admin=True)).added == ("max",)
    with pytest.raises(LimitReached):
        await harness.call("olga", AddMembers(conversation_id=group, user_ids=("x",) * 1001))


async def test_a_full_group_takes_as_many_as_fit(harness):
    group = await harness.group("adam", members_limit=4)
    command = InviteMembers(conversation_id=group, user_ids=("mia", "max", "zoe"))
    answer = await harness.call("adam", command)
    assert answer.added == ("mia", "max")
    assert [(n.user_id, n.reason) for n in answer.not_added] == [("zoe", "full")]
    assert (await harness.call("adam", command)).added == ()


async def test_the_last_place_goes_to_one(harness):
    group = await harness.group("adam", members_limit=3)
    answers = await harness.race(
        ("adam", InviteMembers(conversation_id=group, user_ids=("mia",))),
        ("olga", InviteMembers(conversation_id=group, user_ids=("max",))),
    )
    assert sorted(len(answer.added) for answer in answers) == [0, 1]
    assert len(await harness.active(group)) == 3


# --- what newcomers and leavers see ---


async def test_who_left_may_read_up_to_the_entry_that_says_so(harness):
    group = await harness.group("adam")
    await say(harness, group, times=3)
    await harness.call("adam", LeaveGroup(conversation_id=group))
    gone = await harness.member(group, "adam")
    left_seq = (await harness.head(group)).seq
    assert (gone.active, gone.rank, gone.visible_until) == (False, -1, left_seq)
    assert (await harness.entries(group))[-1] == (
        "members.left",
        {"user_ids": ["adam"], "why": "left"},
    )
    await say(harness, group)
    await harness.call("adam", LeaveGroup(conversation_id=group))
    assert (await harness.member(group, "adam")).visible_until == left_seq


async def test_what_a_newcomer_sees(harness):
    group = await harness.group()
    await say(harness, group, times=3)
    await harness.call("olga", InviteMembers(conversation_id=group, user_ids=("adam",)))
    assert (await harness.member(group, "adam")).visible_from == 1
    await harness.call("olga", UpdateGroup(conversation_id=group, history_visible=False))
    await say(harness, group, times=3)
    await harness.call("olga", InviteMembers(conversation_id=group, user_ids=("mia", "max")))
    joined_seq = (await harness.head(group)).seq
    assert (await harness.member(group, "mia")).visible_from == joined_seq
    assert (await harness.member(group, "max")).visible_from == joined_seq


async def test_the_seq_is_exact_while_others_write(harness):
    """Plain messages do not raise the version, so the head moves between look and commit."""
    group = await harness.group("adam", "mia", "max")
    await harness.call("olga", UpdateGroup(conversation_id=group, history_visible=False))

    async def chatter():
        for _ in range(30):
            await say(harness, group)
            await asyncio.sleep(0)

    await asyncio.gather(
        chatter(),
        *(harness.call(who, LeaveGroup(conversation_id=group)) for who in ("adam", "mia", "max")),
        harness.call("olga", InviteMembers(conversation_id=group, user_ids=("zoe",))),
    )
    told = list(enumerate(await harness.entries(group), start=1))
    for who in ("adam", "mia", "max"):
        seq = next(s for s, (k, b) in told if k == "members.left" and b["user_ids"] == [who])
        assert (await harness.member(group, who)).visible_until == seq
    seq = next(s for s, (k, b) in told if k == "members.joined" and b["user_ids"] == ["zoe"])
    assert (await harness.member(group, "zoe")).visible_from == seq


async def test_coming_back(harness):
    group = await harness.group("adam")
    await promote(harness, group, "adam")
    await harness.call("adam", LeaveGroup(conversation_id=group))
    await harness.call("olga", InviteMembers(conversation_id=group, user_ids=("adam",)))
    back = await harness.member(group, "adam")
    assert (back.active, back.role, back.rank) == (True, Role.MEMBER, 0)
    assert (back.visible_from, back.visible_until) == (1, 0)


async def test_a_mute_outlives_an_absence(harness):
    group = await harness.group("adam")
    await harness.call("olga", MuteMember(conversation_id=group, user_id="adam", until_ms=-1))
    await harness.call("adam", LeaveGroup(conversation_id=group))
    await harness.call("olga", InviteMembers(conversation_id=group, user_ids=("adam",)))
    assert (await harness.member(group, "adam")).muted_until_ms == -1


# --- rank ---


async def test_nobody_acts_on_their_equals_or_betters(harness):
    group = await harness.group("adam", "anna", "mia", "max")
    await promote(harness, group, "adam", "anna")
    for who, target in (("mia", "max"), ("adam", "anna"), ("adam", "olga"), ("mia", "adam")):
        for command in (
            KickMembers(conversation_id=group, user_ids=(target,)),
            BanMember(conversation_id=group, user_id=target),
            MuteMember(conversation_id=group, user_id=target, until_ms=-1),
            SetRole(conversation_id=group, user_id=target, role="member"),
        ):
            with pytest.raises(RoleTooLow):
                await harness.call(who, command)
    assert len(await harness.active(group)) == 5
    await harness.call("adam", KickMembers(conversation_id=group, user_ids=("mia",)))
    await harness.call("olga", KickMembers(conversation_id=group, user_ids=("anna", "max", "zoe")))
    assert await harness.active(group) == ["adam", "olga"]
    assert (await harness.entries(group))[-1] == (
        "members.left",
        {"user_ids": ["anna", "max"], "why": "kicked"},
    )


async def test_kicking_is_all_or_nothing_and_can_be_repeated(harness):
    group = await harness.group("adam", "anna", "mia")
    await promote(harness, group, "adam", "anna")
    with pytest.raises(RoleTooLow):
        await harness.call("adam", KickMembers(conversation_id=group, user_ids=("mia", "anna")))
    assert len(await harness.active(group)) == 4
    for _ in range(2):
        await harness.call("adam", KickMembers(conversation_id=group, user_ids=("mia",)))
    assert [kind for kind, _ in await harness.entries(group)].count("members.left") == 1
    with pytest.raises(Invalid):
        await harness.call("adam", KickMembers(conversation_id=group, user_ids=("adam",)))


async def test_a_kick_and_a_promotion_at_once(harness):
    group = await harness.group("adam", "mia")
    await promote(harness, group, "adam")
    kick, promotion = await harness.race(
        ("adam", KickMembers(conversation_id=group, user_ids=("mia",))),
        ("olga", SetRole(conversation_id=group, user_id="mia", role="admin")),
    )
    mia = await harness.member(group, "mia")
    if isinstance(kick, Exception):
        assert isinstance(kick, RoleTooLow)
        assert (mia.active, mia.role) == (True, Role.ADMIN)
    else:
        assert isinstance(promotion, NotFound)
        assert (mia.active, mia.role) == (False, Role.MEMBER)


async def test_roles(harness, monkeypatch):
    group = await harness.group("adam", "mia")
    before = (await harness.head(group)).version
    for _ in range(2):
        await harness.call("olga", SetRole(conversation_id=group, user_id="adam", role="admin"))
    assert (await harness.head(group)).version == before + 1
    assert (await harness.entries(group))[-1] == (
        "member.changed",
        {"user_id": "adam", "role": "admin"},
    )
    with pytest.raises(Invalid):
        await harness.call("olga", SetRole(conversation_id=group, user_id="olga", role="member"))
    with pytest.raises(NotFound):
        await harness.call("olga", SetRole(conversation_id=group, user_id="zoe", role="admin"))
    monkeypatch.setattr(rules, "ADMINS_MAX", 1)
    with pytest.raises(LimitReached):
        await harness.call("olga", SetRole(conversation_id=group, user_id="mia", role="admin"))
    await harness.call("olga", SetRole(conversation_id=group, user_id="adam", role="member"))
    assert (await harness.member(group, "adam")).rank == 0


async def test_mutes(harness):
    group = await harness.group("adam")
    until_ms = harness.clock.now_ms() + 60_000
    before = (await harness.head(group)).version
    await harness.call("olga", MuteMember(conversation_id=group, user_id="adam", until_ms=until_ms))
    assert (await harness.member(group, "adam")).muted_until_ms == until_ms
    assert (await harness.head(group)).version == before + 1
    await harness.call("olga", MuteMember(conversation_id=group, user_id="adam", until_ms=1))
    assert (await harness.entries(group))[-1] == (
        "member.changed",
        {"user_id": "adam", "muted_until_ms": 0},
    )
    with pytest.raises(Invalid):
        await harness.call("olga", MuteMember(conversation_id=group, user_id="adam", until_ms=-2))
    with pytest.raises(NotFound):
        await harness.call("olga", MuteMember(conversation_id=group, user_id="zoe", until_ms=-1))


# --- bans ---


async def test_a_ban_removes_and_keeps_out(harness):
    group = await harness.group("adam")
    for _ in range(2):
        await harness.call("olga", BanMember(conversation_id=group, user_id="adam", reason="spam"))
    assert await harness.active(group) == ["olga"]
    assert (await harness.entries(group))[-1][1]["why"] == "banned"
    invite = InviteMembers(conversation_id=group, user_ids=("adam",))
    assert [n.reason for n in (await harness.call("olga", invite)).not_added] == ["banned"]
    listed = (await harness.call("olga", ListBans(conversation_id=group))).bans
    assert [(ban.user_id, ban.banned_by, ban.reason) for ban in listed] == [
        ("adam", "olga", "spam")
    ]
    for _ in range(2):
        await harness.call("olga", UnbanMember(conversation_id=group, user_id="adam"))
    assert (await harness.call("olga", invite)).added == ("adam",)


async def test_bans_before_anybody_came(harness, monkeypatch):
    group = await harness.group("adam")
    seq = (await harness.head(group)).seq
    await harness.call("olga", BanMember(conversation_id=group, user_id="zoe"))
    assert (await harness.head(group)).seq == seq
    with pytest.raises(NotFound):
        await harness.call("olga", BanMember(conversation_id=group, user_id="nobody"))
    with pytest.raises(Invalid):
        await harness.call("olga", BanMember(conversation_id=group, user_id="olga"))
    for command in (
        BanMember(conversation_id=group, user_id="mia"),
        UnbanMember(conversation_id=group, user_id="zoe"),
        ListBans(conversation_id=group),
    ):
        with pytest.raises(RoleTooLow):
            await harness.call("adam", command)
    await harness.call("olga", BanMember(conversation_id=group, user_id="mia"))
    page = await harness.call("olga", ListBans(conversation_id=group, limit=1))
    rest = await harness.call("olga", ListBans(conversation_id=group, after=page.next_after))
    assert [ban.user_id for ban in (*page.bans, *rest.bans)] == ["mia", "zoe"]
    assert rest.next_after == ""
    monkeypatch.setattr(rules, "BANS_MAX", 2)
    with pytest.raises(LimitReached):
        await harness.call("olga", BanMember(conversation_id=group, user_id="max"))


# --- lists and names ---


async def page_through(harness, **fields):
    seen, after = [], ""
    while True:
        page = await harness.call("olga", ListMembers(after=after, **fields))
        assert len(page.members) <= fields["limit"]
        seen += [member.user_id for member in page.members]
        after = page.next_after
        if not after:
            return seen


@pytest.mark.parametrize("limit", [1, 2, 3, 4, 5, 6])
async def test_members_by_rank_in_pages_of_any_size(harness, limit):
    group = await harness.group("adam", "anna", "mia", "max", "zoe")
    await promote(harness, group, "zoe", "mia")
    await harness.call("max", LeaveGroup(conversation_id=group))
    seen = await page_through(harness, conversation_id=group, limit=limit)
    assert seen == ["olga", "mia", "zoe", "adam", "anna"]


async def test_nicknames_are_found_by_their_beginning(harness):
    group = await harness.group("adam", "anna", "mia", "max", "zoe")
    names = {"adam": "Straße", "anna": "Stra", "mia": "STRASSEN", "max": "str", "zoe": "Tram"}
    before = await harness.head(group)
    for who, nickname in names.items():
        for _ in range(2):
            await harness.call(who, SetNickname(conversation_id=group, nickname=f" {nickname} "))
    after = await harness.head(group)
    assert (after.seq, after.version) == (before.seq + 5, before.version)
    assert (await harness.entries(group))[-1][1] == {"user_id": "zoe", "nickname": "Tram"}
    for limit in (1, 2, 5):
        fields = {"conversation_id": group, "limit": limit}
        found = await page_through(harness, nickname_prefix="sTra", **fields)
        assert found == ["anna", "adam", "mia"]
        assert await page_through(harness, nickname_prefix="none", **fields) == []
    await harness.call("anna", LeaveGroup(conversation_id=group))
    found = await page_through(harness, conversation_id=group, limit=5, nickname_prefix="stra")
    assert found == ["adam", "mia"]
    with pytest.raises(LimitReached):
        await harness.call("olga", SetNickname(conversation_id=group, nickname="x" * 65))


async def test_lists_refuse_nonsense(harness):
    group = await harness.group()
    for bad in ({"limit": 0}, {"limit": 501}, {"after": "nonsense"}):
        with pytest.raises(Invalid):
            await harness.call("olga", ListMembers(conversation_id=group, **bad))


async def test_a_crowd_is_added_at_once_and_counted(harness):
    crowd = tuple(f"u{number:04}" for number in range(1_000))
    await harness.put(*(User(user_id=user_id) for user_id in crowd))
    group = await harness.group(members_limit=900)
    answer = await harness.call("olga", AddMembers(conversation_id=group, user_ids=crowd))
    assert (len(answer.added), len(answer.not_added)) == (899, 101)
    assert {n.reason for n in answer.not_added} == {"full"}
    assert await harness.store.count(Member, group, True, by="of_conversation") == 900
    assert (await harness.info(group)).member_count == 900


async def test_a_group_remembers_that_its_history_was_hidden(harness):
    group = await harness.group()
    for visible, was_hidden in ((True, False), (False, True), (True, True)):
        await harness.call("olga", UpdateGroup(conversation_id=group, history_visible=visible))
        row = await harness.store.get(Group, group)
        assert (row.history_visible, row.history_was_hidden) == (visible, was_hidden)
