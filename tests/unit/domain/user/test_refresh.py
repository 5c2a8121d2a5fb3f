"""Refresh tokens: they rotate, a lost answer may be repeated, and a spent one is noticed."""

import asyncio

import pytest

from hongyan.domain.user.api import Authenticate, ListDevices, LogOut, Refresh, TokenReused
from hongyan.domain.user.api_admin import CreateUser, MintToken, SetAdmin
from hongyan.domain.user.model import Device
from hongyan.domain.user.service_devices import DevicePolicy
from hongyan.kernel.errors import Invalid, NotFound, Unauthenticated

GRACE_MS = 30_000


async def refresh(world, token):
    return await world.call(None, Refresh(refresh_token=token))


async def is_live(world, tokens):
    try:
        await world.call(None, Authenticate(access_token=tokens.access_token))
    except Unauthenticated:
        return False
    return True


async def test_the_token_changes_and_the_device_stays(world):
    first = await world.register("alice")
    world.clock.advance(60_000)
    second = await refresh(world, first.refresh_token)
    assert (second.user_id, second.device_id) == (first.user_id, first.device_id)
    assert second.refresh_token != first.refresh_token
    assert second.access_token != first.access_token
    assert await is_live(world, second)
    devices = (await world.call(second, ListDevices())).devices
    assert devices[0].seen_at_ms > devices[0].created_at_ms
    assert await world.kinds(first.user_id) == ["user.registered", "device.added"]


async def test_only_hashes_are_stored(world):
    first = await world.register("alice")
    second = await refresh(world, first.refresh_token)
    stored = repr(await world.store.get(Device, first.device_id))
    for token in (first.refresh_token, second.refresh_token):
        assert not any(secret in stored for secret in token.split(".")[1:])


async def test_a_lost_answer_is_repeated_within_the_grace(world):
    first = await world.register("alice")
    lost = await refresh(world, first.refresh_token)
    world.clock.advance(GRACE_MS - 10)
    again = await refresh(world, first.refresh_token)
    assert again.refresh_token == lost.refresh_token
    assert await refresh(world, again.refresh_token)


async def test_after_the_grace_the_previous_token_ends_the_device(world):
    first = await world.register("alice")
    second = await refresh(world, first.refresh_token)
    other = await world.log_in("alice")
    world.clock.advance(GRACE_MS + 1)
    with pytest.raises(TokenReused):
        await refresh(world, first.refresh_token)
    assert await world.removed(first.user_id) == [(first.device_id, "token_reused")]
    assert not await is_live(world, second)
    assert await is_live(world, other)
    with pytest.raises(Unauthenticated) as refused:
        await refresh(world, second.refresh_token)
    assert refused.value.code == "unauthenticated"


async def test_once_the_successor_was_used_there_is_no_grace(world):
    first = await world.register("alice")
    second = await refresh(world, first.refresh_token)
    third = await refresh(world, second.refresh_token)
    with pytest.raises(TokenReused):
        await refresh(world, first.refresh_token)
    assert not await is_live(world, third)
    assert await world.device_ids(first.user_id) == set()


async def test_a_token_spent_long_ago_is_known_again(world):
    tokens = [await world.register("alice")]
    for _ in range(10):
        tokens.append(await refresh(world, tokens[-1].refresh_token))
    with pytest.raises(TokenReused):
        await refresh(world, tokens[2].refresh_token)


async def test_knowing_a_device_id_ends_nobody(world):
    alice = await world.register("alice")
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
            await refresh(world, forged)
        assert refused.value.code == "unauthenticated"
    assert await refresh(world, alice.refresh_token)


async def test_of_two_refreshes_at_once_only_one_rotates(world):
    first = await world.register("alice")
    one, other = await asyncio.gather(
        refresh(world, first.refresh_token), refresh(world, first.refresh_token)
    )
    assert one.refresh_token == other.refresh_token
    device = await world.store.get(Device, first.device_id)
    assert device.refresh_hash != device.previous_hash
    assert await refresh(world, one.refresh_token)


async def test_a_thief_who_races_is_noticed(world):
    """Both hold the successor; whoever comes second with it after the grace is one too many."""
    first = await world.register("alice")
    owner, thief = await asyncio.gather(
        refresh(world, first.refresh_token), refresh(world, first.refresh_token)
    )
    await refresh(world, owner.refresh_token)
    world.clock.advance(GRACE_MS + 1)
    with pytest.raises(TokenReused):
        await refresh(world, thief.refresh_token)
    assert await world.device_ids(first.user_id) == set()


async def test_refresh_against_reuse_at_once_leaves_no_device(world):
    first = await world.register("alice")
    second = await refresh(world, first.refresh_token)
    world.clock.advance(GRACE_MS + 1)
    await asyncio.gather(
        refresh(world, second.refresh_token),
        refresh(world, first.refresh_token),
        return_exceptions=True,
    )
    assert await world.device_ids(first.user_id) == set()


async def test_a_device_that_logged_out_does_not_refresh(world):
    alice = await world.register("alice")
    await world.call(alice, LogOut())
    with pytest.raises(Unauthenticated):
        await refresh(world, alice.refresh_token)
    assert await world.removed(alice.user_id) == [(alice.device_id, "logged_out")]


async def test_a_device_that_was_away_too_long_logs_in_again(make_world):
    world = make_world(devices=DevicePolicy(refresh_ttl_s=3_600))
    alice = await world.register("alice")
    world.clock.advance(3_600_000)
    with pytest.raises(Unauthenticated):
        await refresh(world, alice.refresh_token)
    forever = make_world(devices=DevicePolicy(refresh_ttl_s=0))
    alice = await forever.log_in("alice")
    world.clock.advance(10**12)
    assert await refresh(forever, alice.refresh_token)


async def test_a_removed_device_is_forgotten_at_once(world):
    """The cache of live devices must not outlive the device."""
    alice = await world.register("alice")
    assert await is_live(world, alice)
    await world.call(alice, LogOut())
    assert not await is_live(world, alice)


async def test_a_device_removed_while_it_is_read_is_not_remembered(world):
    alice = await world.register("alice")
    get = world.store.get

    async def slow_get(row, *key):
        found = await get(row, *key)
        if row is Device and found is not None:
            world.store.get = get
            await world.call(alice, LogOut())
        return found

    world.store.get = slow_get
    await is_live(world, alice)
    assert not await is_live(world, alice)


async def test_an_administrator_is_one_from_the_next_authentication_on(world):
    alice = await world.register("alice")
    authenticate = Authenticate(access_token=alice.access_token)
    assert not (await world.call(None, authenticate)).admin
    await world.call("system", SetAdmin(user_id=alice.user_id, admin=True))
    assert (await world.call(None, authenticate)).admin
    await world.call("system", SetAdmin(user_id=alice.user_id, admin=False))
    assert not (await world.call(None, authenticate)).admin


async def test_a_minted_token_is_a_device_like_any_other(world):
    bot = await world.call("system", CreateUser(handle="echo", bot=True))
    mint = MintToken(user_id=bot.user_id, device_name="echo", expires_in_s=86_400)
    tokens = await world.call("system", mint)
    world.clock.advance(86_399_000 - 10)
    assert await is_live(world, tokens)
    world.clock.advance(1_100)
    assert not await is_live(world, tokens)
    assert await is_live(world, await refresh(world, tokens.refresh_token))
    with pytest.raises(Invalid):
        await world.call("system", MintToken(user_id=bot.user_id, expires_in_s=10**9))
    with pytest.raises(NotFound):
        await world.call("system", MintToken(user_id="nobody"))
