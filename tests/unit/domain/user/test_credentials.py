"""Passwords and addresses change, codes let people back in, accounts sleep and end."""

import asyncio

import msgspec
import pytest

from hongyan.domain.user.api import (
    Authenticate,
    EmailTaken,
    GetMe,
    GetUsers,
    MailNotConfigured,
    Register,
    WeakPassword,
    WrongCode,
    WrongCredentials,
    WrongPassword,
)
from hongyan.domain.user.api_admin import CreateResetCode, CreateUser, SetPassword
from hongyan.domain.user.api_credentials import (
    ChangeEmail,
    ChangePassword,
    ChangePhone,
    DeactivateMe,
    DeleteMe,
    RequestPasswordReset,
    ResetPassword,
)
from hongyan.domain.user.model import Account, Credential, PasswordReset, SearchKey, User
from hongyan.domain.user.service_credentials import CredentialPolicy
from hongyan.kernel.errors import Busy, Invalid, NotFound, RateLimited, Unauthenticated

PASSWORD, NEW = "correct horse", "battery staple"


@pytest.fixture
async def alice(world):
    command = Register(handle="alice", email="alice@example.org", password=PASSWORD, locale="zh-CN")
    return await world.call(None, command)


async def request(world, identifier, address=""):
    await world.call(None, RequestPasswordReset(identifier=identifier), address)
    await world.background.close()


async def reset(world, code, password=NEW, identifier="alice"):
    command = ResetPassword(identifier=identifier, code=code, new_password=password)
    return await world.call(None, command)


# --- with the password ---


async def test_changing_the_password_keeps_this_device_only(world, alice):
    other = await world.log_in("alice")
    await world.call(alice, ChangePassword(password=PASSWORD, new_password=NEW))
    assert await world.removed(alice.user_id) == [(other.device_id, "password_changed")]
    assert ("password.changed", {"how": "changed"}) in await world.entries(alice.user_id)
    with pytest.raises(WrongCredentials):
        await world.log_in("alice", PASSWORD)
    await world.log_in("alice", NEW)


async def test_a_weak_new_password_changes_nothing(world, alice):
    for new in ("short", "x" * 129, "password123", "Alice@Example.org"):
        with pytest.raises(WeakPassword):
            await world.call(alice, ChangePassword(password=PASSWORD, new_password=new))
    await world.log_in("alice", PASSWORD)


async def test_the_shortest_password_is_a_setting(make_world):
    world = make_world(credentials=CredentialPolicy(password_min=14))
    with pytest.raises(WeakPassword) as weak:
        await world.register("alice", password="correct horse")
    assert weak.value.details == {"limit": 14}


@pytest.mark.parametrize(
    "command",
    [
        ChangePassword(password="wrong", new_password=NEW),
        ChangeEmail(password="wrong", email=None),
        ChangePhone(password="wrong", phone=None),
        DeactivateMe(password="wrong"),
        DeleteMe(password="wrong"),
    ],
)
async def test_a_stolen_session_cannot_guess_the_password(world, alice, command):
    before = await world.kinds(alice.user_id)
    for _ in range(5):
        with pytest.raises(WrongPassword):
            await world.call(alice, command)
    with pytest.raises(RateLimited):
        await world.call(alice, command)
    with pytest.raises(RateLimited):
        await world.log_in("alice")
    assert await world.kinds(alice.user_id) == before


async def test_a_busy_hasher_is_no_wrong_password(world, alice):
    world.hasher.trouble = Busy()
    for _ in range(10):
        with pytest.raises(Busy):
            await world.call(alice, DeleteMe(password=PASSWORD))
    world.hasher.trouble = None
    await world.call(alice, DeactivateMe(password=PASSWORD))


async def test_addresses_change(world, alice):
    changed = await world.call(alice, ChangeEmail(password=PASSWORD, email="New@Example.org"))
    assert changed.email == "new@example.org"
    changed = await world.call(alice, ChangePhone(password=PASSWORD, phone="+86 13800138000"))
    assert changed.phone == "+8613800138000"
    changed = await world.call(alice, ChangeEmail(password=PASSWORD, email=None))
    assert changed.email is None
    assert (await world.log_in("+8613800138000")).user_id == alice.user_id
    with pytest.raises(WrongCredentials):
        await world.log_in("alice@example.org")


async def test_addresses_are_judged(world, alice):
    await world.call(None, Register(handle="bob", email="bob@example.org", password=PASSWORD))
    with pytest.raises(EmailTaken):
        await world.call(alice, ChangeEmail(password=PASSWORD, email="bob@example.org"))
    with pytest.raises(Invalid):
        await world.call(alice, ChangeEmail(password=PASSWORD, email="nonsense"))
    with pytest.raises(Invalid):
        await world.call(alice, ChangePhone(password=PASSWORD, phone="12"))


async def test_something_to_log_in_with_is_left(world):
    only = await world.call(None, Register(email="a@example.org", name="A", password=PASSWORD))
    with pytest.raises(Invalid):
        await world.call(only, ChangeEmail(password=PASSWORD, email=None))


async def test_of_two_password_changes_at_once_one_wins(world, alice):
    outcomes = await asyncio.gather(
        world.call(alice, ChangePassword(password=PASSWORD, new_password="new password 1")),
        world.call(alice, ChangePassword(password=PASSWORD, new_password="new password 2")),
        return_exceptions=True,
    )
    assert [type(outcome).__name__ for outcome in outcomes].count("WrongPassword") == 1


# --- one-time codes ---


async def test_a_mailed_code_sets_a_new_password(world, alice):
    await request(world, "alice")
    ((email, code, minutes, locale),) = world.postman.sent
    assert (email, minutes, locale) == ("alice@example.org", 15, "zh-CN")
    assert code.replace("-", "") not in repr(await world.store.get(PasswordReset, alice.user_id))
    await reset(world, f" {code.lower()} ")
    assert await world.removed(alice.user_id) == [(alice.device_id, "password_changed")]
    assert ("password.changed", {"how": "reset"}) in await world.entries(alice.user_id)
    await world.log_in("alice", NEW)
    with pytest.raises(WrongCode):
        await reset(world, code, "yet another one")


async def test_asking_for_a_code_tells_nothing(world, alice):
    await world.call(None, Register(handle="mailless", password=PASSWORD))
    for name in ("nobody", "nobody@example.org", "mailless", "\u4f60\u597d", ""):
        await request(world, name)
    assert world.postman.sent == []
    world.postman.is_broken = True
    await request(world, "alice")


async def test_trying_a_code_tells_nothing(world, alice):
    await request(world, "alice")
    stories = []
    for name in ("alice", "nobody", "nobody@example.org"):
        world.hasher.asked.clear()
        with pytest.raises(WrongCode) as refused:
            await reset(world, "WRONG-CODES", identifier=name)
        stories.append([refused.value.text, dict(refused.value.details), *world.hasher.asked])
    assert stories == [[WrongCode.message, {}, "hash"]] * 3
    for name in ("alice", "nobody"):  # a password that only alice could not have
        with pytest.raises(WrongCode):
            await reset(world, "WRONG-CODES", "alice@example.org", identifier=name)


async def test_a_code_that_fits_may_be_used_again_after_a_weak_password(world, alice):
    await request(world, "alice")
    code = world.postman.sent[0][1]
    for weak in ("alice@example.org", "short"):
        with pytest.raises(WeakPassword):
            await reset(world, code, weak)
    await reset(world, code)


async def test_five_tries_spend_a_code(world, alice):
    code = (await world.call("root", CreateResetCode(user_id=alice.user_id))).code
    for _ in range(5):
        with pytest.raises(WrongCode):
            await reset(world, "WRONG-CODES")
        world.clock.advance(130_000)
    with pytest.raises(WrongCode):
        await reset(world, code)
    await world.log_in("alice", PASSWORD)


async def test_many_tries_at_once_count_each(world, alice):
    await world.call("root", CreateResetCode(user_id=alice.user_id))
    tries = [reset(world, "WRONG-CODES") for _ in range(10)]
    outcomes = await asyncio.gather(*tries, return_exceptions=True)
    assert {type(outcome) for outcome in outcomes} == {WrongCode, RateLimited}
    left = (await world.store.get(PasswordReset, alice.user_id)).tries_left
    assert left == 5 - sum(isinstance(outcome, WrongCode) for outcome in outcomes)


async def test_a_code_expires(world, alice):
    made = await world.call("root", CreateResetCode(user_id=alice.user_id))
    assert made.expires_at_ms == world.clock.now_ms() + 900_000
    world.clock.advance(900_000)
    with pytest.raises(WrongCode):
        await reset(world, made.code)


async def test_a_newer_code_replaces_the_older(world, alice):
    older = await world.call("root", CreateResetCode(user_id=alice.user_id))
    newer = await world.call("root", CreateResetCode(user_id=alice.user_id))
    with pytest.raises(WrongCode):
        await reset(world, older.code)
    await reset(world, newer.code)


async def test_a_code_sent_to_an_old_address_is_worthless(world, alice):
    await request(world, "alice")
    await world.call(alice, ChangeEmail(password=PASSWORD, email="new@example.org"))
    with pytest.raises(WrongCode):
        await reset(world, world.postman.sent[0][1])


async def test_codes_cannot_be_asked_for_without_end(world, alice):
    for _ in range(3):
        await request(world, "alice")
    with pytest.raises(RateLimited):
        await request(world, "ALICE")
    for _ in range(3):
        await request(world, "nobody")
    with pytest.raises(RateLimited):
        await request(world, "nobody")
    assert len(world.postman.sent) == 3


async def test_a_right_code_forgives_the_guesses(world, alice):
    for _ in range(5):
        with pytest.raises(WrongCredentials):
            await world.log_in("alice", "wrong password")
    await reset(world, (await world.call("root", CreateResetCode(user_id=alice.user_id))).code)
    await world.log_in("alice", NEW)


async def test_a_server_without_mail_says_so_to_everybody(world, alice):
    world.postman.is_configured = False
    for name in ("alice", "nobody"):
        with pytest.raises(MailNotConfigured):
            await request(world, name)


async def test_the_operator_sets_a_password(world, alice):
    await world.call("system", SetPassword(user_id=alice.user_id, new_password=NEW))
    assert await world.removed(alice.user_id) == [(alice.device_id, "password_changed")]
    await world.log_in("alice", NEW)
    keyless = await world.call("system", CreateUser(handle="keyless"))
    await world.call("system", SetPassword(user_id=keyless.user_id, new_password=NEW))
    await world.log_in("keyless", NEW)
    with pytest.raises(NotFound):
        await world.call("system", SetPassword(user_id="nobody", new_password=NEW))


# --- the account as a whole ---


async def test_a_sleeping_account_wakes_at_log_in(world, alice):
    await world.call(alice, DeactivateMe(password=PASSWORD))
    assert await world.removed(alice.user_id) == [(alice.device_id, "deactivated")]
    assert (await world.store.get(User, alice.user_id)).state == "deactivated"
    with pytest.raises(Unauthenticated):
        await world.call(None, Authenticate(access_token=alice.access_token))
    back = await world.log_in("alice")
    assert (await world.call(back, GetMe())).state == "active"
    states = [
        body.get("state", "active")
        for kind, body in await world.entries(alice.user_id)
        if kind == "user.changed"
    ]
    assert states == ["deactivated", "active"]


async def test_a_deleted_account_is_empty_and_its_names_are_free(world, alice):
    other = await world.log_in("alice")
    await world.call("root", CreateResetCode(user_id=alice.user_id))
    await world.call(alice, DeleteMe(password=PASSWORD))
    removed = await world.removed(alice.user_id)
    assert {device_id for device_id, _ in removed} == {alice.device_id, other.device_id}
    _, body = next(e for e in await world.entries(alice.user_id) if e[0] == "user.changed")
    assert msgspec.convert(body, Account) == Account(
        user_id=alice.user_id, state="deleted", created_at_ms=body["created_at_ms"]
    )
    for row in (Credential, PasswordReset):
        assert await world.store.get(row, alice.user_id) is None
    assert await world.store.count(SearchKey) == 0
    bob = await world.call(
        None, Register(handle="alice", email="alice@example.org", password=PASSWORD)
    )
    assert bob.user_id != alice.user_id
    (profile,) = (await world.call(bob, GetUsers(user_ids=[alice.user_id]))).users
    assert (profile.state, profile.name, profile.handle) == ("deleted", "", None)
    with pytest.raises(NotFound):
        await world.call(alice, GetMe())
