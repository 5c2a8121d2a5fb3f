"""What a user's own log tells of the groups that the user is in."""

import pytest

from hongyan.domain.group.api import (
    CreateGroup,
    DissolveGroup,
    ForgetUser,
    TransferGroup,
    UpdateGroup,
)
from hongyan.domain.group.joining_api import AnswerJoinRequest, CreateLink, JoinByLink, JoinGroup
from hongyan.domain.group.members_api import (
    AddMembers,
    BanMember,
    InviteMembers,
    KickMembers,
    LeaveGroup,
    SetNickname,
    SetRole,
)
from hongyan.domain.log.model import Append, Commit
from hongyan.domain.user.model import User
from hongyan.kernel.ids import user_log

PREFIX = "membership."


async def told(world, who):
    """Return what the user's own log says of memberships, the ids left out."""
    found = []
    for kind, body in await world.entries(user_log(who)):
        if kind.startswith(PREFIX):
            body.pop("conversation_id")
            found.append((kind.removeprefix(PREFIX), body))
    return found


async def said(world, who):
    return [
        (kind, body.get("how") or body.get("why") or body["role"])
        for kind, body in (await told(world, who))
    ]


async def test_a_new_group_is_in_the_log_of_each_of_its_members(world):
    group = await world.group("adam")
    body = {"kind": "group", "name": "Team", "how": "created"}
    assert await told(world, "adam") == [("joined", body)]
    assert await told(world, "olga") == [("joined", body | {"role": "owner"})]
    entries = await world.entries(user_log("adam"))
    assert entries[0][1]["conversation_id"] == group


async def test_a_repeated_creation_tells_nothing_again(world):
    command = CreateGroup(client_id="same", name="Team", user_ids=("adam",))
    for worker in (0, 1):
        await world.call("olga", command, worker)
    assert len(await told(world, "adam")) == len(await told(world, "olga")) == 1


async def test_the_group_tells_before_the_member_and_in_one_commit(world, committed):
    group = await world.group()
    committed.clear()
    await world.call("olga", InviteMembers(conversation_id=group, user_ids=("adam", "mia")))
    assert [[(e.log_id, e.kind) for e in event.entries] for event in committed] == [
        [
            (group, "members.joined"),
            (user_log("adam"), "membership.joined"),
            (user_log("mia"), "membership.joined"),
        ]
    ]


@pytest.mark.parametrize("how", ["invited", "joined", "approved", "link", "added"])
async def test_every_way_in_is_named(world, how):
    policy = {"joined": "free", "approved": "approval"}.get(how, "invite")
    group = await world.group(join_policy=policy)
    if how in ("invited", "added"):
        made = InviteMembers if how == "invited" else AddMembers
        steps = [("olga", made(conversation_id=group, user_ids=("mia",)))]
    elif how == "link":
        link = await world.call("olga", CreateLink(conversation_id=group))
        steps = [("mia", JoinByLink(token=link.token))]
    else:
        steps = [("mia", JoinGroup(conversation_id=group))]
    if how == "approved":
        answer = AnswerJoinRequest(conversation_id=group, user_id="mia", accept=True)
        steps.append(("olga", answer))
    for who, command in steps * 2:  # what is asked twice happens once
        await world.call(who, command)
    assert await said(world, "mia") == [("joined", how)]
    assert await said(world, "olga") == [("joined", "created")]


async def test_every_way_out_is_named_and_the_joins_of_one_account_come_in_order(world):
    group = await world.group("adam", "mia")
    for command in (
        LeaveGroup(conversation_id=group),
        InviteMembers(conversation_id=group, user_ids=("adam",)),
        KickMembers(conversation_id=group, user_ids=("adam",)),
        InviteMembers(conversation_id=group, user_ids=("adam",)),
        BanMember(conversation_id=group, user_id="adam"),
    ):
        who = "adam" if isinstance(command, LeaveGroup) else "olga"
        await world.call(who, command)
        await world.call(who, command)
    assert await said(world, "adam") == [
        ("joined", "created"),
        ("left", "left"),
        ("joined", "invited"),
        ("left", "kicked"),
        ("joined", "invited"),
        ("left", "banned"),
    ]
    assert (await told(world, "adam"))[1][1] == {"kind": "group", "name": "Team", "why": "left"}
    await world.call("system", ForgetUser(user_id="mia"))
    assert await said(world, "mia") == [("joined", "created"), ("left", "deleted")]


async def test_a_role_is_told_to_whom_it_concerns_alone(world):
    group = await world.group("adam", "mia")
    promote = SetRole(conversation_id=group, user_id="adam", role="admin")
    for command in (promote, promote, TransferGroup(conversation_id=group, user_id="adam")):
        await world.call("olga", command)
    assert (await said(world, "adam"))[1:] == [("role", "admin"), ("role", "owner")]
    assert (await said(world, "olga"))[1:] == [("role", "admin")]
    assert len(await told(world, "mia")) == 1
    await world.call("system", ForgetUser(user_id="adam"))
    assert (await said(world, "olga"))[1:] == [("role", "admin"), ("role", "owner")]
    roles = {m: (await world.member(group, m)).role for m in ("adam", "olga", "mia")}
    assert roles == {"adam": "member", "olga": "owner", "mia": "member"}


async def test_a_new_name_and_the_end_are_not_told_member_by_member(world):
    group = await world.group("adam")
    await world.call("olga", UpdateGroup(conversation_id=group, name="Crew"))
    await world.call("adam", SetNickname(conversation_id=group, nickname="Ad"))
    await world.call("olga", DissolveGroup(conversation_id=group))
    assert [kind for kind, _ in await told(world, "adam")] == ["joined"]
    assert [kind for kind, _ in await told(world, "olga")] == ["joined"]
    await world.call("adam", LeaveGroup(conversation_id=group))
    assert (await told(world, "adam"))[-1] == (
        "left",
        {"kind": "group", "name": "Crew", "why": "left"},
    )


async def test_an_addition_writes_to_those_who_are_added_and_to_nobody_else(world, committed):
    many = tuple(f"n{number:03}" for number in range(300))
    await world.put(*(User(user_id=who) for who in many))
    group = await world.group("adam", *many[:200], members_limit=1000)
    committed.clear()
    await world.call("adam", InviteMembers(conversation_id=group, user_ids=many))
    logs = [entry.log_id for event in committed for entry in event.entries]
    assert logs == [group, *(user_log(who) for who in many[200:])]


async def test_a_join_to_a_group_with_hidden_history_begins_at_the_join(world):
    group = await world.group("adam")
    await world.call("olga", UpdateGroup(conversation_id=group, history_visible=False))
    await world.store.commit(Commit((Append(group, "message", "olga", b"{}", 1, countable=True),)))
    await world.call("adam", InviteMembers(conversation_id=group, user_ids=("mia",)))
    assert (await world.member(group, "mia")).visible_from == (await world.head(group)).seq


async def test_two_at_once_make_one_entry(world):
    group = await world.group()
    command = InviteMembers(conversation_id=group, user_ids=("mia",))
    await world.race(("olga", command), ("olga", command))
    assert await said(world, "mia") == [("joined", "invited")]
