"""What a user's own log tells of the groups that the user is in."""

import pytest

from hongyan.domain.group.commands import (
    CreateGroup,
    DissolveGroup,
    ForgetUser,
    TransferGroup,
    UpdateGroup,
)
from hongyan.domain.group.commands_joining import (
    AnswerJoinRequest,
    CreateLink,
    JoinByLink,
    JoinGroup,
)
from hongyan.domain.group.commands_members import (
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


async def told(harness, who):
    """Return what the user's own log says of memberships, the ids left out."""
    found = []
    for kind, body in await harness.entries(user_log(who)):
        if kind.startswith(PREFIX):
            body.pop("conversation_id")
            found.append((kind.removeprefix(PREFIX), body))
    return found


async def said(harness, who):
    return [
        (kind, body.get("how") or body.get("why") or body["role"])
        for kind, body in (await told(harness, who))
    ]


async def test_a_new_group_is_in_the_log_of_each_of_its_members(harness):
    group = await harness.group("adam")
    body = {"kind": "group", "name": "Team", "how": "created"}
    assert await told(harness, "adam") == [("joined", body)]
    assert await told(harness, "olga") == [("joined", body | {"role": "owner"})]
    entries = await harness.entries(user_log("adam"))
    assert entries[0][1]["conversation_id"] == group


async def test_a_repeated_creation_tells_nothing_again(harness):
    command = CreateGroup(client_id="same", name="Team", user_ids=("adam",))
    for worker in (0, 1):
        await harness.call("olga", command, worker)
    assert len(await told(harness, "adam")) == len(await told(harness, "olga")) == 1


async def test_the_group_tells_before_the_member_and_in_one_commit(harness, committed):
    group = await harness.group()
    committed.clear()
    await harness.call("olga", InviteMembers(conversation_id=group, user_ids=("adam", "mia")))
    assert [[(e.log_id, e.kind) for e in event.entries] for event in committed] == [
        [
            (group, "members.joined"),
            (user_log("adam"), "membership.joined"),
            (user_log("mia"), "membership.joined"),
        ]
    ]


@pytest.mark.parametrize("how", ["invited", "joined", "approved", "link", "added"])
async def test_every_way_in_is_named(harness, how):
    policy = {"joined": "free", "approved": "approval"}.get(how, "invite")
    group = await harness.group(join_policy=policy)
    if how in ("invited", "added"):
        made = InviteMembers if how == "invited" else AddMembers
        steps = [("olga", made(conversation_id=group, user_ids=("mia",)))]
    elif how == "link":
        link = await harness.call("olga", CreateLink(conversation_id=group))
        steps = [("mia", JoinByLink(token=link.token))]
    else:
        steps = [("mia", JoinGroup(conversation_id=group))]
    if how == "approved":
        answer = AnswerJoinRequest(conversation_id=group, user_id="mia", accept=True)
        steps.append(("olga", answer))
    for who, command in steps * 2:  # what is asked twice happens once
        await harness.call(who, command)
    assert await said(harness, "mia") == [("joined", how)]
    assert await said(harness, "olga") == [("joined", "created")]


async def test_every_way_out_is_named_and_the_joins_of_one_account_come_in_order(harness):
    group = await harness.group("adam", "mia")
    for command in (
        LeaveGroup(conversation_id=group),
        InviteMembers(conversation_id=group, user_ids=("adam",)),
        KickMembers(conversation_id=group, user_ids=("adam",)),
        InviteMembers(conversation_id=group, user_ids=("adam",)),
        BanMember(conversation_id=group, user_id="adam"),
    ):
        who = "adam" if isinstance(command, LeaveGroup) else "olga"
        await harness.call(who, command)
        await harness.call(who, command)
    assert await said(harness, "adam") == [
        ("joined", "created"),
        ("left", "left"),
        ("joined", "invited"),
        ("left", "kicked"),
        ("joined", "invited"),
        ("left", "banned"),
    ]
    assert (await told(harness, "adam"))[1][1] == {"kind": "group", "name": "Team", "why": "left"}
    await harness.call("system", ForgetUser(user_id="mia"))
    assert await said(harness, "mia") == [("joined", "created"), ("left", "deleted")]


async def test_a_role_is_told_to_whom_it_concerns_alone(harness):
    group = await harness.group("adam", "mia")
    promote = SetRole(conversation_id=group, user_id="adam", role="admin")
    for command in (promote, promote, TransferGroup(conversation_id=group, user_id="adam")):
        await harness.call("olga", command)
    assert (await said(harness, "adam"))[1:] == [("role", "admin"), ("role", "owner")]
    assert (await said(harness, "olga"))[1:] == [("role", "admin")]
    assert len(await told(harness, "mia")) == 1
    await harness.call("system", ForgetUser(user_id="adam"))
    assert (await said(harness, "olga"))[1:] == [("role", "admin"), ("role", "owner")]
    roles = {m: (await harness.member(group, m)).role for m in ("adam", "olga", "mia")}
    assert roles == {"adam": "member", "olga": "owner", "mia": "member"}


async def test_a_new_name_and_the_end_are_not_told_member_by_member(harness):
    group = await harness.group("adam")
    await harness.call("olga", UpdateGroup(conversation_id=group, name="Crew"))
    await harness.call("adam", SetNickname(conversation_id=group, nickname="Ad"))
    await harness.call("olga", DissolveGroup(conversation_id=group))
    assert [kind for kind, _ in await told(harness, "adam")] == ["joined"]
    assert [kind for kind, _ in await told(harness, "olga")] == ["joined"]
    await harness.call("adam", LeaveGroup(conversation_id=group))
    assert (await told(harness, "adam"))[-1] == (
        "left",
        {"kind": "group", "name": "Crew", "why": "left"},
    )


async def test_an_addition_writes_to_those_who_are_added_and_to_nobody_else(harness, committed):
    many = tuple(f"n{number:03}" for number in range(300))
    await harness.put(*(User(user_id=who) for who in many))
    group = await harness.group("adam", *many[:200], members_limit=1000)
    committed.clear()
    await harness.call("adam", InviteMembers(conversation_id=group, user_ids=many))
    logs = [entry.log_id for event in committed for entry in event.entries]
    assert logs == [group, *(user_log(who) for who in many[200:])]


async def test_a_join_to_a_group_with_hidden_history_begins_at_the_join(harness):
    group = await harness.group("adam")
    await harness.call("olga", UpdateGroup(conversation_id=group, history_visible=False))
    await harness.store.commit(
        Commit((Append(group, "message", "olga", b"{}", 1, countable=True),))
    )
    await harness.call("adam", InviteMembers(conversation_id=group, user_ids=("mia",)))
    assert (await harness.member(group, "mia")).visible_from == (await harness.head(group)).seq


async def test_two_at_once_make_one_entry(harness):
    group = await harness.group()
    command = InviteMembers(conversation_id=group, user_ids=("mia",))
    await harness.race(("olga", command), ("olga", command))
    assert await said(harness, "mia") == [("joined", "invited")]
