"""Logging in: by whatever name, alike for everybody, and slower for who guesses."""

import asyncio

import pytest

from hongyan.domain.user.commands import (
    AccountDeactivated,
    Authenticate,
    GetMe,
    ListDevices,
    WrongCredentials,
)
from hongyan.domain.user.commands_admin import CreateUser, DeactivateUser, SetPassword
from hongyan.domain.user.commands_credentials import DeleteMe
from hongyan.domain.user.devices import DevicePolicy
from hongyan.domain.user.model import Credential
from hongyan.kernel.errors import Busy, RateLimited, Unauthenticated

PASSWORD = "correct horse"


async def test_any_name_logs_in(make_harness):
    harness = make_harness(phone_region="CN")
    alice = await harness.register("alice", email="alice@example.org", phone="+8613800138000")
    for name in (
        "alice",
        "@Alice",
        " ALICE ",
        "Alice@Example.org",
        "+86 138 0013 8000",
        "138 0013 8000",
    ):
        assert (await harness.log_in(name)).user_id == alice.user_id


async def test_the_access_token_tells_who(harness):
    tokens = await harness.register("alice")
    actor = await harness.call(None, Authenticate(access_token=tokens.access_token))
    assert (actor.user_id, actor.device_id, actor.admin) == (
        tokens.user_id,
        tokens.device_id,
        False,
    )
    assert tokens.expires_in_s == 900
    harness.clock.advance(900_000)
    with pytest.raises(Unauthenticated):
        await harness.call(None, Authenticate(access_token=tokens.access_token))
    with pytest.raises(Unauthenticated):
        await harness.call(None, Authenticate(access_token="nonsense"))


async def test_an_unknown_name_and_a_wrong_password_are_alike(harness):
    await harness.register("alice")
    await harness.call("system", CreateUser(handle="keyless"))
    deleted = await harness.register("deleted")
    await harness.call(deleted, DeleteMe(password=PASSWORD))
    stories = []
    for name in ("alice", "nobody", "nobody@example.org", "+8613900139000", "keyless", "deleted"):
        harness.hasher.asked.clear()
        with pytest.raises(WrongCredentials) as refused:
            await harness.log_in(name, "wrong password")
        stories.append([refused.value.text, dict(refused.value.details), *harness.hasher.asked])
    assert stories == [[WrongCredentials.message, {}, "verify"]] * 6


async def test_guessing_gets_slower_and_is_forgiven(harness):
    await harness.register("alice")
    for _ in range(5):
        with pytest.raises(WrongCredentials):
            await harness.log_in("alice", "wrong password")
    waits = []
    for _ in range(4):
        with pytest.raises(RateLimited) as limited:
            await harness.log_in("alice", PASSWORD)
        waits.append(limited.value.details["retry_after_ms"])
        harness.clock.advance(waits[-1])
        with pytest.raises(WrongCredentials):
            await harness.log_in("alice", "wrong password")
    assert waits == sorted(waits)
    assert waits[-1] > 7 * waits[0]
    harness.clock.advance(60_000)
    await harness.log_in("alice")
    for _ in range(5):
        with pytest.raises(WrongCredentials):
            await harness.log_in("alice", "wrong password")


async def test_an_unknown_name_is_locked_alike_and_other_names_of_one_user_together(harness):
    await harness.register("alice", email="alice@example.org")
    for name in ("alice", "alice@example.org", "alice", "alice@example.org", "alice"):
        with pytest.raises(WrongCredentials):
            await harness.log_in(name, "wrong password")
    with pytest.raises(RateLimited):
        await harness.log_in("alice@example.org")
    for _ in range(5):
        with pytest.raises(WrongCredentials):
            await harness.log_in("nobody", "wrong password")
    with pytest.raises(RateLimited):
        await harness.log_in("nobody", "wrong password")


async def test_many_guesses_at_once_gain_nothing(harness):
    await harness.register("alice")
    guesses = [harness.log_in("alice", f"wrong password {i}") for i in range(20)]
    outcomes = await asyncio.gather(*guesses, return_exceptions=True)
    assert sum(isinstance(outcome, WrongCredentials) for outcome in outcomes) == 5
    assert sum(isinstance(outcome, RateLimited) for outcome in outcomes) == 15


async def test_one_address_that_tries_many_names_is_slowed(harness):
    await harness.register("alice")
    for i in range(30):
        with pytest.raises(WrongCredentials):
            await harness.log_in(f"nobody{i}", address="2001:db8::1")
    with pytest.raises(RateLimited):
        await harness.log_in("alice", address="2001:db8::2")
    assert await harness.log_in("alice", address="2001:db8:0:1::1")
    assert await harness.log_in("alice", address="192.0.2.1")


async def test_a_busy_hasher_is_no_failed_attempt(harness):
    await harness.register("alice")
    harness.hasher.trouble = Busy()
    for _ in range(20):
        with pytest.raises(Busy):
            await harness.log_in("alice")
    harness.hasher.trouble = None
    assert await harness.log_in("alice")


async def test_an_outdated_hash_is_renewed(harness):
    tokens = await harness.register("alice")
    harness.hasher.version = 2
    await harness.log_in("alice")
    credential = await harness.store.get(Credential, tokens.user_id)
    assert credential.password_hash == f"2:{PASSWORD}"
    harness.hasher.asked.clear()
    await harness.log_in("alice")
    assert harness.hasher.asked == ["verify"]


async def test_a_hasher_too_busy_to_renew_hinders_nobody(harness):
    await harness.register("alice")
    harness.hasher.version = 2

    async def busy(_password):
        raise Busy

    harness.hasher.hash = busy
    assert await harness.log_in("alice")


async def test_a_password_changed_meanwhile_does_not_log_in(harness):
    tokens = await harness.register("alice")
    verify = harness.hasher.verify

    async def slow_verify(hashed, password):
        fits = await verify(hashed, password)
        await harness.call(
            "system", SetPassword(user_id=tokens.user_id, new_password="another one")
        )
        return fits

    harness.hasher.verify = slow_verify
    with pytest.raises(WrongCredentials):
        await harness.log_in("alice")


async def test_the_password_is_the_same_however_it_is_typed(harness):
    await harness.register("alice", password="pa\u00dfwo\u0308rter")
    assert await harness.log_in("alice", "pa\u00dfw\u00f6rter")


async def test_who_an_administrator_deactivated_is_told_so_only_with_the_password(harness):
    tokens = await harness.register("alice")
    await harness.call("root", DeactivateUser(user_id=tokens.user_id))
    with pytest.raises(WrongCredentials):
        await harness.log_in("alice", "wrong password")
    with pytest.raises(AccountDeactivated):
        await harness.log_in("alice")


# --- several terminals ---


async def test_all_devices_stay(harness):
    first = await harness.register("alice")
    await harness.log_in("alice")
    assert len(await harness.device_ids(first.user_id)) == 2


async def test_one_of_each_platform_stays(make_harness):
    harness = make_harness(devices=DevicePolicy(terminals="one_per_platform"))
    phone = await harness.register("alice", platform="ios")
    web = await harness.log_in("alice", platform="web")
    newer = await harness.log_in("alice", platform="ios")
    assert await harness.device_ids(phone.user_id) == {web.device_id, newer.device_id}
    assert await harness.removed(phone.user_id) == [(phone.device_id, "replaced")]
    with pytest.raises(Unauthenticated):
        await harness.call(None, Authenticate(access_token=phone.access_token))


async def test_one_in_all_stays(make_harness):
    harness = make_harness(devices=DevicePolicy(terminals="one"))
    phone = await harness.register("alice", platform="ios")
    web = await harness.log_in("alice", platform="web")
    assert await harness.device_ids(phone.user_id) == {web.device_id}
    assert await harness.removed(phone.user_id) == [(phone.device_id, "replaced")]


async def test_a_bot_runs_in_many_places_but_calling_oneself_one_does_not_help(make_harness):
    harness = make_harness(devices=DevicePolicy(terminals="one"))
    bot = await harness.call("system", CreateUser(handle="echo", password=PASSWORD, bot=True))
    for _ in range(3):
        await harness.log_in("echo", platform="bot")
    assert len(await harness.device_ids(bot.user_id)) == 3
    alice = await harness.register("alice", platform="bot")
    await harness.log_in("alice", platform="bot")
    assert len(await harness.device_ids(alice.user_id)) == 1


async def test_of_too_many_devices_the_one_that_was_away_longest_goes(make_harness):
    harness = make_harness(devices=DevicePolicy(devices_max=3))
    first = await harness.register("alice")
    others = [await harness.log_in("alice") for _ in range(4)]
    assert await harness.device_ids(first.user_id) == {t.device_id for t in others[1:]}
    assert (await harness.call(others[-1], GetMe())).handle == "alice"
    listed = await harness.call(others[-1], ListDevices())
    assert [d.device_id for d in listed.devices] == [t.device_id for t in others[1:]]


async def test_many_logins_at_once_keep_the_limit(make_harness):
    harness = make_harness(devices=DevicePolicy(terminals="one"))
    alice = await harness.register("alice")
    await asyncio.gather(*[harness.log_in("alice") for _ in range(4)])
    assert len(await harness.device_ids(alice.user_id)) == 1
