"""One's devices: seen, named, kicked."""

import pytest

from hongyan.domain.user.commands import (
    KickDevice,
    KickOtherDevices,
    ListDevices,
    LogOut,
    RenameDevice,
)
from hongyan.kernel.errors import LimitReached, NotFound


async def test_the_list_says_which_is_mine(harness):
    phone = await harness.register("alice", platform="ios", device_name="  my   phone ")
    web = await harness.log_in("alice", address="192.0.2.7")
    listed = await harness.call(web, ListDevices())
    assert listed.current_device_id == web.device_id
    assert [(d.device_id, d.platform, d.name, d.address) for d in listed.devices] == [
        (phone.device_id, "ios", "my phone", ""),
        (web.device_id, "web", "", "192.0.2.7"),
    ]


async def test_a_device_gets_another_name(harness):
    phone = await harness.register("alice")
    await harness.call(phone, RenameDevice(device_id=phone.device_id, name="old phone"))
    kind, body = (await harness.entries(phone.user_id))[-1]
    assert (kind, body["name"]) == ("device.changed", "old phone")
    with pytest.raises(LimitReached):
        await harness.call(phone, RenameDevice(device_id=phone.device_id, name="x" * 65))


async def test_kick_one(harness):
    phone = await harness.register("alice")
    web = await harness.log_in("alice")
    await harness.call(phone, KickDevice(device_id=web.device_id))
    assert await harness.removed(phone.user_id) == [(web.device_id, "kicked")]
    assert await harness.device_ids(phone.user_id) == {phone.device_id}
    with pytest.raises(NotFound):
        await harness.call(phone, KickDevice(device_id=web.device_id))


async def test_kick_all_others(harness):
    phone = await harness.register("alice")
    others = {(await harness.log_in("alice")).device_id for _ in range(3)}
    await harness.call(phone, KickOtherDevices())
    assert {device_id for device_id, _ in await harness.removed(phone.user_id)} == others
    assert await harness.device_ids(phone.user_id) == {phone.device_id}


async def test_other_peoples_devices_are_out_of_reach(harness):
    alice, bob = await harness.register("alice"), await harness.register("bob")
    for command in (
        KickDevice(device_id=bob.device_id),
        RenameDevice(device_id=bob.device_id, name="mine"),
    ):
        with pytest.raises(NotFound):
            await harness.call(alice, command)
    assert await harness.device_ids(bob.user_id) == {bob.device_id}


async def test_logging_out_twice_is_refused(harness):
    alice = await harness.register("alice")
    await harness.call(alice, LogOut())
    with pytest.raises(NotFound):
        await harness.call(alice, LogOut())
