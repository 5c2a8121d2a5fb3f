"""Administration of accounts."""

import pytest

from hongyan.domain.user.commands import AccountDeactivated, Authenticate, GetMe
from hongyan.domain.user.commands_admin import (
    CreateUser,
    DeactivateUser,
    FindUser,
    KickUser,
    ListUsers,
    MintToken,
    ReactivateUser,
    SetAdmin,
)
from hongyan.domain.user.commands_credentials import DeactivateMe
from hongyan.kernel.errors import Invalid, NotFound, Unauthenticated

PASSWORD = "correct horse"


async def test_all_accounts_are_listed_by_pages(harness):
    made = [(await harness.call("system", CreateUser(handle=f"user{i}"))).user_id for i in range(5)]
    listed, after = [], ""
    while True:
        page = await harness.call("root", ListUsers(limit=2, after=after))
        listed += [account.user_id for account in page.users]
        after = page.next_after
        if not after:
            break
    assert listed == sorted(made)
    for command in (ListUsers(limit=0), ListUsers(limit=501), ListUsers(after="garbage")):
        with pytest.raises(Invalid):
            await harness.call("root", command)


async def test_deactivation_ends_everything_until_reactivation(harness):
    alice = await harness.register("alice")
    await harness.call("root", DeactivateUser(user_id=alice.user_id))
    assert await harness.removed(alice.user_id) == [(alice.device_id, "deactivated")]
    with pytest.raises(Unauthenticated):
        await harness.call(None, Authenticate(access_token=alice.access_token))
    with pytest.raises(AccountDeactivated):
        await harness.call("system", MintToken(user_id=alice.user_id))
    await harness.call("root", ReactivateUser(user_id=alice.user_id))
    assert await harness.log_in("alice")


async def test_the_administrators_word_outweighs_the_users_own(harness):
    alice = await harness.register("alice")
    await harness.call(alice, DeactivateMe(password=PASSWORD))
    await harness.call("root", DeactivateUser(user_id=alice.user_id))
    with pytest.raises(AccountDeactivated):
        await harness.log_in("alice")
    before = await harness.kinds(alice.user_id)
    await harness.call("root", DeactivateUser(user_id=alice.user_id))
    assert await harness.kinds(alice.user_id) == before


async def test_kicking_removes_all_devices(harness):
    alice = await harness.register("alice")
    web = await harness.log_in("alice")
    await harness.call("root", KickUser(user_id=alice.user_id))
    assert sorted(await harness.removed(alice.user_id)) == sorted(
        [(alice.device_id, "kicked"), (web.device_id, "kicked")]
    )
    assert await harness.log_in("alice")


async def test_the_operator_finds_by_any_name(harness):
    account = await harness.call("system", CreateUser(handle="alice", email="a@example.org"))
    for name in ("alice", "a@example.org", account.user_id):
        assert await harness.call("system", FindUser(identifier=name)) == account
    with pytest.raises(NotFound):
        await harness.call("system", FindUser(identifier="nobody"))


async def test_to_be_made_an_administrator_is_told_once(harness):
    alice = await harness.register("alice")
    for _ in range(2):
        await harness.call("system", SetAdmin(user_id=alice.user_id, admin=True))
    assert (await harness.call(alice, GetMe())).admin
    assert (await harness.kinds(alice.user_id)).count("user.changed") == 1


async def test_nobody_is_nobody(harness):
    for command in (
        DeactivateUser(user_id="nobody"),
        ReactivateUser(user_id="nobody"),
        KickUser(user_id="nobody"),
        SetAdmin(user_id="nobody", admin=True),
    ):
        with pytest.raises(NotFound):
            await harness.call("root", command)
