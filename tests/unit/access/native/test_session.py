"""A session over a socket that only remembers."""

import asyncio

import msgspec
import pytest
from tests.unit.access.memory_socket import MemorySocket
from tests.unit.quiet_hub import quiet_hub
from tests.unit.waiting import turns

from hongyan.access.admission import Admission, AdmissionOptions
from hongyan.access.admission import guest as guest_module
from hongyan.access.native.session import (
    CLOSE_FLOODING,
    CLOSE_KICKED,
    CLOSE_MALFORMED,
    CLOSE_UNAUTHENTICATED,
    Session,
    SessionEnvironment,
)
from hongyan.access.rate_options import RateOptions
from hongyan.domain.log.model import Committed, Entry
from hongyan.domain.user.commands import Authenticate, CheckDevices
from hongyan.infra.local.bus import LocalBus
from hongyan.kernel.bus import DONE, Access, Actor, Command, Done, handles
from hongyan.kernel.errors import NotFound, Unauthenticated
from hongyan.wire.native.codec import JSON


class Wait(Command[Done], frozen=True, kw_only=True):
    """Is answered when the test says so."""

    METHOD = "test.wait"


class Fail(Command[Done], frozen=True, kw_only=True):
    """Is refused, or fails with a defect."""

    METHOD = "test.fail"
    AWAITS_ONLY_FUTURES = True
    how: str


class Who(Command[str], frozen=True, kw_only=True):
    """Tells where the actor is."""

    METHOD = "test.who"


class AdminOnly(Command[Done], frozen=True, kw_only=True):
    """Is for administrators."""

    METHOD = "test.admin"
    ACCESS = Access.ADMIN


class Secret(Command[Done], frozen=True, kw_only=True):
    """Is not for the wire."""

    METHOD = "test.internal"
    ACCESS = Access.INTERNAL


class Service:
    def __init__(self):
        self.go = asyncio.Event()
        self.commit = lambda actor: None
        self.now = {}

    @handles(Authenticate)
    async def authenticate(self, _, command):
        if command.access_token == "bad":
            raise Unauthenticated("The token has expired.")
        user, device = command.access_token.split("/")
        return Actor(user, device, admin=user == "root")

    @handles(Wait)
    async def wait(self, actor, _):
        await self.go.wait()
        self.commit(actor)
        return DONE

    @handles(Fail)
    async def fail(self, actor, command):
        if command.how == "defect":
            raise RuntimeError("secret details")
        raise NotFound("Gone.", what="thing")

    @handles(CheckDevices)
    async def check(self, _, command):
        return tuple(self.now.get(one, Actor(*one)) for one in command.devices)

    @handles(Who)
    async def who(self, actor, _):
        return actor.address

    @handles(AdminOnly)
    async def admin(self, actor, _):
        return DONE


COMMANDS = {c.METHOD: c for c in (Wait, Fail, Who, AdminOnly, Secret)}


class Harness:
    def __init__(self, clock, in_flight_max=64, **rates):
        self.service, bus = Service(), LocalBus()
        bus.serve(self.service)
        self.hub = quiet_hub()
        rates = RateOptions(**{"user_per_s": 0} | rates)
        options = AdmissionOptions(rates=rates, in_flight_max=in_flight_max)
        self.admission = Admission(bus, clock, self.hub, options, COMMANDS)
        self.environment = SessionEnvironment(self.admission)

    def connect(self):
        socket = MemorySocket()
        return Session(self.environment, socket, JSON), socket

    async def logged_in(self, token="alice/v1"):
        session, socket = self.connect()
        await ask(session, socket, "hello", token=token)
        return session, socket


async def ask(session, socket, method, number=1, **params):
    say(session, method, number, **params)
    await turns()
    return next((m for m in reversed(socket.sent) if m.get("id") == number), None)


def say(session, method, number=1, **params):
    session.received(msgspec.json.encode({"id": number, "method": method, "params": params}))


@pytest.fixture
def harness(clock):
    return Harness(clock)


async def test_hello_says_who_one_is_and_lets_events_come(harness):
    session, socket = harness.connect()
    answer = await ask(session, socket, "hello", token="alice/v1")
    assert answer["result"]["user_id"] == "alice"
    assert answer["result"]["device_id"] == "v1"
    assert (await ask(session, socket, "test.who", 2))["result"] == "192.0.2.7"
    entry = Entry("@alice", 1, 0, "x", "alice", "", 0, msgspec.Raw(b"{}"))
    harness.hub.committed(Committed((entry,), "another"))
    await asyncio.sleep(0)
    data = msgspec.json.decode(msgspec.json.encode(entry))
    assert socket.sent[-1] == {"event": "entry", "data": data}


async def test_what_a_lost_connection_asked_for_reaches_the_next_one(harness):
    def commit(actor):
        entry = Entry("@alice", 1, 0, "x", "alice", "", 0, msgspec.Raw(b"{}"))
        harness.hub.committed(Committed((entry,), actor.connection_id))

    harness.service.commit = commit
    lost, _ = await harness.logged_in()
    say(lost, "test.wait", 2)
    await asyncio.sleep(0)
    lost.closed()
    again, socket = await harness.logged_in()
    harness.service.go.set()
    answer = await ask(again, socket, "test.wait", 3)
    assert [m["data"]["seq"] for m in socket.sent if m.get("event") == "entry"] == [1]  # not two
    assert answer["result"] == {}


async def test_a_wrong_token_is_refused_and_then_closed(harness):
    session, socket = harness.connect()
    answer = await ask(session, socket, "hello", token="bad")
    assert answer["error"]["code"] == "unauthenticated"
    assert socket.closed_with == (CLOSE_UNAUTHENTICATED, "The token has expired.")
    assert not session.is_ready


async def test_hello_is_said_once_and_in_our_version(harness):
    session, socket = harness.connect()
    answer = await ask(session, socket, "hello", token="alice/v1", protocol=99)
    assert answer["error"]["details"] == {"supported": [1]}
    await ask(session, socket, "hello", token="alice/v1")
    assert (await ask(session, socket, "hello", 2, token="alice/v1"))["error"]["code"] == "conflict"


async def test_nothing_but_hello_and_what_is_for_anyone_comes_first(harness):
    session, socket = harness.connect()
    assert (await ask(session, socket, "test.wait"))["error"]["code"] == "unauthenticated"
    assert "time_ms" in (await ask(session, socket, "ping"))["result"]


@pytest.mark.parametrize(
    ("method", "params", "code"),
    [
        ("test.nothing", {}, "unknown_method"),
        ("test.internal", {}, "unknown_method"),
        ("test.admin", {}, "forbidden"),
        ("test.fail", {"how": 1}, "invalid"),
        ("test.fail", {"how": "x", "more": 1}, "invalid"),
        ("test.fail", {"how": "refusal"}, "not_found"),
        ("test.fail", {"how": "defect"}, "internal"),
    ],
)
async def test_refusals_have_a_code_and_keep_our_secrets(harness, method, params, code):
    session, socket = await harness.logged_in()
    answer = await ask(session, socket, method, 5, **params)
    assert answer["error"]["code"] == code
    assert "secret" not in str(answer)
    assert socket.closed_with is None


async def test_an_administrator_may(harness):
    session, socket = await harness.logged_in("root/v9")
    assert (await ask(session, socket, "test.admin", 3))["result"] == {}


async def test_bytes_that_are_no_request_close(harness):
    session, socket = await harness.logged_in()
    session.received(b'{"id": "seven"}')
    assert socket.closed_with[0] == CLOSE_MALFORMED


async def test_who_asks_much_at_once_is_not_read_until_half_is_answered(clock):
    harness = Harness(clock, in_flight_max=4)
    session, socket = await harness.logged_in()
    for number in range(4):
        say(session, "test.wait", 10 + number)
    assert not socket.reading
    harness.service.go.set()
    await turns()
    assert socket.reading
    assert {m["id"] for m in socket.sent if m.get("id", 0) >= 10} == {10, 11, 12, 13}


async def test_too_many_requests_are_refused_and_flooding_is_cut(clock, monkeypatch):
    monkeypatch.setattr(guest_module, "REFUSED_MAX", 3)
    harness = Harness(clock, connection_per_s=0.001, connection_burst=2)
    session, socket = await harness.logged_in()
    await ask(session, socket, "ping", 2)
    answer = await ask(session, socket, "ping", 3)
    assert answer["error"]["code"] == "rate_limited"
    assert answer["error"]["retryable"] is True
    assert answer["error"]["details"]["retry_after_ms"] > 0
    await ask(session, socket, "ping", 4)
    assert socket.closed_with is None
    await ask(session, socket, "ping", 5)
    assert socket.closed_with[0] == CLOSE_FLOODING


async def test_a_newer_connection_of_the_device_kicks_the_older(harness):
    session, socket = await harness.logged_in()
    await harness.logged_in()
    await asyncio.sleep(0)
    assert socket.sent[-1] == {"event": "kicked", "data": {"reason": "replaced"}}
    assert socket.closed_with == (CLOSE_KICKED, "replaced")
    session.closed()
    assert harness.hub.is_online("alice")


async def test_an_event_that_cannot_be_encoded_makes_the_device_sync_and_stay(harness):
    _, socket = await harness.logged_in()
    entry = Entry("@alice", 1, 1, "message", "bob", "", 1, object())
    harness.hub.committed(Committed((entry,), ""))
    harness.hub.committed(Committed((entry,), ""))
    await asyncio.sleep(0)
    assert socket.sent[1:] == [{"event": "sync", "data": {}}]
    assert (socket.closed_with, harness.hub.failures.count) == (None, 2)


async def test_a_connection_that_cannot_be_served_is_closed_as_a_defect(harness):
    session, socket = await harness.logged_in()
    session.close()
    assert socket.closed_with[0] == 1011


async def test_who_closes_while_saying_hello_stays_nobody(harness):
    session, _ = harness.connect()
    say(session, "hello", token="alice/v1")
    session.closed()
    await turns()
    assert not harness.hub.is_online("alice")
