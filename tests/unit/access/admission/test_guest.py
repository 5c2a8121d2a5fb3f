"""What admission does beside saying who may: rates, fresh rights, counts, traces."""

import asyncio

import pytest
from msgspec import structs

from hongyan.access.admission import standing
from hongyan.access.http.examples import EXAMPLES
from hongyan.access.http.sync_stream import EVENTS, Listener
from hongyan.access.rate_options import RateOptions
from hongyan.domain.admin.commands import GetStatistics
from hongyan.domain.conversation.commands import Sync
from hongyan.domain.integration.commands import RevokeKey
from hongyan.domain.media.commands import AdvanceUpload, ClaimMedia
from hongyan.domain.user.commands import CheckDevices, GetMe, LogIn
from hongyan.domain.user.commands_admin import DeactivateUser, KickUser, SetAdmin
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


async def logged_in(harness, name="ann"):
    line = harness.line()
    assert await line.ask("hello", {"token": await harness.token(name)}) == ""
    return line


# --- rates ---


async def test_a_user_is_counted_over_all_connections(worlds):
    harness = worlds(rates=structs.replace(FREE, user_per_s=SLOW, user_burst=3))
    await harness.user("ann")
    await harness.user("bob")
    phone, laptop = await logged_in(harness), await logged_in(harness)
    asked = [await line.ask("user.me") for line in (phone, laptop, phone, laptop, phone)]
    assert asked == ["", "", "", "rate_limited", "rate_limited"]
    assert await (await logged_in(harness, "bob")).ask("user.me") == ""


async def test_a_user_is_counted_over_all_protocols(worlds):
    harness = worlds(rates=structs.replace(FREE, user_per_s=SLOW, user_burst=2))
    await harness.user("ann")
    line = await logged_in(harness)
    assert await line.ask("user.me") == ""
    await harness.admission.connect(ADDRESS).admit(GetMe, await harness.token("ann"))
    assert await line.ask("user.me") == "rate_limited"
    with pytest.raises(RateLimited):
        await harness.admission.connect(ADDRESS).admit(GetMe, await harness.token("ann"))


async def test_a_key_is_counted_as_a_key_and_not_as_its_bot(worlds):
    harness = worlds(
        rates=structs.replace(FREE, user_per_s=SLOW, user_burst=1, key_per_s=SLOW, key_burst=2)
    )
    await harness.user("ann", bot=True)
    key = (await harness.key(user_id="ann")).key
    line = harness.line()
    assert await line.ask("hello", {"token": key}) == ""
    assert [await line.ask("user.me") for _ in range(3)] == ["", "", "rate_limited"]
    with pytest.raises(RateLimited):
        await harness.admission.connect(ADDRESS).admit(GetMe, key)


async def test_a_connection_is_counted_also_before_anybody_is_known(worlds):
    harness = worlds(rates=structs.replace(FREE, connection_per_s=SLOW, connection_burst=2))
    line = harness.line()
    assert [await line.ask("ping") for _ in range(3)] == ["", "", "rate_limited"]
    assert await harness.line().ask("ping") == ""


async def test_strangers_are_counted_by_their_address_on_every_protocol(worlds):
    harness = worlds(rates=structs.replace(FREE, address_per_s=SLOW, address_burst=2))
    asked = [await harness.line().ask("user.log_in", EXAMPLES["user.log_in"]) for _ in range(3)]
    assert asked == ["", "", "rate_limited"]
    with pytest.raises(RateLimited):
        await harness.admission.connect(ADDRESS).admit(LogIn)
    await harness.admission.connect("192.0.2.8").admit(LogIn)


async def test_parameters_are_not_read_of_what_is_one_too_many(worlds):
    harness = worlds(rates=structs.replace(FREE, user_per_s=SLOW, user_burst=1))
    await harness.user("ann")
    line = await logged_in(harness)
    assert await line.ask("user.me", {"nonsense": 1}) == "invalid"
    assert await line.ask("user.me", {"nonsense": 1}) == "rate_limited"


async def test_what_was_admitted_counts_once_and_other_calls_each(worlds):
    harness = worlds(rates=structs.replace(FREE, user_per_s=SLOW, user_burst=2))
    await harness.user("ann")
    guest = harness.admission.connect(ADDRESS)
    await guest.admit(Sync, await harness.token("ann"))
    for _ in range(5):
        await guest.call(Sync())
    other = harness.admission.connect(ADDRESS)
    await other.identify(await harness.token("ann"))
    await other.call(Sync())
    with pytest.raises(RateLimited):
        await other.call(Sync())
    assert other.taken.tokens < 1


# --- rights that change ---


async def test_requests_keep_their_order_while_rights_are_asked_for(harness):
    await harness.user("ann")
    line = await logged_in(harness)
    texts = [f"{number}" for number in range(6)]
    sent = EXAMPLES["message.send"]

    def send(text):
        params = sent | {"client_id": text}
        line.number += 1
        line.session.received(harness.encode(line.number, "message.send", params))

    for text in texts[:2]:
        send(text)
    await harness.do(SetAdmin(user_id="ann", admin=True))
    for text in texts[2:4]:
        send(text)
    await until(lambda: len(harness.asked) > 2)
    for text in texts[4:]:
        send(text)
    await until(lambda: len(harness.asked) == len(texts))
    assert [command for command, _ in harness.sent] == texts
    assert [actor.admin for _, actor in harness.sent] == [False, False, True, True, True, True]


async def test_rights_that_cannot_be_asked_for_let_nobody_in(harness, monkeypatch):
    await harness.user("boss", admin=True)
    line = await logged_in(harness, "boss")
    assert await line.ask("admin.statistics") == ""
    call = harness.call

    async def broken(actor, command):
        if isinstance(command, CheckDevices):
            raise Unavailable
        return await call(actor, command)

    monkeypatch.setattr(harness, "call", broken)
    await harness.do(SetAdmin(user_id="boss", admin=False))
    assert await line.ask("admin.statistics") == "unavailable"
    monkeypatch.undo()
    assert await line.ask("admin.statistics") == "forbidden"
    assert await line.ask("user.me") == ""


async def test_an_answer_from_before_the_last_change_is_not_believed(harness, monkeypatch):
    await harness.user("boss")
    line = await logged_in(harness, "boss")
    call = harness.call

    async def overtaken(actor, command):
        answer = await call(actor, command)
        if isinstance(command, CheckDevices) and harness.checks == 1:
            await harness.do(SetAdmin(user_id="boss", admin=False))
        return answer

    monkeypatch.setattr(harness, "call", overtaken)
    await harness.do(SetAdmin(user_id="boss", admin=True))
    assert await line.ask("admin.statistics") == "forbidden"
    assert harness.checks == 2


async def test_rights_are_asked_for_once_and_not_at_each_request(harness):
    await harness.user("ann")
    line = await logged_in(harness)
    await harness.do(SetAdmin(user_id="ann", admin=True))
    for _ in range(5):
        assert await line.ask("user.me") == ""
    assert harness.checks == 1


@pytest.mark.parametrize("what", ["deactivate", "kick", "bot deactivated", "revoke"])
async def test_who_may_be_here_no_more_is_cut_without_asking_anything(worlds, what):
    harness = worlds(look_after_s=0)
    is_bot = what in ("bot deactivated", "revoke")
    await harness.user("ann", bot=is_bot)
    made = await harness.key(user_id="ann") if is_bot else None
    line = harness.line()
    token = made.key if made else await harness.token("ann")
    assert await line.ask("hello", {"token": token}) == ""
    await until(lambda: harness.checks == 1)
    assert line.socket.closed_with is None, "it was looked at, and may be here"
    if what == "revoke":
        await harness.do(RevokeKey(key_id=made.info.key_id))
    else:
        await harness.do(
            KickUser(user_id="ann") if what == "kick" else DeactivateUser(user_id="ann")
        )
    await until(lambda: line.socket.closed_with)
    assert line.socket.closed_with[0] == 4003


async def test_a_key_that_ends_is_worth_nothing_at_the_same_request_once_more(harness, clock):
    await harness.user("ann", bot=True)
    made = await harness.key(user_id="ann", lives_ms=1_000)
    line = harness.line()
    assert await line.ask("hello", {"token": made.key}) == ""
    assert [await line.ask("user.me") for _ in range(2)] == ["", ""]
    clock.advance(1_000)
    assert await line.ask("user.me") == "api_key_invalid"


async def test_a_stream_ends_with_the_key_of_its_bot(worlds):
    harness = worlds(look_after_s=0)
    await harness.user("ann", bot=True)
    made = await harness.key(user_id="ann")
    guest = harness.admission.connect(ADDRESS)
    await guest.admit(Sync, made.key)
    listener = Listener(guest.connected(asks_here=False), EVENTS, 1 << 20)
    await guest.attach(listener)
    await until(lambda: harness.checks == 1)
    assert not listener.ended
    await harness.do(DeactivateUser(user_id="ann"))
    await until(lambda: listener.ended)
    guest.leave()
    assert harness.hub.peers() == []


async def test_a_removal_that_nobody_told_is_found_soon_after_one_came(worlds):
    harness = worlds(look_after_s=0)
    await harness.user("ann")
    harness.hub._rights_listeners.clear()
    harness.hub.kick = lambda *_: None
    token = await harness.token("ann")
    line = harness.line()
    attach = harness.hub.attach

    async def slow(peer):
        await attach(peer)
        await harness.do(KickUser(user_id="ann"))

    harness.hub.attach = slow
    assert await line.ask("hello", {"token": token}) == ""
    await until(lambda: line.socket.closed_with)


async def test_a_long_request_ends_with_the_rights(harness, monkeypatch):
    await harness.user("ann")
    guest = harness.admission.connect(ADDRESS)
    await guest.admit(ClaimMedia, await harness.token("ann"))
    await harness.do(KickUser(user_id="ann"))
    advance = AdvanceUpload(upload_id="u1", offset_bytes=1)
    await guest.part(advance)  # it began a moment ago
    monkeypatch.setattr(standing, "RIGHTS_S", -1.0)
    with pytest.raises(Unauthenticated):
        await guest.part(advance)
    with pytest.raises(Unauthenticated):
        await guest.call(GetMe())


async def test_parts_are_of_something_that_was_admitted(harness):
    await harness.user("ann")
    guest = harness.admission.connect(ADDRESS)
    await guest.identify(await harness.token("ann"))
    with pytest.raises(Unauthenticated):
        await guest.part(AdvanceUpload(upload_id="u1", offset_bytes=1))
    with pytest.raises(UnknownMethod):
        await guest.call(AdvanceUpload(upload_id="u1", offset_bytes=1))
    with pytest.raises(Forbidden):
        await guest.call(GetStatistics())
    assert harness.asked == []


# --- in whose name ---


async def test_the_audit_log_knows_once_a_day_for_whom_a_key_acts(harness, clock):
    await harness.user("ann")
    await harness.user("bob")
    made = await harness.key()

    async def act(name):
        guest = harness.admission.connect(ADDRESS)
        await guest.admit(GetMe, made.key, name)
        assert guest.actor.user_id == (name or "system")

    for name in ("ann", "ann", "bob", "ann"):
        await act(name)
    key_id = made.info.key_id
    assert harness.acts == [("key.acted_for", key_id, "ann"), ("key.acted_for", key_id, "bob")]
    clock.advance(24 * 3600 * 1000)
    await act("ann")
    assert harness.acts[2:] == [("key.acted_for", key_id, "ann")]


async def test_nobody_acts_for_others_by_an_access_token(harness):
    await harness.user("boss", admin=True)
    await harness.user("ann")
    with pytest.raises(Invalid):
        await harness.admission.connect(ADDRESS).admit(GetMe, await harness.token("boss"), "ann")
    assert harness.acts == []


# --- counts and traces ---


async def test_requests_are_measured_and_refusals_counted(harness):
    await harness.user("ann")
    line = await logged_in(harness)
    await line.ask("user.me")
    await line.ask("admin.statistics")
    await line.ask("no.such")
    guest = harness.admission.connect(ADDRESS)
    await guest.admit(GetMe, await harness.token("ann"))
    await guest.call(GetMe())
    with pytest.raises(Unauthenticated):
        await harness.admission.connect(ADDRESS).admit(GetMe)
    meters = harness.admission.meters
    assert {name: sum(one.counts) for name, one in meters.items()} == {"hello": 1, "user.me": 2}
    assert harness.admission.refusals == {"forbidden": 1, "unknown_method": 1, "unauthenticated": 1}


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
    harness = worlds(tracer=tracer)
    await harness.user("ann")
    line = await logged_in(harness)
    await line.ask("user.me")
    await line.ask("admin.statistics")
    guest = harness.admission.connect(ADDRESS)
    await guest.admit(GetMe, await harness.token("ann"))
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
    assert harness.traces == ["00-trace", "00-trace"]
