"""Passwords and addresses change, codes let people back in, accounts sleep and end."""

import asyncio

import msgspec
import pytest

from hongyan.domain.user.commands import (
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
from hongyan.domain.user.commands_admin import CreateResetCode, CreateUser, SetPassword
from hongyan.domain.user.commands_credentials import (
    ChangeEmail,
    ChangePassword,
    ChangePhone,
    DeactivateMe,
    DeleteMe,
    RequestPasswordReset,
    ResetPassword,
)
from hongyan.domain.user.credentials import CredentialPolicy
from hongyan.domain.user.model import Account, Credential, PasswordReset, SearchKey, User
from hongyan.kernel.errors import Busy, Invalid, NotFound, RateLimited, Unauthenticated

PASSWORD, NEW = "correct horse", "battery staple"


@pytest.fixture
async def alice(harness):
    command = Register(handle="alice", email="alice@example.org", password=PASSWORD, locale="zh-CN")
    return await harness.call(None, command)


async def request(harness, identifier, address=""):
    await harness.call(None, RequestPasswordReset(identifier=identifier), address)
    await harness.background.close()


async def reset(harness, code, password=NEW, identifier="alice"):
    command = ResetPassword(identifier=identifier, code=code, new_password=password)
    return await harness.call(None, command)


# --- with the password ---


async def test_changing_the_password_keeps_this_device_only(harness, alice):
    other = await harness.log_in("alice")
    await harness.call(alice, ChangePassword(password=PASSWORD, new_password=NEW))
    assert await harness.removed(alice.user_id) == [(other.device_id, "password_changed")]
    assert ("password.changed", {"how": "changed"}) in await harness.entries(alice.user_id)
    with pytest.raises(WrongCredentials):
        await harness.log_in("alice", PASSWORD)
    await harness.log_in("alice", NEW)


async def test_a_weak_new_password_changes_nothing(harness, alice):
    for new in ("short", "x" * 129, "password123", "Alice@Example.org"):
        with pytest.raises(WeakPassword):
            await harness.call(alice, ChangePassword(password=PASSWORD, new_password=new))
    await harness.log_in("alice", PASSWORD)


async def test_the_shortest_password_is_a_setting(make_harness):
    harness = make_harness(credentials=CredentialPolicy(password_min=14))
    with pytest.raises(WeakPassword) as weak:
        await harness.register("alice", password="correct horse")
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
async def test_a_stolen_session_cannot_guess_the_password(harness, alice, command):
    before = await harness.kinds(alice.user_id)
    for _ in range(5):
        with pytest.raises(WrongPassword):
            await harness.call(alice, command)
    with pytest.raises(RateLimited):
        await harness.call(alice, command)
    with pytest.raises(RateLimited):
        await harness.log_in("alice")
    assert await harness.kinds(alice.user_id) == before


async def test_a_busy_hasher_is_no_wrong_password(harness, alice):
    harness.hasher.trouble = Busy()
    for _ in range(10):
        with pytest.raises(Busy):
            await harness.call(alice, DeleteMe(password=PASSWORD))
    harness.hasher.trouble = None
    await harness.call(alice, DeactivateMe(password=PASSWORD))


async def test_addresses_change(harness, alice):
    changed = await harness.call(alice, ChangeEmail(password=PASSWORD, email="New@Example.org"))
    assert changed.email == "new@example.org"
    changed = await harness.call(alice, ChangePhone(password=PASSWORD, phone="+86 13800138000"))
    assert changed.phone == "+8613800138000"
    changed = await harness.call(alice, ChangeEmail(password=PASSWORD, email=None))
    assert changed.email is None
    assert (await harness.log_in("+8613800138000")).user_id == alice.user_id
    with pytest.raises(WrongCredentials):
        await harness.log_in("alice@example.org")


async def test_addresses_are_judged(harness, alice):
    await harness.call(None, Register(handle="bob", email="bob@example.org", password=PASSWORD))
    with pytest.raises(EmailTaken):
        await harness.call(alice, ChangeEmail(password=PASSWORD, email="bob@example.org"))
    with pytest.raises(Invalid):
        await harness.call(alice, ChangeEmail(password=PASSWORD, email="nonsense"))
    with pytest.raises(Invalid):
        await harness.call(alice, ChangePhone(password=PASSWORD, phone="12"))


async def test_something_to_log_in_with_is_left(harness):
    only = await harness.call(None, Register(email="a@example.org", name="A", password=PASSWORD))
    with pytest.raises(Invalid):
        await harness.call(only, ChangeEmail(password=PASSWORD, email=None))


async def test_of_two_password_changes_at_once_one_wins(harness, alice):
    outcomes = await asyncio.gather(
        harness.call(alice, ChangePassword(password=PASSWORD, new_password="new password 1")),
        harness.call(alice, ChangePassword(password=PASSWORD, new_password="new password 2")),
        return_exceptions=True,
    )
    assert [type(outcome).__name__ for outcome in outcomes].count("WrongPassword") == 1


# --- one-time codes ---


async def test_a_mailed_code_sets_a_new_password(harness, alice):
    await request(harness, "alice")
    ((email, code, minutes, locale),) = harness.postman.sent
    assert (email, minutes, locale) == ("alice@example.org", 15, "zh-CN")
    assert code.replace("-", "") not in repr(await harness.store.get(PasswordReset, alice.user_id))
    await reset(harness, f" {code.lower()} ")
    assert await harness.removed(alice.user_id) == [(alice.device_id, "password_changed")]
    assert ("password.changed", {"how": "reset"}) in await harness.entries(alice.user_id)
    await harness.log_in("alice", NEW)
    with pytest.raises(WrongCode):
        await reset(harness, code, "yet another one")


async def test_asking_for_a_code_tells_nothing(harness, alice):
    await harness.call(None, Register(handle="mailless", password=PASSWORD))
    for name in ("nobody", "nobody@example.org", "mailless", "\u4f60\u597d", ""):
        await request(harness, name)
    assert harness.postman.sent == []
    harness.postman.is_broken = True
    await request(harness, "alice")


async def test_trying_a_code_tells_nothing(harness, alice):
    await request(harness, "alice")
    stories = []
    for name in ("alice", "nobody", "nobody@example.org"):
        harness.hasher.asked.clear()
        with pytest.raises(WrongCode) as refused:
            await reset(harness, "WRONG-CODES", identifier=name)
        stories.append([refused.value.text, dict(refused.value.details), *harness.hasher.asked])
    assert stories == [[WrongCode.message, {}, "hash"]] * 3
    for name in ("alice", "nobody"):  # a password that only alice could not have
        with pytest.raises(WrongCode):
            await reset(harness, "WRONG-CODES", "alice@example.org", identifier=name)


async def test_a_code_that_fits_may_be_used_again_after_a_weak_password(harness, alice):
    await request(harness, "alice")
    code = harness.postman.sent[0][1]
    for weak in ("alice@example.org", "short"):
        with pytest.raises(WeakPassword):
            await reset(harness, code, weak)
    await reset(harness, code)


async def test_five_tries_spend_a_code(harness, alice):
    code = (await harness.call("root", CreateResetCode(user_id=alice.user_id))).code
    for _ in range(5):
        with pytest.raises(WrongCode):
            await reset(harness, "WRONG-CODES")
        harness.clock.advance(130_000)
    with pytest.raises(WrongCode):
        await reset(harness, code)
    await harness.log_in("alice", PASSWORD)


async def test_many_tries_at_once_count_each(harness, alice):
    await harness.call("root", CreateResetCode(user_id=alice.user_id))
    tries = [reset(harness, "WRONG-CODES") for _ in range(10)]
    outcomes = await asyncio.gather(*tries, return_exceptions=True)
    assert {type(outcome) for outcome in outcomes} == {WrongCode, RateLimited}
    left = (await harness.store.get(PasswordReset, alice.user_id)).tries_left
    assert left == 5 - sum(isinstance(outcome, WrongCode) for outcome in outcomes)


async def test_a_code_expires(harness, alice):
    made = await harness.call("root", CreateResetCode(user_id=alice.user_id))
    assert made.expires_at_ms == harness.clock.now_ms() + 900_000
    harness.clock.advance(900_000)
    with pytest.raises(WrongCode):
        await reset(harness, made.code)


async def test_a_newer_code_replaces_the_older(harness, alice):
    older = await harness.call("root", CreateResetCode(user_id=alice.user_id))
    newer = await harness.call("root", CreateResetCode(user_id=alice.user_id))
    with pytest.raises(WrongCode):
        await reset(harness, older.code)
    await reset(harness, newer.code)


async def test_a_code_sent_to_an_old_address_is_worthless(harness, alice):
    await request(harness, "alice")
    await harness.call(alice, ChangeEmail(password=PASSWORD, email="new@example.org"))
    with pytest.raises(WrongCode):
        await reset(harness, harness.postman.sent[0][1])


async def test_codes_cannot_be_asked_for_without_end(harness, alice):
    for _ in range(3):
        await request(harness, "alice")
    with pytest.raises(RateLimited):
        await request(harness, "ALICE")
    for _ in range(3):
        await request(harness, "nobody")
    with pytest.raises(RateLimited):
        await request(harness, "nobody")
    assert len(harness.postman.sent) == 3


async def test_a_right_code_forgives_the_guesses(harness, alice):
    for _ in range(5):
        with pytest.raises(WrongCredentials):
            await harness.log_in("alice", "wrong password")
    await reset(harness, (await harness.call("root", CreateResetCode(user_id=alice.user_id))).code)
    await harness.log_in("alice", NEW)


async def test_a_server_without_mail_says_so_to_everybody(harness, alice):
    harness.postman.is_configured = False
    for name in ("alice", "nobody"):
        with pytest.raises(MailNotConfigured):
            await request(harness, name)


async def test_the_operator_sets_a_password(harness, alice):
    await harness.call("system", SetPassword(user_id=alice.user_id, new_password=NEW))
    assert await harness.removed(alice.user_id) == [(alice.device_id, "password_changed")]
    await harness.log_in("alice", NEW)
    keyless = await harness.call("system", CreateUser(handle="keyless"))
    await harness.call("system", SetPassword(user_id=keyless.user_id, new_password=NEW))
    await harness.log_in("keyless", NEW)
    with pytest.raises(NotFound):
        await harness.call("system", SetPassword(user_id="nobody", new_password=NEW))


# --- the account as a whole ---


async def test_a_sleeping_account_wakes_at_log_in(harness, alice):
    await harness.call(alice, DeactivateMe(password=PASSWORD))
    assert await harness.removed(alice.user_id) == [(alice.device_id, "deactivated")]
    assert (await harness.store.get(User, alice.user_id)).state == "deactivated"
    with pytest.raises(Unauthenticated):
        await harness.call(None, Authenticate(access_token=alice.access_token))
    back = await harness.log_in("alice")
    assert (await harness.call(back, GetMe())).state == "active"
    states = [
        body.get("state", "active")
        for kind, body in await harness.entries(alice.user_id)
        if kind == "user.changed"
    ]
    assert states == ["deactivated", "active"]


async def test_a_deleted_account_is_empty_and_its_names_are_free(harness, alice):
    other = await harness.log_in("alice")
    await harness.call("root", CreateResetCode(user_id=alice.user_id))
    await harness.call(alice, DeleteMe(password=PASSWORD))
    removed = await harness.removed(alice.user_id)
    assert {device_id for device_id, _ in removed} == {alice.device_id, other.device_id}
    _, body = next(e for e in await harness.entries(alice.user_id) if e[0] == "user.changed")
    assert msgspec.convert(body, Account) == Account(
        user_id=alice.user_id, state="deleted", created_at_ms=body["created_at_ms"]
    )
    for row in (Credential, PasswordReset):
        assert await harness.store.get(row, alice.user_id) is None
    assert await harness.store.count(SearchKey) == 0
    bob = await harness.call(
        None, Register(handle="alice", email="alice@example.org", password=PASSWORD)
    )
    assert bob.user_id != alice.user_id
    (profile,) = (await harness.call(bob, GetUsers(user_ids=[alice.user_id]))).users
    assert (profile.state, profile.name, profile.handle) == ("deleted", "", None)
    with pytest.raises(NotFound):
        await harness.call(alice, GetMe())
