"""A group from its creation to its end."""

import asyncio

import pytest
from msgspec import structs

from hongyan.domain.group.commands import (
    CreateGroup,
    Dissolved,
    DissolveGroup,
    ForgetUser,
    GetGroup,
    ListMyGroups,
    NotAMember,
    RoleTooLow,
    TransferGroup,
    UpdateGroup,
)
from hongyan.domain.group.commands_members import (
    InviteMembers,
    LeaveGroup,
    ListMembers,
    OwnerMustTransfer,
    SetRole,
)
from hongyan.domain.group.model import Group, Permissions, Role
from hongyan.domain.log.model import Bump, Commit, Precondition, Put, VersionConflict
from hongyan.domain.relation.model import Relation
from hongyan.domain.user.model import Privacy, User
from hongyan.kernel.errors import Invalid, LimitReached, NotFound
from hongyan.kernel.ids import Kind, direct_id


async def test_creating_adds_those_who_can_be_added(harness):
    await harness.put(
        Relation(user_id="mia", other_id="olga", blocked=True),
        User(user_id="max", privacy=Privacy(who_may_invite="friends")),
        User(user_id="anna", privacy=Privacy(who_may_invite="friends")),
        Relation(user_id="anna", other_id="olga", friend=True),
    )
    people = ("adam", "adam", "anna", "mia", "max", "nobody", "olga")
    created = await harness.call("olga", CreateGroup(client_id="c", name=" Team ", user_ids=people))
    assert {(n.user_id, n.reason) for n in created.not_added} == {
        ("mia", "blocked"),
        ("max", "friends_only"),
        ("nobody", "unknown"),
    }
    group = created.info.group
    assert created.conversation_id == group.conversation_id
    assert (group.name, group.kind, group.owner_id) == ("Team", Kind.GROUP, "olga")
    assert created.info.member_count == 3
    assert created.info.me.role == Role.OWNER
    assert await harness.active(group.conversation_id) == ["adam", "anna", "olga"]
    assert await harness.entries(group.conversation_id) == [
        ("conversation.created", {"kind": "group", "name": "Team"}),
        ("members.joined", {"user_ids": ["olga", "adam", "anna"], "how": "created"}),
    ]


async def test_creating_again_answers_the_same_and_writes_nothing(harness):
    command = CreateGroup(client_id="c", name="Team", user_ids=("adam", "nobody"))
    first = await harness.call("olga", command)
    told = len(harness.committed)
    assert await harness.call("olga", command) == first
    assert len(harness.committed) == told
    other = await harness.call("adam", command)
    assert other.conversation_id != first.conversation_id


async def test_two_creations_at_once_make_one_group(harness):
    command = CreateGroup(client_id="c", name="Team", user_ids=("adam",))
    one, other = await harness.race(("olga", command), ("olga", command))
    assert one == other
    assert len(await harness.entries(one.conversation_id)) == 2
    assert await harness.active(one.conversation_id) == ["adam", "olga"]


async def test_creating_respects_limits(harness):
    for bad in ({"name": "  "}, {"client_id": ""}, {"members_limit": 1}):
        with pytest.raises(Invalid):
            await harness.call("olga", CreateGroup(**{"client_id": "c", "name": "T"} | bad))
    for bad in ({"name": "x" * 65}, {"user_ids": ("u",) * 501}, {"client_id": "c" * 65}):
        with pytest.raises(LimitReached):
            await harness.call("olga", CreateGroup(**{"client_id": "c", "name": "T"} | bad))
    command = CreateGroup(client_id="c", name="T", members_limit=2, user_ids=("adam", "anna"))
    created = await harness.call("olga", command)
    assert [(n.user_id, n.reason) for n in created.not_added] == [("anna", "full")]
    assert await harness.active(created.conversation_id) == ["adam", "olga"]
    assert await harness.call("olga", command) == created


async def test_a_channel_lets_only_admins_speak_invite_and_see(harness):
    channel = await harness.group("adam", kind="channel")
    info = await harness.info(channel)
    assert info.group.kind == Kind.CHANNEL
    assert info.group.permissions.speak == Role.ADMIN
    with pytest.raises(RoleTooLow):
        await harness.call("adam", ListMembers(conversation_id=channel))
    with pytest.raises(RoleTooLow):
        await harness.call("adam", InviteMembers(conversation_id=channel, user_ids=("mia",)))
    assert len((await harness.call("olga", ListMembers(conversation_id=channel))).members) == 2


async def test_who_may_update_what(harness):
    group = await harness.group("adam", "mia")
    await harness.call("olga", SetRole(conversation_id=group, user_id="adam", role="admin"))
    for change in ({"name": "x"}, {"muted_all": True}, {"join_policy": "free"}):
        with pytest.raises(RoleTooLow):
            await harness.call("mia", UpdateGroup(conversation_id=group, **change))
        await harness.call("adam", UpdateGroup(conversation_id=group, **change))
    for change in ({"permissions": Permissions(pin=Role.MEMBER)}, {"members_limit": 9}):
        with pytest.raises(RoleTooLow):
            await harness.call("adam", UpdateGroup(conversation_id=group, name="y", **change))
        await harness.call("olga", UpdateGroup(conversation_id=group, **change))
    stored = (await harness.info(group)).group
    assert (stored.name, stored.muted_all, stored.join_policy) == ("x", True, "free")
    assert (stored.permissions.pin, stored.members_limit) == (Role.MEMBER, 9)
    permissive = Permissions(edit_info=Role.MEMBER)
    await harness.call("olga", UpdateGroup(conversation_id=group, permissions=permissive))
    await harness.call("mia", UpdateGroup(conversation_id=group, notice="hi"))


async def test_an_update_tells_only_what_is_different_and_raises_the_version(harness):
    group = await harness.group("adam")
    before = await harness.head(group)
    update = UpdateGroup(conversation_id=group, name="New", slow_mode_s=0, muted_all=True)
    assert (await harness.call("olga", update)).group.name == "New"
    changed = ("conversation.changed", {"name": "New", "muted_all": True})
    assert (await harness.entries(group))[-1] == changed
    assert (await harness.head(group)).version > before.version
    await harness.call("olga", update)
    assert (await harness.head(group)).seq == before.seq + 1


async def test_updates_out_of_range(harness):
    group = await harness.group()
    for bad in ({"name": " "}, {"slow_mode_s": -1}, {"slow_mode_s": 86_401}, {"members_limit": 1}):
        with pytest.raises(Invalid):
            await harness.call("olga", UpdateGroup(conversation_id=group, **bad))
    for bad in ({"name": "x" * 65}, {"notice": "x" * 4001}, {"join_question": "x" * 201}):
        with pytest.raises(LimitReached):
            await harness.call("olga", UpdateGroup(conversation_id=group, **bad))


async def test_a_write_of_the_group_by_another_service_is_not_overwritten(harness):
    group = await harness.group("adam")
    update = UpdateGroup(conversation_id=group, name="New")

    async def mention_all():
        version = (await harness.head(group)).version
        row = await harness.store.get(Group, group)
        changes = (Put(_mentioned(row)), Bump(group))
        await harness.store.commit(
            Commit(changes=changes, preconditions=(Precondition(group, version),))
        )

    results = await asyncio.gather(
        harness.call("olga", update), mention_all(), return_exceptions=True
    )
    row = await harness.store.get(Group, group)
    assert row.name == "New"
    assert isinstance(results[1], VersionConflict) or row.mention_all_seqs == (7,)


def _mentioned(row):
    return structs.replace(row, mention_all_seqs=(7,))


async def test_outsiders_learn_nothing(harness):
    group = await harness.group("adam")
    nowhere = "g" + "a" * 16
    direct = direct_id("olga", "adam")
    for who, target in (("zoe", group), ("olga", nowhere), ("olga", direct), ("olga", "?")):
        for command in (GetGroup, ListMembers, DissolveGroup):
            with pytest.raises(NotAMember):
                await harness.call(who, command(conversation_id=target))


async def test_transfer(harness):
    group = await harness.group("adam")
    with pytest.raises(RoleTooLow):
        await harness.call("adam", TransferGroup(conversation_id=group, user_id="adam"))
    with pytest.raises(NotFound):
        await harness.call("olga", TransferGroup(conversation_id=group, user_id="zoe"))
    before = await harness.head(group)
    for _ in range(2):
        await harness.call("olga", TransferGroup(conversation_id=group, user_id="adam"))
    assert (await harness.info(group)).group.owner_id == "adam"
    assert (await harness.member(group, "adam")).rank == 2
    assert (await harness.member(group, "olga")).role == Role.ADMIN
    assert (await harness.entries(group))[-1] == ("conversation.changed", {"owner_id": "adam"})
    after = await harness.head(group)
    assert (after.seq, after.version) == (before.seq + 1, before.version + 1)


async def test_two_transfers_at_once_leave_one_owner(harness):
    group = await harness.group("adam", "mia")
    results = await harness.race(
        ("olga", TransferGroup(conversation_id=group, user_id="adam")),
        ("olga", TransferGroup(conversation_id=group, user_id="mia")),
    )
    assert sorted(type(result) for result in results if isinstance(result, Exception)) == [
        RoleTooLow
    ]
    owners = [u for u in ("olga", "adam", "mia") if (await harness.member(group, u)).rank == 2]
    assert owners == [(await harness.info(group)).group.owner_id]


async def test_the_owner_cannot_leave_others_without_one(harness):
    group = await harness.group("adam")
    with pytest.raises(OwnerMustTransfer):
        await harness.call("olga", LeaveGroup(conversation_id=group))
    await harness.call("olga", TransferGroup(conversation_id=group, user_id="adam"))
    await harness.call("olga", LeaveGroup(conversation_id=group))
    assert await harness.active(group) == ["adam"]


async def test_a_group_dissolves_with_its_last_member(harness):
    group = await harness.group()
    for _ in range(2):
        await harness.call("olga", LeaveGroup(conversation_id=group))
    assert [kind for kind, _ in (await harness.entries(group))[2:]] == [
        "members.left",
        "conversation.dissolved",
    ]
    assert (await harness.store.get(Group, group)).dissolved
    assert await harness.active(group) == []


async def test_a_dissolved_group_can_be_read_and_left_only(harness):
    group = await harness.group("adam")
    with pytest.raises(RoleTooLow):
        await harness.call("adam", DissolveGroup(conversation_id=group))
    for _ in range(2):
        await harness.call("olga", DissolveGroup(conversation_id=group))
    assert [kind for kind, _ in await harness.entries(group)].count("conversation.dissolved") == 1
    assert (await harness.info(group, "adam")).group.dissolved
    for command in (
        UpdateGroup(conversation_id=group, name="x"),
        InviteMembers(conversation_id=group, user_ids=("mia",)),
        TransferGroup(conversation_id=group, user_id="adam"),
    ):
        with pytest.raises(Dissolved):
            await harness.call("olga", command)
    await harness.call("olga", LeaveGroup(conversation_id=group))
    assert await harness.active(group) == ["adam"]


async def test_my_groups_in_pages(harness):
    groups = [await harness.group("adam") for _ in range(5)]
    await harness.call("adam", LeaveGroup(conversation_id=groups[0]))
    seen, after = [], ""
    while True:
        page = await harness.call("adam", ListMyGroups(after=after, limit=2))
        seen += [info.group.conversation_id for info in page.groups]
        assert all(info.member_count == 2 for info in page.groups)
        after = page.next_after
        if not after:
            break
    assert seen == sorted(groups[1:])
    with pytest.raises(Invalid):
        await harness.call("adam", ListMyGroups(limit=0))


async def test_forgetting_a_user_hands_over_or_dissolves(harness):
    alone = await harness.group()
    with_admin = await harness.group("mia", "adam", "anna")
    for admin in ("anna", "adam"):
        await harness.call("olga", SetRole(conversation_id=with_admin, user_id=admin, role="admin"))
    without_admin = await harness.group("adam")
    await harness.call("olga", InviteMembers(conversation_id=without_admin, user_ids=("anna",)))
    as_member = await harness.group("olga", owner="zoe")
    for _ in range(2):
        await harness.call("olga", ForgetUser(user_id="olga"))
    assert (await harness.store.get(Group, alone)).dissolved
    assert (await harness.store.get(Group, with_admin)).owner_id == "adam"
    assert (await harness.store.get(Group, without_admin)).owner_id == "adam"
    assert (await harness.member(without_admin, "adam")).role == Role.OWNER
    assert await harness.active(as_member) == ["zoe"]
    assert await harness.active(with_admin) == ["adam", "anna", "mia"]
    assert (await harness.entries(without_admin))[-2:] == [
        ("members.left", {"user_ids": ["olga"], "why": "deleted"}),
        ("conversation.changed", {"owner_id": "adam"}),
    ]
