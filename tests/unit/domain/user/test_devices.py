"""One's devices: seen, named, kicked."""

import pytest

from hongyan.domain.user.api import (
    KickDevice,
    KickOtherDevices,
    ListDevices,
    LogOut,
    RenameDevice,
)
from hongyan.kernel.errors import LimitReached, NotFound


async def test_the_list_says_which_is_mine(world):
    phone = await world.register("alice", platform="ios", device_name="  my   phone ")
    web = await world.log_in("alice", address="192.0.2.7")
    listed = await world.call(web, ListDevices())
    assert listed.current_device_id == web.device_id
    assert [(d.device_id, d.platform, d.name, d.address) for d in listed.devices] == [
        (phone.device_id, "ios", "my phone", ""),
        (web.device_id, "web", "", "192.0.2.7"),
    ]


async def test_a_device_gets_another_name(world):
    phone = await world.register("alice")
    await world.call(phone, RenameDevice(device_id=phone.device_id, name="old phone"))
    kind, body = (await world.entries(phone.user_id))[-1]
    assert (kind, body["name"]) == ("device.changed", "old phone")
    with pytest.raises(LimitReached):
        await world.call(phone, RenameDevice(device_id=phone.device_id, name="x" * 65))


async def test_kick_one(world):
    phone = await world.register("alice")
    web = await world.log_in("alice")
    await world.call(phone, KickDevice(device_id=web.device_id))
    assert await world.removed(phone.user_id) == [(web.device_id, "kicked")]
    assert await world.device_ids(phone.user_id) == {phone.device_id}
    with pytest.raises(NotFound):
        await world.call(phone, KickDevice(device_id=web.device_id))


async def test_kick_all_others(world):
    phone = await world.register("alice")
    others = {(await world.log_in("alice")).device_id for _ in range(3)}
    await world.call(phone, KickOtherDevices())
    assert {device_id for device_id, _ in await world.removed(phone.user_id)} == others
    assert await world.device_ids(phone.user_id) == {phone.device_id}


async def test_other_peoples_devices_are_out_of_reach(world):
    alice, bob = await world.register("alice"), await world.register("bob")
    for command in (
        KickDevice(device_id=bob.device_id),
        RenameDevice(device_id=bob.device_id, name="mine"),
    ):
        with pytest.raises(NotFound):
            await world.call(alice, command)
    assert await world.device_ids(bob.user_id) == {bob.device_id}


async def test_logging_out_twice_is_refused(world):
    alice = await world.register("alice")
    await world.call(alice, LogOut())
    with pytest.raises(NotFound):
        await world.call(alice, LogOut())
