"""App passwords, and what SCRAM keeps of them and of accounts' own passwords."""

import asyncio

import pytest

from hongyan.domain.admin.rules import is_act, redacted
from hongyan.domain.integration.commands import NotForKeys, NotForWidgets
from hongyan.domain.integration.scopes import check_scope
from hongyan.domain.user.app_passwords import APP_PASSWORDS_MAX
from hongyan.domain.user.commands import (
    AccountDeactivated,
    Authenticate,
    ListDevices,
    LogIn,
    WrongCredentials,
    WrongPassword,
)
from hongyan.domain.user.commands_admin import (
    CreateResetCode,
    CreateUser,
    DeactivateUser,
    MintToken,
    ReactivateUser,
    SetPassword,
)
from hongyan.domain.user.commands_app_passwords import (
    CreateAppPassword,
    ListAppPasswords,
    RevokeAppPassword,
)
from hongyan.domain.user.commands_credentials import (
    ChangePassword,
    DeactivateMe,
    DeleteMe,
    ResetPassword,
)
from hongyan.domain.user.credentials import CredentialPolicy
from hongyan.domain.user.model import AppPassword, Credential
from hongyan.infra.security.scram import keys
from hongyan.kernel.bus import Actor
from hongyan.kernel.errors import Invalid, LimitReached, NotFound, RateLimited, Unauthenticated

from .conftest import PASSWORD, Harness

SCRAM = CredentialPolicy(scram_for_account_passwords=True)


async def make(harness, tokens, label="Mail", password=PASSWORD):
    return await harness.call(tokens, CreateAppPassword(password=password, label=label))


async def listed(harness, tokens):
    return (await harness.call(tokens, ListAppPasswords())).app_passwords


async def test_an_app_password_logs_in_a_device_of_its_own(harness):
    ann = await harness.register("ann")
    made = await make(harness, ann, " Mail  program ")
    assert (made.app_password.label, made.app_password.used_at_ms) == ("Mail program", 0)
    assert await listed(harness, ann) == [made.app_password]
    program = await harness.log_in("ann", made.password)
    devices = (await harness.call(ann, ListDevices())).devices
    assert {d.device_id: d.app_password_id for d in devices} == {
        ann.device_id: "",
        program.device_id: made.app_password.app_password_id,
    }
    assert (await listed(harness, ann))[0].used_at_ms == harness.clock.now_ms() - 2
    assert (await harness.log_in("ann")).device_id  # the account's own password still does


async def test_a_second_log_in_takes_the_place_of_the_first(harness):
    ann = await harness.register("ann")
    one, other = await make(harness, ann, "one"), await make(harness, ann, "other")
    first = await harness.log_in("ann", one.password)
    beside = await harness.log_in("ann", other.password)
    again = await harness.log_in("ann", one.password)
    left = {device.device_id for device in (await harness.call(ann, ListDevices())).devices}
    assert left == {ann.device_id, beside.device_id, again.device_id}
    removed = [body for kind, body in await harness.entries(ann.user_id) if "removed" in kind]
    assert removed == [{"device_id": first.device_id, "reason": "replaced"}]


async def test_revoking_kicks_its_device_and_no_other(harness):
    ann, bob = await harness.register("ann"), await harness.register("bob")
    one, other = await make(harness, ann, "one"), await make(harness, ann, "other")
    program = await harness.log_in("ann", one.password)
    beside = await harness.log_in("ann", other.password)
    await harness.call(None, Authenticate(access_token=program.access_token))
    revoke = RevokeAppPassword(app_password_id=one.app_password.app_password_id)
    with pytest.raises(NotFound):
        await harness.call(bob, revoke)
    await harness.call(ann, revoke)
    with pytest.raises(NotFound):
        await harness.call(ann, revoke)
    assert (await harness.entries(ann.user_id))[-2:] == [
        ("app_password.removed", {"app_password_id": one.app_password.app_password_id}),
        ("device.removed", {"device_id": program.device_id, "reason": "kicked"}),
    ]
    with pytest.raises(Unauthenticated):
        await harness.call(None, Authenticate(access_token=program.access_token))
    for tokens in (ann, beside):
        await harness.call(None, Authenticate(access_token=tokens.access_token))
    with pytest.raises(WrongCredentials):
        await harness.log_in("ann", one.password)
    assert [info.label for info in await listed(harness, ann)] == ["other"]


async def test_another_ones_app_password_fits_nobody_else(harness):
    ann = await harness.register("ann")
    bob = await harness.register("bob")
    made = await make(harness, ann)
    await make(harness, bob)
    for identifier, password in (("bob", made.password), ("nobody", made.password)):
        with pytest.raises(WrongCredentials):
            await harness.log_in(identifier, password)
    with pytest.raises(WrongCredentials):
        await harness.log_in("ann", made.password[:-1] + ("0" if made.password[-1] != "0" else "1"))


async def test_what_is_wrong_is_slowed_down_like_any_password(harness):
    await harness.register("ann")
    refused = []
    for _ in range(20):
        with pytest.raises((WrongCredentials, RateLimited)) as error:
            await harness.log_in("ann", "v" * 26)
        refused.append(error.type)
    assert (refused[0], refused[-1]) == (WrongCredentials, RateLimited)


async def test_it_takes_the_accounts_password_to_make_one_and_an_app_password_is_none(harness):
    ann = await harness.register("ann")
    made = await make(harness, ann)
    for wrong in ("", "wrong horse", made.password):
        with pytest.raises(WrongPassword):
            await make(harness, ann, password=wrong)
    with pytest.raises(Invalid):
        await make(harness, ann, label=" ")
    with pytest.raises(LimitReached):
        await make(harness, ann, label="x" * 65)
    assert len(await listed(harness, ann)) == 1


async def test_an_account_without_a_password_makes_one_all_the_same(harness):
    await harness.call(None, CreateUser(user_id="app.1", handle="app1"))
    tokens = await harness.call(None, MintToken(user_id="app.1"))
    with pytest.raises(WrongPassword):
        await make(harness, tokens)
    made = await make(harness, tokens, password="")
    assert (await harness.log_in("app1", made.password)).user_id == "app.1"


async def test_there_is_a_limit_and_all_share_their_salt_even_when_made_at_once(harness):
    ann = await harness.register("ann")
    made = await asyncio.gather(*(make(harness, ann, str(n)) for n in range(3)))
    made += [await make(harness, ann, str(n)) for n in range(3, APP_PASSWORDS_MAX)]
    with pytest.raises(LimitReached):
        await make(harness, ann)
    rows = await harness.store.scan(AppPassword, ann.user_id, by="by_user")
    assert len({(row.scram.salt, row.scram.iterations) for row in rows}) == 1
    by_id = {one.app_password.app_password_id: one.password for one in made}
    assert len(set(by_id.values())) == APP_PASSWORDS_MAX
    for row in rows[:3]:
        kept, password = row.scram, by_id[row.app_password_id]
        assert len(kept.salt) >= 16
        assert kept.iterations >= 4096
        assert kept.sha1 == keys("sha1", password, kept.salt, kept.iterations)
        assert kept.sha256 == keys("sha256", password, kept.salt, kept.iterations)


async def test_no_password_is_kept_as_it_is(harness):
    ann = await harness.register("ann")
    made = await make(harness, ann)
    for row in await harness.store.scan(AppPassword, ann.user_id, by="by_user"):
        assert made.password not in repr(row)
    assert made.password not in repr(await harness.entries(ann.user_id))


async def change(harness, ann):
    await harness.call(ann, ChangePassword(password=PASSWORD, new_password="a new horse 1"))


async def reset(harness, ann):
    code = (await harness.call(None, CreateResetCode(user_id=ann.user_id))).code
    command = ResetPassword(identifier="ann", code=code, new_password="a new horse 1")
    await harness.call(None, command)


async def set_anew(harness, ann):
    await harness.call(None, SetPassword(user_id=ann.user_id, new_password="a new horse 1"))


@pytest.mark.parametrize("how", [change, reset, set_anew])
async def test_another_account_password_revokes_all_app_passwords(harness, how):
    ann = await harness.register("ann")
    made = [await make(harness, ann, label) for label in ("one", "two")]
    await harness.log_in("ann", made[0].password)
    await how(harness, ann)
    assert await harness.store.scan(AppPassword, ann.user_id, by="by_user") == []
    assert (await harness.kinds(ann.user_id)).count("app_password.removed") == 2
    for one in made:
        with pytest.raises(WrongCredentials):
            await harness.log_in("ann", one.password)
    fresh = await harness.log_in("ann", "a new horse 1")
    devices = {device.device_id for device in (await harness.call(fresh, ListDevices())).devices}
    assert devices == {fresh.device_id} | ({ann.device_id} if how is change else set())


async def test_a_device_of_an_app_password_does_not_outlive_it_by_changing_the_password(harness):
    ann = await harness.register("ann")
    program = await harness.log_in("ann", (await make(harness, ann)).password)
    await change(harness, program)
    with pytest.raises(Unauthenticated):
        await harness.call(None, Authenticate(access_token=program.access_token))


async def test_a_sleeping_account_is_not_woken_by_a_program(harness):
    ann = await harness.register("ann")
    made = await make(harness, ann)
    await harness.call(ann, DeactivateMe(password=PASSWORD))
    with pytest.raises(AccountDeactivated):
        await harness.log_in("ann", made.password)
    await harness.log_in("ann")
    assert (await harness.log_in("ann", made.password)).device_id
    await harness.call(None, DeactivateUser(user_id=ann.user_id))
    with pytest.raises(AccountDeactivated):
        await harness.log_in("ann", made.password)
    await harness.call(None, ReactivateUser(user_id=ann.user_id))
    assert (await harness.log_in("ann", made.password)).device_id


async def test_a_deleted_account_has_none(harness):
    ann = await harness.register("ann")
    made = await make(harness, ann)
    await harness.call(ann, DeleteMe(password=PASSWORD))
    assert await harness.store.scan(AppPassword, ann.user_id, by="by_user") == []
    with pytest.raises(WrongCredentials):
        await harness.log_in("ann", made.password)


def test_keys_and_widgets_make_none():
    key = Actor("ann", "key1", key_id="key1", scopes=("users:write", "tokens:mint"))
    for command in (CreateAppPassword, ListAppPasswords, RevokeAppPassword):
        with pytest.raises(NotForKeys):
            check_scope(key, command)
        with pytest.raises(NotForWidgets):
            check_scope(Actor("ann", "w1"), command)


def test_making_and_revoking_are_in_the_audit_log_without_the_password():
    person = Actor("ann", "v1")
    assert is_act(person, CreateAppPassword)
    assert is_act(person, RevokeAppPassword)
    assert not is_act(person, ListAppPasswords)
    assert not is_act(person, LogIn)
    made = redacted(CreateAppPassword(password="secret", label="Mail"))
    assert made == '{"password":"********","label":"Mail"}'
    gone = redacted(RevokeAppPassword(app_password_id="p1"))
    assert gone == '{"app_password_id":"p1"}'


# --- accounts' own passwords ---


async def kept(harness, user_id):
    return (await harness.store.get(Credential, user_id)).scram


async def test_accounts_passwords_have_no_verifier_unless_the_operator_wants_it(harness):
    ann = await harness.register("ann")
    await change(harness, ann)
    await harness.log_in("ann", "a new horse 1")
    assert await kept(harness, ann.user_id) is None


@pytest.mark.parametrize("how", [change, reset, set_anew])
async def test_where_wanted_it_is_made_when_the_password_is_set(store, clock, committed, how):
    harness = Harness(store, clock, committed, credentials=SCRAM)
    ann = await harness.register("ann")
    first = await kept(harness, ann.user_id)
    assert first.sha256 == keys("sha256", PASSWORD, first.salt, first.iterations)
    await how(harness, ann)
    second = await kept(harness, ann.user_id)
    assert second.sha1 == keys("sha1", "a new horse 1", second.salt, second.iterations)
    row = await make(
        harness, await harness.log_in("ann", "a new horse 1"), password="a new horse 1"
    )
    (found,) = await store.scan(AppPassword, ann.user_id, by="by_user")
    assert found.app_password_id == row.app_password.app_password_id
    assert (found.scram.salt, found.scram.iterations) == (second.salt, second.iterations)


async def test_it_comes_and_goes_at_the_next_log_in(store, clock, committed):
    without = Harness(store, clock, committed)
    ann = await without.register("ann")
    made = await make(without, ann)
    with_it = Harness(store, clock, committed, credentials=SCRAM)
    await with_it.log_in("ann", made.password)
    assert await kept(with_it, ann.user_id) is None  # an app password tells nothing of the other
    await with_it.log_in("ann")
    found = await kept(with_it, ann.user_id)
    (row,) = await store.scan(AppPassword, ann.user_id, by="by_user")
    assert (found.salt, found.iterations) == (row.scram.salt, row.scram.iterations)
    before = await store.get(Credential, ann.user_id)
    await with_it.log_in("ann")
    assert await store.get(Credential, ann.user_id) == before
    await without.log_in("ann")
    assert await kept(without, ann.user_id) is None
    assert (await store.get(Credential, ann.user_id)).password_hash == before.password_hash


async def test_a_password_that_scram_cannot_take_still_logs_in(store, clock, committed):
    harness = Harness(store, clock, committed, credentials=SCRAM)
    ann = await harness.register("ann", password="geese \U0001fabf fly south")
    assert await kept(harness, ann.user_id) is None
    assert (await harness.log_in("ann", "geese \U0001fabf fly south")).user_id == ann.user_id
