"""What admission does beside saying who may: rates, fresh rights, counts, traces."""

import asyncio

import pytest
from msgspec import structs

from hongyan.access.admission import standing
from hongyan.access.http.examples import EXAMPLES
from hongyan.access.http.sync_stream import EVENTS, Listener
from hongyan.access.rate_options import RateOptions
from hongyan.domain.admin.api import GetStatistics
from hongyan.domain.conversation.api import Sync
from hongyan.domain.integration.api import RevokeKey
from hongyan.domain.media.api import AdvanceUpload, ClaimMedia
from hongyan.domain.user.api import CheckDevices, GetMe, LogIn
from hongyan.domain.user.api_admin import DeactivateUser, KickUser, SetAdmin
from hongyan.kernel.errors import (
    Forbidden,
    Invalid,
    RateLimited,
    Unauthenticated,
    Unavailable,
    UnknownMethod,
)

FREE = RateOptions(connection_per_s=0, address_per_s=0, user_per_s=0, key_per_s=0)
SLOW = 0.001
ADDRESS = "192.0.2.7"


async def until(condition):
    async with asyncio.timeout(5):
        while not condition():  # noqa: ASYNC110
            await asyncio.sleep(0)


async def logged_in(world, name="ann"):
    line = world.line()
    assert await line.ask("hello", {"token": await world.token(name)}) == ""
    return line


# --- rates ---


async def test_a_user_is_counted_over_all_connections(worlds):
    world = worlds(rates=structs.replace(FREE, user_per_s=SLOW, user_burst=3))
    await world.user("ann")
    await world.user("bob")
    phone, laptop = await logged_in(world), await logged_in(world)
    asked = [await line.ask("user.me") for line in (phone, laptop, phone, laptop, phone)]
    assert asked == ["", "", "", "rate_limited", "rate_limited"]
    assert await (await logged_in(world, "bob")).ask("user.me") == ""


async def test_a_user_is_counted_over_all_protocols(worlds):
    world = worlds(rates=structs.replace(FREE, user_per_s=SLOW, user_burst=2))
    await world.user("ann")
    line = await logged_in(world)
    assert await line.ask("user.me") == ""
    await world.admission.connect(ADDRESS).admit(GetMe, await world.token("ann"))
    assert await line.ask("user.me") == "rate_limited"
    with pytest.raises(RateLimited):
        await world.admission.connect(ADDRESS).admit(GetMe, await world.token("ann"))


async def test_a_key_is_counted_as_a_key_and_not_as_its_bot(worlds):
    world = worlds(
        rates=structs.replace(FREE, user_per_s=SLOW, user_burst=1, key_per_s=SLOW, key_burst=2)
    )
    await world.user("ann", bot=True)
    key = (await world.key(user_id="ann")).key
    line = world.line()
    assert await line.ask("hello", {"token": key}) == ""
    assert [await line.ask("user.me") for _ in range(3)] == ["", "", "rate_limited"]
    with pytest.raises(RateLimited):
        await world.admission.connect(ADDRESS).admit(GetMe, key)


async def test_a_connection_is_counted_also_before_anybody_is_known(worlds):
    world = worlds(rates=structs.replace(FREE, connection_per_s=SLOW, connection_burst=2))
    line = world.line()
    assert [await line.ask("ping") for _ in range(3)] == ["", "", "rate_limited"]
    assert await world.line().ask("ping") == ""


async def test_strangers_are_counted_by_their_address_on_every_protocol(worlds):
    world = worlds(rates=structs.replace(FREE, address_per_s=SLOW, address_burst=2))
    asked = [await world.line().ask("user.log_in", EXAMPLES["user.log_in"]) for _ in range(3)]
    assert asked == ["", "", "rate_limited"]
    with pytest.raises(RateLimited):
        await world.admission.connect(ADDRESS).admit(LogIn)
    await world.admission.connect("192.0.2.8").admit(LogIn)


async def test_parameters_are_not_read_of_what_is_one_too_many(worlds):
    world = worlds(rates=structs.replace(FREE, user_per_s=SLOW, user_burst=1))
    await world.user("ann")
    line = await logged_in(world)
    assert await line.ask("user.me", {"nonsense": 1}) == "invalid"
    assert await line.ask("user.me", {"nonsense": 1}) == "rate_limited"


async def test_what_was_admitted_counts_once_and_other_calls_each(worlds):
    world = worlds(rates=structs.replace(FREE, user_per_s=SLOW, user_burst=2))
    await world.user("ann")
    guest = world.admission.connect(ADDRESS)
    await guest.admit(Sync, await world.token("ann"))
    for _ in range(5):
        await guest.call(Sync())
    other = world.admission.connect(ADDRESS)
    await other.identify(await world.token("ann"))
    await other.call(Sync())
    with pytest.raises(RateLimited):
        await other.call(Sync())
    assert other.taken.tokens < 1


# --- rights that change ---


async def test_requests_keep_their_order_while_rights_are_asked_for(world):
    await world.user("ann")
    line = await logged_in(world)
    texts = [f"{number}" for number in range(6)]
    sent = EXAMPLES["message.send"]

    def send(text):
        params = sent | {"client_id": text}
        line.number += 1
        line.session.received(world.encode(line.number, "message.send", params))

    for text in texts[:2]:
        send(text)
    await world.do(SetAdmin(user_id="ann", admin=True))
    for text in texts[2:4]:
        send(text)
    await until(lambda: len(world.asked) > 2)
    for text in texts[4:]:
        send(text)
    await until(lambda: len(world.asked) == len(texts))
    assert [command for command, _ in world.sent] == texts
    assert [actor.admin for _, actor in world.sent] == [False, False, True, True, True, True]


async def test_rights_that_cannot_be_asked_for_let_nobody_in(world, monkeypatch):
    await world.user("boss", admin=True)
    line = await logged_in(world, "boss")
    assert await line.ask("admin.statistics") == ""
    call = world.call

    async def broken(actor, command):
        if isinstance(command, CheckDevices):
            raise Unavailable
        return await call(actor, command)

    monkeypatch.setattr(world, "call", broken)
    await world.do(SetAdmin(user_id="boss", admin=False))
    assert await line.ask("admin.statistics") == "unavailable"
    monkeypatch.undo()
    assert await line.ask("admin.statistics") == "forbidden"
    assert await line.ask("user.me") == ""


async def test_an_answer_from_before_the_last_change_is_not_believed(world, monkeypatch):
    await world.user("boss")
    line = await logged_in(world, "boss")
    call = world.call

    async def overtaken(actor, command):
        answer = await call(actor, command)
        if isinstance(command, CheckDevices) and world.checks == 1:
            await world.do(SetAdmin(user_id="boss", admin=False))
        return answer

    monkeypatch.setattr(world, "call", overtaken)
    await world.do(SetAdmin(user_id="boss", admin=True))
    assert await line.ask("admin.statistics") == "forbidden"
    assert world.checks == 2


async def test_rights_are_asked_for_once_and_not_at_each_request(world):
    await world.user("ann")
    line = await logged_in(world)
    await world.do(SetAdmin(user_id="ann", admin=True))
    for _ in range(5):
        assert await line.ask("user.me") == ""
    assert world.checks == 1


@pytest.mark.parametrize("what", ["deactivate", "kick", "bot deactivated", "revoke"])
async def test_who_may_be_here_no_more_is_cut_without_asking_anything(worlds, what):
    world = worlds(look_after_s=0)
    is_bot = what in ("bot deactivated", "revoke")
    await world.user("ann", bot=is_bot)
    made = await world.key(user_id="ann") if is_bot else None
    line = world.line()
    token = made.key if made else await world.token("ann")
    assert await line.ask("hello", {"token": token}) == ""
    await until(lambda: world.checks == 1)
    assert line.socket.closed_with is None, "it was looked at, and may be here"
    if what == "revoke":
        await world.do(RevokeKey(key_id=made.info.key_id))
    else:
        await world.do(KickUser(user_id="ann") if what == "kick" else DeactivateUser(user_id="ann"))
    await until(lambda: line.socket.closed_with)
    assert line.socket.closed_with[0] == 4003


async def test_a_key_that_ends_is_worth_nothing_at_the_same_request_once_more(world, clock):
    await world.user("ann", bot=True)
    made = await world.key(user_id="ann", lives_ms=1_000)
    line = world.line()
    assert await line.ask("hello", {"token": made.key}) == ""
    assert [await line.ask("user.me") for _ in range(2)] == ["", ""]
    clock.advance(1_000)
    assert await line.ask("user.me") == "api_key_invalid"


async def test_a_stream_ends_with_the_key_of_its_bot(worlds):
    world = worlds(look_after_s=0)
    await world.user("ann", bot=True)
    made = await world.key(user_id="ann")
    guest = world.admission.connect(ADDRESS)
    await guest.admit(Sync, made.key)
    listener = Listener(guest.connected(asks_here=False), EVENTS, 1 << 20)
    await guest.attach(listener)
    await until(lambda: world.checks == 1)
    assert not listener.ended
    await world.do(DeactivateUser(user_id="ann"))
    await until(lambda: listener.ended)
    guest.leave()
    assert world.hub.peers() == []


async def test_a_removal_that_nobody_told_is_found_soon_after_one_came(worlds):
    world = worlds(look_after_s=0)
    await world.user("ann")
    world.hub.on_rights = lambda _: None
    world.hub.kick = lambda *_: None
    token = await world.token("ann")
    line = world.line()
    attach = world.hub.attach

    async def slow(peer):
        await attach(peer)
        await world.do(KickUser(user_id="ann"))

    world.hub.attach = slow
    assert await line.ask("hello", {"token": token}) == ""
    await until(lambda: line.socket.closed_with)


async def test_a_long_request_ends_with_the_rights(world, monkeypatch):
    await world.user("ann")
    guest = world.admission.connect(ADDRESS)
    await guest.admit(ClaimMedia, await world.token("ann"))
    await world.do(KickUser(user_id="ann"))
    advance = AdvanceUpload(upload_id="u1", offset_bytes=1)
    await guest.part(advance)  # it began a moment ago
    monkeypatch.setattr(standing, "RIGHTS_S", -1.0)
    with pytest.raises(Unauthenticated):
        await guest.part(advance)
    with pytest.raises(Unauthenticated):
        await guest.call(GetMe())


async def test_parts_are_of_something_that_was_admitted(world):
    await world.user("ann")
    guest = world.admission.connect(ADDRESS)
    await guest.identify(await world.token("ann"))
    with pytest.raises(Unauthenticated):
        await guest.part(AdvanceUpload(upload_id="u1", offset_bytes=1))
    with pytest.raises(UnknownMethod):
        await guest.call(AdvanceUpload(upload_id="u1", offset_bytes=1))
    with pytest.raises(Forbidden):
        await guest.call(GetStatistics())
    assert world.asked == []


# --- in whose name ---


async def test_the_audit_log_knows_once_a_day_for_whom_a_key_acts(world, clock):
    await world.user("ann")
    await world.user("bob")
    made = await world.key()

    async def act(name):
        guest = world.admission.connect(ADDRESS)
        await guest.admit(GetMe, made.key, name)
        assert guest.actor.user_id == (name or "system")

    for name in ("ann", "ann", "bob", "ann"):
        await act(name)
    key_id = made.info.key_id
    assert world.acts == [("key.acted_for", key_id, "ann"), ("key.acted_for", key_id, "bob")]
    clock.advance(24 * 3600 * 1000)
    await act("ann")
    assert world.acts[2:] == [("key.acted_for", key_id, "ann")]


async def test_nobody_acts_for_others_by_an_access_token(world):
    await world.user("boss", admin=True)
    await world.user("ann")
    with pytest.raises(Invalid):
        await world.admission.connect(ADDRESS).admit(GetMe, await world.token("boss"), "ann")
    assert world.acts == []


# --- counts and traces ---


async def test_requests_are_measured_and_refusals_counted(world):
    await world.user("ann")
    line = await logged_in(world)
    await line.ask("user.me")
    await line.ask("admin.statistics")
    await line.ask("no.such")
    guest = world.admission.connect(ADDRESS)
    await guest.admit(GetMe, await world.token("ann"))
    await guest.call(GetMe())
    with pytest.raises(Unauthenticated):
        await world.admission.connect(ADDRESS).admit(GetMe)
    meters = world.admission.meters
    assert {name: sum(one.counts) for name, one in meters.items()} == {"hello": 1, "user.me": 2}
    assert world.admission.refusals == {"forbidden": 1, "unknown_method": 1, "unauthenticated": 1}


class Tracer:
    """Follows everything."""

    def __init__(self):
        self.spans = []

    def sample(self, name, ids):
        span = Span(name, dict(ids))
        self.spans.append(span)
        return span


class Span:
    traceparent = "00-trace"

    def __init__(self, name, ids):
        self.name, self.ids, self.ended = name, ids, []

    def end(self, error="", ids=None):
        self.ended.append(error)


async def test_requests_of_every_protocol_are_followed(worlds):
    tracer = Tracer()
    world = worlds(tracer=tracer)
    await world.user("ann")
    line = await logged_in(world)
    await line.ask("user.me")
    await line.ask("admin.statistics")
    guest = world.admission.connect(ADDRESS)
    await guest.admit(GetMe, await world.token("ann"))
    await guest.call(GetMe())
    found = [
        (span.ids["hongyan.method"], span.ids["hongyan.user"], span.ended) for span in tracer.spans
    ]
    assert found == [
        ("hello", "", [""]),
        ("user.me", "ann", [""]),
        ("admin.statistics", "ann", ["forbidden"]),
        ("user.me", "ann", [""]),
    ]
    assert world.traces == ["00-trace", "00-trace"]
