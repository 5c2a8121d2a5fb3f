"""Who may register, with what, and by which invite."""

import asyncio

import pytest

from hongyan.domain.log.model import Commit, Put
from hongyan.domain.user.commands import (
    EmailTaken,
    GetMe,
    HandleTaken,
    InviteInvalid,
    InviteNeeded,
    PhoneTaken,
    Register,
    RegistrationClosed,
    WeakPassword,
)
from hongyan.domain.user.commands_admin import (
    CancelInvite,
    CreateInvite,
    CreateUser,
    ListInvites,
)
from hongyan.domain.user.model import Credential, Invite, User
from hongyan.kernel.errors import Busy, Conflict, Invalid, LimitReached, NotFound, RateLimited

ADMIN = "root-user"
PASSWORD = "correct horse"


async def test_everything_is_normalised_and_told_to_the_users_log(harness):
    tokens = await harness.call(
        None,
        Register(
            handle=" Alice.W ",
            email="Alice@Example.ORG",
            phone="+86 138 0013 8000",
            password=PASSWORD,
            name="  Ame\u0301lie   W. ",
            locale="zh-CN",
            platform="ios",
            device_name="phone",
        ),
    )
    me = await harness.call(tokens, GetMe())
    assert (me.handle, me.email, me.phone) == ("alice.w", "alice@example.org", "+8613800138000")
    assert (me.name, me.locale, me.admin, me.state) == ("Am\u00e9lie W.", "zh-CN", False, "active")
    (registered, account), (added, device) = await harness.entries(tokens.user_id)
    assert (registered, added) == ("user.registered", "device.added")
    assert account["handle"] == "alice.w"
    assert (device["device_id"], device["platform"]) == (tokens.device_id, "ios")
    assert "password" not in str(account).lower()


async def test_the_name_defaults_to_the_handle(harness):
    assert (await harness.call(await harness.register("bob"), GetMe())).name == "bob"


REFUSED = [
    ({}, Invalid),
    ({"handle": "a"}, Invalid),
    ({"handle": "no spaces"}, Invalid),
    ({"handle": "x" * 33}, Invalid),
    ({"handle": "Admin"}, Invalid),
    ({"handle": "everyone"}, Invalid),
    ({"email": "not-an-address", "name": "A"}, Invalid),
    ({"email": "a@b", "name": "A"}, Invalid),
    ({"email": "a@example.org"}, Invalid),
    ({"phone": "13800138000", "name": "A"}, Invalid),
    ({"phone": "+86 1", "name": "A"}, Invalid),
    ({"handle": "alice", "name": "x" * 65}, LimitReached),
    ({"handle": "alice", "name": "a\u202eb"}, Invalid),
    ({"handle": "alice", "name": "a\x00b"}, Invalid),
    ({"handle": "alice", "locale": "no locale"}, Invalid),
    ({"handle": "alice", "device_name": "x" * 65}, LimitReached),
    ({"handle": "alice", "password": "short"}, WeakPassword),
    ({"handle": "alice", "password": "x1" * 65}, WeakPassword),
    ({"handle": "alice", "password": "Password1"}, WeakPassword),
    ({"handle": "alice", "password": "aaaaaaaaaa"}, WeakPassword),
    ({"handle": "alicealice", "password": "AliceAlice"}, WeakPassword),
    ({"handle": "al", "email": "alexander@b.org", "password": "alexander"}, WeakPassword),
]


async def test_what_cannot_be_is_refused_before_hashing(harness):
    for fields, refusal in REFUSED:
        with pytest.raises(refusal):
            await harness.call(None, Register(**({"password": PASSWORD} | fields)))
    assert harness.hasher.asked == []


async def test_what_is_taken_is_refused(harness):
    await harness.call(
        None, Register(handle="alice", email="a@b.org", phone="+8613800138000", password=PASSWORD)
    )
    for fields, refusal in [
        ({"handle": "ALICE"}, HandleTaken),
        ({"handle": "bob", "email": "A@B.org"}, EmailTaken),
        ({"handle": "bob", "phone": "+86-138-0013-8000"}, PhoneTaken),
    ]:
        with pytest.raises(refusal):
            await harness.call(None, Register(password=PASSWORD, **fields))


async def test_of_two_at_once_one_gets_the_handle(harness):
    both = await asyncio.gather(
        harness.register("alice"), harness.register("alice"), return_exceptions=True
    )
    assert sorted(type(one).__name__ for one in both) == ["HandleTaken", "Tokens"]


async def test_a_busy_hasher_makes_nobody(harness):
    harness.hasher.trouble = Busy()
    with pytest.raises(Busy):
        await harness.register("alice")
    harness.hasher.trouble = None
    assert await harness.register("alice")


async def test_closed_means_closed(make_harness):
    harness = make_harness(registration="closed")
    with pytest.raises(RegistrationClosed):
        await harness.register("alice")


async def test_an_invite_is_used_up(make_harness):
    harness = make_harness(registration="invite")
    with pytest.raises(InviteNeeded):
        await harness.register("alice")
    with pytest.raises(InviteInvalid):
        await harness.register("alice", invite="nonsense")
    invite = await harness.call(ADMIN, CreateInvite(uses=2, note="for friends"))
    assert (await harness.call(ADMIN, ListInvites())).invites == [invite]
    await harness.register("alice", invite=f" {invite.code.upper()} ")
    assert (await harness.call(ADMIN, ListInvites())).invites[0].uses_left == 1
    await harness.register("bob", invite=invite.code)
    with pytest.raises(InviteInvalid):
        await harness.register("carol", invite=invite.code)
    assert (await harness.call(ADMIN, ListInvites())).invites == []


async def test_the_last_use_goes_to_one_of_many(make_harness):
    harness = make_harness(registration="invite")
    invite = await harness.call(ADMIN, CreateInvite())
    racers = [harness.register(f"user{i}", invite=invite.code) for i in range(4)]
    outcomes = await asyncio.gather(*racers, return_exceptions=True)
    names = sorted(type(outcome).__name__ for outcome in outcomes)
    assert names == ["InviteInvalid", "InviteInvalid", "InviteInvalid", "Tokens"]
    assert await harness.store.count(Credential) == 1


async def test_a_crowd_with_one_invite_gets_in(make_harness):
    harness = make_harness(registration="invite")
    invite = await harness.call(ADMIN, CreateInvite(uses=40))
    await asyncio.gather(*[harness.register(f"user{i}", invite=invite.code) for i in range(30)])
    assert (await harness.store.get(Invite, invite.code)).uses_left == 10


async def test_a_failed_registration_uses_no_invite(make_harness):
    harness = make_harness(registration="invite")
    invite = await harness.call(ADMIN, CreateInvite(uses=2))
    await harness.register("alice", invite=invite.code)
    with pytest.raises(HandleTaken):
        await harness.register("alice", invite=invite.code)
    assert (await harness.store.get(Invite, invite.code)).uses_left == 1


async def test_invites_expire_and_are_cancelled(make_harness):
    harness = make_harness(registration="invite")
    expiring = await harness.call(ADMIN, CreateInvite(expires_at_ms=harness.clock.now_ms() + 1_000))
    harness.clock.advance(1_000)
    with pytest.raises(InviteInvalid):
        await harness.register("alice", invite=expiring.code)
    cancelled = await harness.call(ADMIN, CreateInvite())
    await harness.call(ADMIN, CancelInvite(code=cancelled.code))
    with pytest.raises(InviteInvalid):
        await harness.register("alice", invite=cancelled.code)
    with pytest.raises(NotFound):
        await harness.call(ADMIN, CancelInvite(code=cancelled.code))


async def test_invites_are_listed_by_pages_and_bounded(harness):
    for _ in range(5):
        await harness.call(ADMIN, CreateInvite())
    codes, after = [], ""
    while True:
        page = await harness.call(ADMIN, ListInvites(limit=2, after=after))
        codes += [invite.code for invite in page.invites]
        after = page.next_after
        if not after:
            break
    assert codes == sorted(codes)
    assert len(set(codes)) == 5
    for command in (
        ListInvites(limit=0),
        ListInvites(after="garbage"),
        CreateInvite(uses=0),
        CreateInvite(expires_at_ms=1),
    ):
        with pytest.raises(Invalid):
            await harness.call(ADMIN, command)


async def test_the_operator_creates_users_even_where_registration_is_closed(make_harness):
    harness = make_harness(registration="closed")
    account = await harness.call("system", CreateUser(handle="boss", password=PASSWORD, admin=True))
    assert account.admin
    assert await harness.kinds(account.user_id) == ["user.registered"]
    assert (await harness.log_in("boss")).user_id == account.user_id


async def test_an_app_server_chooses_the_user_id(harness):
    created = await harness.call("system", CreateUser(user_id="app_42", handle="bot42", bot=True))
    assert (created.user_id, created.bot) == ("app_42", True)
    with pytest.raises(Conflict):
        await harness.call("system", CreateUser(user_id="app_42", handle="other"))
    for user_id in ("system", "with space", "x" * 65, "@alice"):
        with pytest.raises(Invalid):
            await harness.call("system", CreateUser(user_id=user_id, handle="other"))


async def test_one_address_makes_accounts_ever_slower_but_not_never(harness):
    async def register(handle, address):
        command = Register(handle=handle, password=PASSWORD)
        return await harness.call(None, command, address)

    for i in range(50):
        await register(f"user{i}", "192.0.2.1")
    with pytest.raises(RateLimited):
        await register("late", "192.0.2.1")
    await register("elsewhere", "192.0.2.2")
    for i in range(10):
        harness.clock.advance(10_000)
        await register(f"late{i}", "192.0.2.1")


async def test_no_two_user_ids_differ_by_case_only(harness):
    old = User(user_id="Old.Account", handle=None, name="Old", created_at_ms=0)
    await harness.store.commit(Commit(changes=(Put(old),)))
    with pytest.raises(Invalid):
        await harness.call("system", CreateUser(user_id="New.Account", handle="other"))
    with pytest.raises(Conflict):
        await harness.call("system", CreateUser(user_id="old.account", handle="other"))
    await harness.call("system", CreateUser(user_id="new.account", handle="other"))
    assert (await harness.store.get(User, "Old.Account")) == old, "it stays what it is"
