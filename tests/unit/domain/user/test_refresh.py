"""Refresh tokens: they rotate, a lost answer may be repeated, and a spent one is noticed."""

import asyncio

import pytest

from hongyan.domain.user.commands import (
    Authenticate,
    ListDevices,
    LogOut,
    Refresh,
    TokenReused,
)
from hongyan.domain.user.commands_admin import CreateUser, MintToken, SetAdmin
from hongyan.domain.user.devices import DevicePolicy
from hongyan.domain.user.model import Device
from hongyan.kernel.errors import Invalid, NotFound, Unauthenticated

GRACE_MS = 30_000


async def refresh(harness, token):
    return await harness.call(None, Refresh(refresh_token=token))


async def is_live(harness, tokens):
    try:
        await harness.call(None, Authenticate(access_token=tokens.access_token))
    except Unauthenticated:
        return False
    return True


async def test_the_token_changes_and_the_device_stays(harness):
    first = await harness.register("alice")
    harness.clock.advance(60_000)
    second = await refresh(harness, first.refresh_token)
    assert (second.user_id, second.device_id) == (first.user_id, first.device_id)
    assert second.refresh_token != first.refresh_token
    assert second.access_token != first.access_token
    assert await is_live(harness, second)
    devices = (await harness.call(second, ListDevices())).devices
    assert devices[0].seen_at_ms > devices[0].created_at_ms
    assert await harness.kinds(first.user_id) == ["user.registered", "device.added"]


async def test_only_hashes_are_stored(harness):
    first = await harness.register("alice")
    second = await refresh(harness, first.refresh_token)
    stored = repr(await harness.store.get(Device, first.device_id))
    for token in (first.refresh_token, second.refresh_token):
        assert not any(secret in stored for secret in token.split(".")[1:])


async def test_a_lost_answer_is_repeated_within_the_grace(harness):
    first = await harness.register("alice")
    lost = await refresh(harness, first.refresh_token)
    harness.clock.advance(GRACE_MS - 10)
    again = await refresh(harness, first.refresh_token)
    assert again.refresh_token == lost.refresh_token
    assert await refresh(harness, again.refresh_token)


async def test_after_the_grace_the_previous_token_ends_the_device(harness):
    first = await harness.register("alice")
    second = await refresh(harness, first.refresh_token)
    other = await harness.log_in("alice")
    harness.clock.advance(GRACE_MS + 1)
    with pytest.raises(TokenReused):
        await refresh(harness, first.refresh_token)
    assert await harness.removed(first.user_id) == [(first.device_id, "token_reused")]
    assert not await is_live(harness, second)
    assert await is_live(harness, other)
    with pytest.raises(Unauthenticated) as refused:
        await refresh(harness, second.refresh_token)
    assert refused.value.code == "unauthenticated"


async def test_once_the_successor_was_used_there_is_no_grace(harness):
    first = await harness.register("alice")
    second = await refresh(harness, first.refresh_token)
    third = await refresh(harness, second.refresh_token)
    with pytest.raises(TokenReused):
        await refresh(harness, first.refresh_token)
    assert not await is_live(harness, third)
    assert await harness.device_ids(first.user_id) == set()


async def test_a_token_spent_long_ago_is_known_again(harness):
    tokens = [await harness.register("alice")]
    for _ in range(10):
        tokens.append(await refresh(harness, tokens[-1].refresh_token))
    with pytest.raises(TokenReused):
        await refresh(harness, tokens[2].refresh_token)


async def test_knowing_a_device_id_ends_nobody(harness):
    alice = await harness.register("alice")
    device_id, family, serial = alice.refresh_token.split(".")
    for forged in (
        device_id,
        f"{device_id}.",
        f"{device_id}.guess.{serial}",
        f"{device_id}..{family}",
        "",
        "x" * 10_000,
        "\u00e9",
    ):
        with pytest.raises(Unauthenticated) as refused:
            await refresh(harness, forged)
        assert refused.value.code == "unauthenticated"
    assert await refresh(harness, alice.refresh_token)


async def test_of_two_refreshes_at_once_only_one_rotates(harness):
    first = await harness.register("alice")
    one, other = await asyncio.gather(
        refresh(harness, first.refresh_token), refresh(harness, first.refresh_token)
    )
    assert one.refresh_token == other.refresh_token
    device = await harness.store.get(Device, first.device_id)
    assert device.refresh_hash != device.previous_hash
    assert await refresh(harness, one.refresh_token)


async def test_a_thief_who_races_is_noticed(harness):
    """Both hold the successor; whoever comes second with it after the grace is one too many."""
    first = await harness.register("alice")
    owner, thief = await asyncio.gather(
        refresh(harness, first.refresh_token), refresh(harness, first.refresh_token)
    )
    await refresh(harness, owner.refresh_token)
    harness.clock.advance(GRACE_MS + 1)
    with pytest.raises(TokenReused):
        await refresh(harness, thief.refresh_token)
    assert await harness.device_ids(first.user_id) == set()


async def test_refresh_against_reuse_at_once_leaves_no_device(harness):
    first = await harness.register("alice")
    second = await refresh(harness, first.refresh_token)
    harness.clock.advance(GRACE_MS + 1)
    await asyncio.gather(
        refresh(harness, second.refresh_token),
        refresh(harness, first.refresh_token),
        return_exceptions=True,
    )
    assert await harness.device_ids(first.user_id) == set()


async def test_a_device_that_logged_out_does_not_refresh(harness):
    alice = await harness.register("alice")
    await harness.call(alice, LogOut())
    with pytest.raises(Unauthenticated):
        await refresh(harness, alice.refresh_token)
    assert await harness.removed(alice.user_id) == [(alice.device_id, "logged_out")]


async def test_a_device_that_was_away_too_long_logs_in_again(make_harness):
    harness = make_harness(devices=DevicePolicy(refresh_ttl_s=3_600))
    alice = await harness.register("alice")
    harness.clock.advance(3_600_000)
    with pytest.raises(Unauthenticated):
        await refresh(harness, alice.refresh_token)
    forever = make_harness(devices=DevicePolicy(refresh_ttl_s=0))
    alice = await forever.log_in("alice")
    harness.clock.advance(10**12)
    assert await refresh(forever, alice.refresh_token)


async def test_a_removed_device_is_forgotten_at_once(harness):
    """The cache of live devices must not outlive the device."""
    alice = await harness.register("alice")
    assert await is_live(harness, alice)
    await harness.call(alice, LogOut())
    assert not await is_live(harness, alice)


async def test_a_device_removed_while_it_is_read_is_not_remembered(harness):
    alice = await harness.register("alice")
    get = harness.store.get

    async def slow_get(row, *key):
        found = await get(row, *key)
        if row is Device and found is not None:
            harness.store.get = get
            await harness.call(alice, LogOut())
        return found

    harness.store.get = slow_get
    await is_live(harness, alice)
    assert not await is_live(harness, alice)


async def test_an_administrator_is_one_from_the_next_authentication_on(harness):
    alice = await harness.register("alice")
    authenticate = Authenticate(access_token=alice.access_token)
    assert not (await harness.call(None, authenticate)).admin
    await harness.call("system", SetAdmin(user_id=alice.user_id, admin=True))
    assert (await harness.call(None, authenticate)).admin
    await harness.call("system", SetAdmin(user_id=alice.user_id, admin=False))
    assert not (await harness.call(None, authenticate)).admin


async def test_a_minted_token_is_a_device_like_any_other(harness):
    bot = await harness.call("system", CreateUser(handle="echo", bot=True))
    mint = MintToken(user_id=bot.user_id, device_name="echo", expires_in_s=86_400)
    tokens = await harness.call("system", mint)
    harness.clock.advance(86_399_000 - 10)
    assert await is_live(harness, tokens)
    harness.clock.advance(1_100)
    assert not await is_live(harness, tokens)
    assert await is_live(harness, await refresh(harness, tokens.refresh_token))
    with pytest.raises(Invalid):
        await harness.call("system", MintToken(user_id=bot.user_id, expires_in_s=10**9))
    with pytest.raises(NotFound):
        await harness.call("system", MintToken(user_id="nobody"))
