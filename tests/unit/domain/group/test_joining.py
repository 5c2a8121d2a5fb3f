"""Ways into a group: joining, requests, links."""

import asyncio

import pytest

from hongyan.domain.group import rules
from hongyan.domain.group.commands import (
    Dissolved,
    DissolveGroup,
    NotAMember,
    RoleTooLow,
    UpdateGroup,
)
from hongyan.domain.group.commands_joining import (
    AlreadyAnswered,
    AnswerJoinRequest,
    Banned,
    CreateLink,
    JoinByLink,
    JoinClosed,
    JoinGroup,
    LinkInvalid,
    ListJoinRequests,
    ListLinks,
    PreviewGroup,
    PreviewLink,
    RevokeLink,
)
from hongyan.domain.group.commands_members import BanMember, KickMembers, SetRole
from hongyan.domain.group.model import InviteLink, Permissions, Role
from hongyan.domain.user.model import User
from hongyan.kernel.errors import Invalid, LimitReached, NotFound
from hongyan.kernel.ids import user_log


async def test_anybody_joins_a_free_group(harness):
    group = await harness.group(join_policy="free")
    for _ in range(2):
        answer = await harness.call("adam", JoinGroup(conversation_id=group))
        assert (answer.conversation_id, answer.state) == (group, "joined")
    assert await harness.active(group) == ["adam", "olga"]
    joined = ("members.joined", {"user_ids": ["adam"], "how": "joined"})
    assert (await harness.entries(group))[2:] == [joined]


@pytest.mark.parametrize("policy", ["invite", "closed"])
async def test_nobody_joins_a_group_that_is_not_open(harness, policy):
    group = await harness.group(join_policy=policy)
    with pytest.raises(JoinClosed):
        await harness.call("adam", JoinGroup(conversation_id=group))
    with pytest.raises(NotFound):
        await harness.call("adam", PreviewGroup(conversation_id=group))


async def test_who_cannot_join(harness):
    group = await harness.group(join_policy="free", members_limit=2)
    await harness.call("olga", BanMember(conversation_id=group, user_id="adam"))
    with pytest.raises(Banned):
        await harness.call("adam", JoinGroup(conversation_id=group))
    await harness.call("mia", JoinGroup(conversation_id=group))
    with pytest.raises(LimitReached):
        await harness.call("max", JoinGroup(conversation_id=group))
    with pytest.raises(NotAMember):
        await harness.call("max", JoinGroup(conversation_id="g" + "a" * 16))
    await harness.call("olga", DissolveGroup(conversation_id=group))
    with pytest.raises(Dissolved):
        await harness.call("max", JoinGroup(conversation_id=group))


async def test_two_join_with_one_place_left(harness):
    group = await harness.group(join_policy="free", members_limit=2)
    answers = await harness.race(
        ("adam", JoinGroup(conversation_id=group)), ("mia", JoinGroup(conversation_id=group))
    )
    assert [type(answer) for answer in answers].count(LimitReached) == 1
    assert len(await harness.active(group)) == 2


async def test_one_user_joining_twice_at_once_counts_once(harness):
    group = await harness.group(join_policy="free")
    command = JoinGroup(conversation_id=group)
    answers = await harness.race(("adam", command), ("adam", command))
    assert [answer.state for answer in answers] == ["joined", "joined"]
    assert await harness.active(group) == ["adam", "olga"]
    assert len(await harness.entries(group)) == 3


async def test_a_crowd_joining_at_once_on_one_worker_all_get_in(harness):
    crowd = [f"u{number:03}" for number in range(200)]
    await harness.put(*(User(user_id=user_id) for user_id in crowd))
    group = await harness.group(join_policy="free")
    version = (await harness.head(group)).version
    await asyncio.gather(*(harness.call(u, JoinGroup(conversation_id=group)) for u in crowd))
    assert len(await harness.active(group)) == 201
    assert (await harness.head(group)).version == version


async def test_a_preview_shows_the_question_and_no_more(harness):
    group = await harness.group(join_policy="approval")
    await harness.call(
        "olga", UpdateGroup(conversation_id=group, join_question="Why?", notice="psst")
    )
    card = await harness.call("adam", PreviewGroup(conversation_id=group))
    assert (card.name, card.member_count, card.join_question, card.joined) == (
        "Team",
        1,
        "Why?",
        False,
    )
    assert (await harness.call("olga", PreviewGroup(conversation_id=group))).joined
    with pytest.raises(NotFound):
        await harness.call("adam", PreviewGroup(conversation_id="g" + "a" * 16))


# --- requests ---


async def test_a_request_reaches_those_who_may_answer(harness):
    group = await harness.group("adam", "mia", join_policy="approval")
    await harness.call("olga", SetRole(conversation_id=group, user_id="adam", role="admin"))
    for _ in range(2):
        answer = await harness.call("zoe", JoinGroup(conversation_id=group, answer="please"))
        assert answer.state == "requested"
    body = {"conversation_id": group, "user_id": "zoe", "answer": "please"}
    for admin in ("olga", "adam"):
        assert (await harness.entries(user_log(admin)))[-1] == ("group.join_requested", body)
    assert [kind for kind, _ in await harness.entries(user_log("mia"))] == ["membership.joined"]
    listed = await harness.call("adam", ListJoinRequests(conversation_id=group))
    assert [(r.user_id, r.answer) for r in listed.requests] == [("zoe", "please")]
    with pytest.raises(RoleTooLow):
        await harness.call("mia", ListJoinRequests(conversation_id=group))


async def test_accepting_lets_in_and_tells_all(harness):
    group = await harness.group(join_policy="approval")
    await harness.call("zoe", JoinGroup(conversation_id=group))
    command = AnswerJoinRequest(conversation_id=group, user_id="zoe", accept=True)
    for _ in range(2):
        await harness.call("olga", command)
    assert await harness.active(group) == ["olga", "zoe"]
    assert (await harness.entries(group))[-1] == (
        "members.joined",
        {"user_ids": ["zoe"], "how": "approved"},
    )
    answered = (
        "group.join_answered",
        {"conversation_id": group, "user_id": "zoe", "accepted": True},
    )
    kinds = [kind for kind, _ in await harness.entries(user_log("zoe"))]
    assert kinds == ["membership.joined", "group.join_answered"]
    assert (await harness.entries(user_log("zoe")))[-1] == answered
    assert (await harness.entries(user_log("olga")))[-1] == answered
    with pytest.raises(AlreadyAnswered):
        await harness.call(
            "olga", AnswerJoinRequest(conversation_id=group, user_id="zoe", accept=False)
        )
    accepted = await harness.call("olga", ListJoinRequests(conversation_id=group, state="accepted"))
    assert [(r.user_id, r.answered_by) for r in accepted.requests] == [("zoe", "olga")]


async def test_a_refused_request_can_be_made_again(harness):
    group = await harness.group("mia", join_policy="approval")
    await harness.call("zoe", JoinGroup(conversation_id=group))
    refusal = AnswerJoinRequest(conversation_id=group, user_id="zoe", accept=False)
    with pytest.raises(RoleTooLow):
        await harness.call("mia", refusal)
    await harness.call("olga", refusal)
    assert await harness.active(group) == ["mia", "olga"]
    assert (await harness.call("zoe", JoinGroup(conversation_id=group))).state == "requested"
    assert len((await harness.call("olga", ListJoinRequests(conversation_id=group))).requests) == 1


async def test_what_may_have_happened_before_the_answer(harness):
    group = await harness.group(join_policy="approval", members_limit=2)
    for who in ("adam", "mia", "max"):
        await harness.call(who, JoinGroup(conversation_id=group))

    def accept(who):
        return harness.call(
            "olga", AnswerJoinRequest(conversation_id=group, user_id=who, accept=True)
        )

    with pytest.raises(NotFound):
        await accept("zoe")
    await harness.call("olga", BanMember(conversation_id=group, user_id="adam"))
    with pytest.raises(Banned):
        await accept("adam")
    await harness.put(User(user_id="mia", state="deleted"))
    with pytest.raises(NotFound):
        await accept("mia")
    await accept("max")
    await harness.put(User(user_id="mia"))
    with pytest.raises(LimitReached):
        await accept("mia")


async def test_requests_have_pages_and_a_limit(harness, monkeypatch):
    monkeypatch.setattr(rules, "OPEN_REQUESTS_MAX", 3)
    group = await harness.group(join_policy="approval")
    for who in ("adam", "mia", "max"):
        await harness.call(who, JoinGroup(conversation_id=group))
    with pytest.raises(LimitReached):
        await harness.call("zoe", JoinGroup(conversation_id=group))
    with pytest.raises(LimitReached):
        await harness.call("zoe", JoinGroup(conversation_id=group, answer="x" * 201))
    page = await harness.call("olga", ListJoinRequests(conversation_id=group, limit=2))
    rest = await harness.call(
        "olga", ListJoinRequests(conversation_id=group, limit=2, after=page.next_after)
    )
    assert [r.user_id for r in (*page.requests, *rest.requests)] == ["max", "mia", "adam"]
    assert rest.next_after == ""


# --- links ---


async def test_a_link_lets_in_where_one_must_be_invited(harness):
    group = await harness.group("adam")
    link = await harness.call("adam", CreateLink(conversation_id=group))
    card = await harness.call("zoe", PreviewLink(token=link.token))
    assert (card.conversation_id, card.member_count, card.joined) == (group, 2, False)
    for _ in range(2):
        assert (await harness.call("zoe", JoinByLink(token=link.token))).conversation_id == group
    assert await harness.active(group) == ["adam", "olga", "zoe"]
    zoe = await harness.member(group, "zoe")
    assert zoe.invited_by == "adam"
    assert (await harness.store.get(InviteLink, link.token)).uses == 1
    assert (await harness.entries(group))[-1][1]["how"] == "link"


async def test_links_end(harness):
    group = await harness.group("adam", "anna")
    brief = await harness.call("adam", CreateLink(conversation_id=group, expires_in_s=60))
    once = await harness.call("adam", CreateLink(conversation_id=group, uses_max=1))
    revoked = await harness.call("adam", CreateLink(conversation_id=group))
    of_the_kicked = await harness.call("anna", CreateLink(conversation_id=group))
    await harness.call("mia", JoinByLink(token=once.token))
    await harness.call("adam", RevokeLink(conversation_id=group, token=revoked.token))
    await harness.call("olga", KickMembers(conversation_id=group, user_ids=("anna",)))
    harness.clock.advance(60_000)
    for link in (brief, once, revoked, of_the_kicked):
        for command in (PreviewLink, JoinByLink):
            with pytest.raises(LinkInvalid):
                await harness.call("zoe", command(token=link.token))
    with pytest.raises(LinkInvalid):
        await harness.call("zoe", JoinByLink(token="x"))
    assert "zoe" not in await harness.active(group)


async def test_a_link_does_not_pass_a_ban_a_limit_or_a_closed_door(harness):
    group = await harness.group("adam", members_limit=3)
    link = await harness.call("adam", CreateLink(conversation_id=group))
    await harness.call("olga", BanMember(conversation_id=group, user_id="zoe"))
    with pytest.raises(Banned):
        await harness.call("zoe", JoinByLink(token=link.token))
    await harness.call("mia", JoinByLink(token=link.token))
    with pytest.raises(LimitReached):
        await harness.call("max", JoinByLink(token=link.token))
    for change in ({"join_policy": "closed"}, {"permissions": Permissions(invite=Role.ADMIN)}):
        settings = {"members_limit": 9, "join_policy": "invite", "permissions": Permissions()}
        await harness.call("olga", UpdateGroup(conversation_id=group, **(settings | change)))
        with pytest.raises(LinkInvalid):
            await harness.call("max", JoinByLink(token=link.token))
        with pytest.raises(RoleTooLow):
            await harness.call("adam", CreateLink(conversation_id=group))
    await harness.call("olga", DissolveGroup(conversation_id=group))
    with pytest.raises(LinkInvalid):
        await harness.call("max", JoinByLink(token=link.token))


async def test_a_links_last_use_goes_to_one(harness):
    group = await harness.group()
    link = await harness.call("olga", CreateLink(conversation_id=group, uses_max=1))
    answers = await harness.race(
        ("adam", JoinByLink(token=link.token)), ("mia", JoinByLink(token=link.token))
    )
    assert [type(answer) for answer in answers].count(LinkInvalid) == 1
    assert len(await harness.active(group)) == 2


async def test_admins_see_all_links_and_members_their_own(harness, monkeypatch):
    group = await harness.group("adam", "mia")
    of_olga = await harness.call("olga", CreateLink(conversation_id=group))
    of_adam = await harness.call("adam", CreateLink(conversation_id=group, expires_in_s=0))
    assert of_adam.expires_at_ms == 0
    listed = await harness.call("olga", ListLinks(conversation_id=group))
    assert {link.token for link in listed.links} == {of_olga.token, of_adam.token}
    listed = await harness.call("adam", ListLinks(conversation_id=group))
    assert [link.token for link in listed.links] == [of_adam.token]
    with pytest.raises(RoleTooLow):
        await harness.call("mia", RevokeLink(conversation_id=group, token=of_adam.token))
    with pytest.raises(Invalid):
        await harness.call("adam", CreateLink(conversation_id=group, expires_in_s=-1))
    monkeypatch.setattr(rules, "LINKS_MAX", 2)
    with pytest.raises(LimitReached):
        await harness.call("olga", CreateLink(conversation_id=group))
    for _ in range(2):
        await harness.call("olga", RevokeLink(conversation_id=group, token=of_adam.token))
    other = await harness.group()
    await harness.call("olga", RevokeLink(conversation_id=other, token=of_olga.token))
    assert (await harness.store.get(InviteLink, of_olga.token)) is not None
