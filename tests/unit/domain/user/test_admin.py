"""What administrators and the operator do with accounts."""

import pytest

from hongyan.domain.user.api import AccountDeactivated, Authenticate, GetMe
from hongyan.domain.user.api_admin import (
    CreateUser,
    DeactivateUser,
    FindUser,
    KickUser,
    ListUsers,
    MintToken,
    ReactivateUser,
    SetAdmin,
)
from hongyan.domain.user.api_credentials import DeactivateMe
from hongyan.kernel.errors import Invalid, NotFound, Unauthenticated

PASSWORD = "correct horse"


async def test_all_accounts_are_listed_by_pages(world):
    made = [(await world.call("system", CreateUser(handle=f"user{i}"))).user_id for i in range(5)]
    listed, after = [], ""
    while True:
        page = await world.call("root", ListUsers(limit=2, after=after))
        listed += [account.user_id for account in page.users]
        after = page.next_after
        if not after:
            break
    assert listed == sorted(made)
    for command in (ListUsers(limit=0), ListUsers(limit=501), ListUsers(after="garbage")):
        with pytest.raises(Invalid):
            await world.call("root", command)


async def test_deactivation_ends_everything_until_reactivation(world):
    alice = await world.register("alice")
    await world.call("root", DeactivateUser(user_id=alice.user_id))
    assert await world.removed(alice.user_id) == [(alice.device_id, "deactivated")]
    with pytest.raises(Unauthenticated):
        await world.call(None, Authenticate(access_token=alice.access_token))
    with pytest.raises(AccountDeactivated):
        await world.call("system", MintToken(user_id=alice.user_id))
    await world.call("root", ReactivateUser(user_id=alice.user_id))
    assert await world.log_in("alice")


async def test_the_administrators_word_outweighs_the_users_own(world):
    alice = await world.register("alice")
    await world.call(alice, DeactivateMe(password=PASSWORD))
    await world.call("root", DeactivateUser(user_id=alice.user_id))
    with pytest.raises(AccountDeactivated):
        await world.log_in("alice")
    before = await world.kinds(alice.user_id)
    await world.call("root", DeactivateUser(user_id=alice.user_id))
    assert await world.kinds(alice.user_id) == before


async def test_kicking_removes_all_devices(world):
    alice = await world.register("alice")
    web = await world.log_in("alice")
    await world.call("root", KickUser(user_id=alice.user_id))
    assert sorted(await world.removed(alice.user_id)) == sorted(
        [(alice.device_id, "kicked"), (web.device_id, "kicked")]
    )
    assert await world.log_in("alice")


async def test_the_operator_finds_by_any_name(world):
    account = await world.call("system", CreateUser(handle="alice", email="a@example.org"))
    for name in ("alice", "a@example.org", account.user_id):
        assert await world.call("system", FindUser(identifier=name)) == account
    with pytest.raises(NotFound):
        await world.call("system", FindUser(identifier="nobody"))


async def test_to_be_made_an_administrator_is_told_once(world):
    alice = await world.register("alice")
    for _ in range(2):
        await world.call("system", SetAdmin(user_id=alice.user_id, admin=True))
    assert (await world.call(alice, GetMe())).admin
    assert (await world.kinds(alice.user_id)).count("user.changed") == 1


async def test_nobody_is_nobody(world):
    for command in (
        DeactivateUser(user_id="nobody"),
        ReactivateUser(user_id="nobody"),
        KickUser(user_id="nobody"),
        SetAdmin(user_id="nobody", admin=True),
    ):
        with pytest.raises(NotFound):
            await world.call("root", command)
