"""Every administrative act is noted, sealed, and found again."""

import asyncio
import json

import pytest
from msgspec import structs

from hongyan.domain.admin.commands import Act, ListAudit, NoteAct
from hongyan.domain.admin.model import AUDIT_LOG, AuditRecord
from hongyan.domain.admin.rules import redacted, seal
from hongyan.domain.user.commands import NoSuchUser
from hongyan.domain.user.commands_admin import (
    CreateUser,
    DeactivateUser,
    FindUser,
    ListUsers,
    SetAdmin,
    SetPassword,
)
from hongyan.kernel.bus import Actor
from hongyan.kernel.errors import Invalid
from hongyan.kernel.ids import SYSTEM, DeviceId, UserId

from .conftest import OPERATOR, PASSWORD, Harness


async def acts(harness: Harness, **filters: object) -> list[Act]:
    return list((await harness.operate(ListAudit(**filters))).acts)


async def records(harness: Harness) -> list[AuditRecord]:
    return await harness.store.scan(AuditRecord)


async def test_an_operators_act_is_noted_without_its_secrets(harness: Harness) -> None:
    await harness.operate(CreateUser(user_id="li", handle="libai", password=PASSWORD))
    (act,) = await acts(harness)
    assert (act.number, act.actor_id, act.address) == (1, SYSTEM, "control")
    assert (act.method, act.outcome) == ("user.create", "done")
    assert act.at_ms == harness.clock.now_ms()
    assert act.params["handle"] == "libai"
    assert act.params["password"] == "********"
    assert PASSWORD not in (await records(harness))[0].params


async def test_an_administrators_act_names_the_administrator(harness: Harness) -> None:
    await harness.add("li", "wang")
    li = Actor(UserId("li"), DeviceId("v1"), admin=True, address="192.0.2.7")
    await harness.bus.call(li, DeactivateUser(user_id="wang"))
    act = (await acts(harness))[0]
    assert (act.method, act.actor_id, act.device_id) == ("user.deactivate", "li", "v1")
    assert (act.address, act.params) == ("192.0.2.7", {"user_id": "wang"})


async def test_what_is_refused_is_noted_with_its_code(harness: Harness) -> None:
    with pytest.raises(NoSuchUser):
        await harness.operate(SetAdmin(user_id="nobody", admin=True))
    assert [act.outcome for act in await acts(harness)] == ["no_such_user"]


async def test_reading_and_what_the_server_does_itself_is_no_act(harness: Harness) -> None:
    await harness.add("li")
    await harness.operate(FindUser(identifier="li"))
    await harness.operate(ListUsers())
    server = Actor(SYSTEM, DeviceId(""))
    await harness.bus.call(server, SetPassword(user_id="li", new_password="another word 9"))
    assert [act.method for act in await acts(harness)] == ["user.create"]


async def test_an_api_keys_internal_acts_are_noted(harness: Harness) -> None:
    key = Actor(UserId("app"), DeviceId(""), key_id="k1")
    await harness.bus.call(key, CreateUser(user_id="li", handle="li", password=PASSWORD))
    assert [(act.actor_id, act.key_id) for act in await acts(harness)] == [("app", "k1")]


async def test_notes_of_what_happens_beside_commands(harness: Harness) -> None:
    await harness.operate(NoteAct(act="export.user", params={"user_id": "li"}))
    assert [(act.method, act.params) for act in await acts(harness)] == [
        ("export.user", {"user_id": "li"})
    ]
    with pytest.raises(Invalid):
        await harness.operate(NoteAct(act=""))


async def test_the_chain_holds_and_a_change_shows(harness: Harness) -> None:
    names = [f"user{number}" for number in range(40)]
    await asyncio.gather(*(harness.add(name) for name in names))
    chain = await records(harness)
    assert [record.number for record in chain] == list(range(1, 41))
    assert sorted(json.loads(record.params)["user_id"] for record in chain) == sorted(names)
    assert (await harness.store.states([AUDIT_LOG]))[AUDIT_LOG].version == 40
    before = ""
    for record in chain:
        assert record.hash == seal(record, before)
        before = record.hash
    forged = structs.replace(chain[7], outcome="invalid")
    assert seal(forged, chain[6].hash) != chain[7].hash
    assert seal(chain[8], chain[6].hash) != chain[8].hash


async def test_the_list_is_filtered_and_paged_newest_first(harness: Harness) -> None:
    await harness.add("li")
    harness.clock.advance(1000)
    middle = harness.clock.now_ms()
    await harness.add("wang", "zhao")
    harness.clock.advance(1000)
    await harness.operate(SetAdmin(user_id="li", admin=True))
    assert [act.number for act in await acts(harness)] == [4, 3, 2, 1]
    assert [act.number for act in await acts(harness, method="user.create")] == [3, 2, 1]
    assert [act.number for act in await acts(harness, actor_id="li")] == []
    both = await acts(harness, actor_id=SYSTEM, method="user.set_admin")
    assert [act.number for act in both] == [4]
    since = await acts(harness, from_ms=middle, to_ms=middle + 1)
    assert [act.number for act in since] == [3, 2]
    found, after = [], ""
    while True:
        page = await harness.operate(ListAudit(method="user.create", limit=2, after=after))
        found += [act.number for act in page.acts]
        after = page.next_after
        if not after:
            break
    assert found == [3, 2, 1]


async def test_a_restart_goes_on_with_the_chain(harness: Harness) -> None:
    await harness.add("li")
    await harness.services.close()
    harness.build()
    await harness.add("wang")
    one, two = await records(harness)
    assert two.hash == seal(two, one.hash)


def test_params_are_bounded() -> None:
    assert json.loads(redacted({"user_ids": list(range(100))}))["user_ids"][-1] == "and 80 more"
    assert len(redacted({str(n): "x" * 400 for n in range(100)})) < 4_000
    masked = json.loads(redacted({"new_password": "x", "a": {"api_key": "y"}, "keyboard": "z"}))
    assert masked == {"new_password": "********", "a": {"api_key": "********"}, "keyboard": "z"}
    assert OPERATOR.admin
