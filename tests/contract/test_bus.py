"""The Caller: one suite over the bus inside a process and the one over NATS."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any, ClassVar

import msgspec
import pytest
from msgspec import Struct
from tools.cluster.engines import NatsProcess

from hongyan.infra.local.bus import LocalBus
from hongyan.infra.nats.caller import NatsCaller
from hongyan.infra.nats.connection import NatsConnection
from hongyan.infra.nats.nodes import Nodes
from hongyan.infra.nats.server import NatsServer
from hongyan.infra.nats.subjects import Subjects
from hongyan.kernel.bus import Actor, Command, handles
from hongyan.kernel.errors import (
    Forbidden,
    Internal,
    Invalid,
    RateLimited,
    Unavailable,
    UnknownMethod,
)
from hongyan.kernel.ids import ConversationId, DeviceId, UserId

ANNA = Actor(UserId("anna"), DeviceId("v1"), address="10.0.0.1", scopes=("a", "b"))


class Said(Struct, frozen=True):
    """What a handler was told, and by whom."""

    actor: Actor
    text: str
    count: int


class Say(Command[Said], frozen=True, kw_only=True):
    METHOD: ClassVar = "test.say"
    conversation_id: ConversationId = ConversationId("g1")
    text: str = ""
    wait_s: float = 0.0


class Add(Say, frozen=True, kw_only=True):
    """As ``Say``, but it may be done twice."""

    METHOD: ClassVar = "test.add"
    client_id: str = "c"


class Fail(Command[Said], frozen=True, kw_only=True):
    METHOD: ClassVar = "test.fail"
    how: str


class Nobody(Command[Said], frozen=True, kw_only=True):
    METHOD: ClassVar = "test.nobody"


class Impatient(Say, frozen=True, kw_only=True):
    METHOD: ClassVar = "test.impatient"
    ANSWER_WITHIN_S: ClassVar = 0.3


COMMANDS: dict[str, Any] = {one.METHOD: one for one in (Say, Add, Fail, Nobody, Impatient)}


class Slow(RateLimited):
    code = "test_slow"


class Echo:
    """The service under the bus; notes what it began, in order."""

    def __init__(self) -> None:
        self.began: list[str] = []
        self.may_end = asyncio.Event()
        self.may_end.set()

    @handles(Say)
    async def say(self, actor: Actor, command: Say) -> Said:
        self.began.append(command.text)
        await asyncio.sleep(command.wait_s)
        await self.may_end.wait()
        return Said(actor, command.text, len(self.began))

    @handles(Add)
    async def add(self, actor: Actor, command: Add) -> Said:
        return await self.say(actor, command)

    @handles(Impatient)
    async def impatient(self, actor: Actor, command: Impatient) -> Said:
        return await self.say(actor, command)

    @handles(Fail)
    async def fail(self, actor: Actor, command: Fail) -> Said:
        raises: dict[str, Exception] = {
            "refusal": Slow("Not now.", retry_after_ms=7),
            "forbidden": Forbidden(),
            "value": msgspec.ValidationError("Expected `int`"),
            "defect": KeyError("a secret of the server"),
        }
        raise raises[command.how]


class Backend:
    """One process's worth of handlers behind NATS."""

    def __init__(self, url: str, name: str) -> None:
        self.echo = Echo()
        self.connection = NatsConnection((url,), name)
        subjects = Subjects("test")
        self.nodes = Nodes(self.connection, subjects, name, "backend", 0.1, 1.0)
        bus = LocalBus()
        bus.serve(self.echo)
        self.server = NatsServer(self.connection, subjects, bus, COMMANDS, in_flight_max=500)

    async def start(self) -> None:
        await self.connection.open()
        await self.server.start()
        await self.nodes.start()
        self.nodes.become("ready")

    async def drain(self) -> None:
        """Leave as a backend leaves for its upgrade."""
        self.nodes.become("draining")
        await asyncio.sleep(0.1)
        await self.server.drain(5)
        await self.nodes.stop()
        await self.connection.close()

    async def die(self) -> None:
        """Vanish in the midst of work."""
        if self.nodes._task is not None:
            self.nodes._task.cancel()
        transport = self.connection.client._transport
        assert transport is not None
        self.connection.client.options["allow_reconnect"] = False
        transport.close()

    async def close(self) -> None:
        if self.connection.is_up:
            await self.nodes.stop()
            await self.connection.close()


class Gateway:
    """A caller in another process, as it were."""

    def __init__(self, url: str) -> None:
        self.connection = NatsConnection((url,), "gateway")
        subjects = Subjects("test")
        self.nodes = Nodes(self.connection, subjects, "gateway", "gateway", 0.1, 1.0)
        self.caller = NatsCaller(self.connection, subjects, self.nodes, in_flight_max=2_000)

    async def start(self) -> None:
        await self.connection.open()
        await self.caller.start()
        await self.nodes.start()

    async def close(self) -> None:
        await self.caller.close()
        await self.connection.close()


@pytest.fixture(scope="module")
def nats(tmp_path_factory: pytest.TempPathFactory) -> Iterator[NatsProcess]:
    process = NatsProcess(tmp_path_factory.mktemp("nats"))
    process.start()
    yield process
    process.stop()


class Harness:
    """Callers and backends, closed at the end."""

    def __init__(self, url: str, stack: AsyncExitStack) -> None:
        self.url = url
        self.stack = stack

    async def backend(self, name: str) -> Backend:
        made = Backend(self.url, name)
        await made.start()
        self.stack.push_async_callback(made.close)
        return made

    async def gateway(self) -> Gateway:
        made = Gateway(self.url)
        await made.start()
        self.stack.push_async_callback(made.close)
        return made


@pytest.fixture
async def harness(nats: NatsProcess) -> AsyncIterator[Harness]:
    async with AsyncExitStack() as stack:
        yield Harness(nats.url, stack)


@pytest.fixture(params=["local", "nats"])
async def bus(request: pytest.FixtureRequest) -> AsyncIterator[tuple[Any, Echo]]:
    """A caller, and the service that it reaches."""
    if request.param == "local":
        local, echo = LocalBus(), Echo()
        local.serve(echo)
        yield local, echo
        return
    process: NatsProcess = request.getfixturevalue("nats")
    async with AsyncExitStack() as stack:
        harness = Harness(process.url, stack)
        gateway = await harness.gateway()
        backend = await harness.backend("one")
        yield gateway.caller, backend.echo


# --- what both promise ---


async def test_a_command_and_its_actor_arrive_and_the_answer_comes_back(bus: Any) -> None:
    caller, _ = bus
    said = await caller.call(ANNA, Say(text="雁", conversation_id=ConversationId("g2")))
    assert said == Said(ANNA, "雁", 1)


async def test_a_refusal_arrives_as_what_it_was(bus: Any) -> None:
    caller, _ = bus
    with pytest.raises(Slow) as refused:
        await caller.call(ANNA, Fail(how="refusal"))
    assert refused.value.text == "Not now."
    assert dict(refused.value.details) == {"retry_after_ms": 7}
    assert refused.value.retryable
    with pytest.raises(Forbidden):
        await caller.call(ANNA, Fail(how="forbidden"))


async def test_a_command_that_nobody_handles_is_refused(bus: Any) -> None:
    caller, _ = bus
    with pytest.raises(UnknownMethod):
        await caller.call(ANNA, Nobody())


async def test_commands_of_one_conversation_begin_in_the_order_of_the_calls(bus: Any) -> None:
    caller, echo = bus
    calls = [caller.call(ANNA, Say(text=str(n))) for n in range(300)]
    await asyncio.gather(*calls)
    assert echo.began == [str(n) for n in range(300)]


async def test_nothing_happens_before_the_call_is_awaited(bus: Any) -> None:
    caller, echo = bus
    work = caller.call(ANNA, Say(text="no"))
    await asyncio.sleep(0)
    assert echo.began == []
    work.close()


# --- what the one over NATS promises besides ---


async def test_a_defect_is_told_as_internal_and_a_wrong_value_as_invalid(harness: Harness) -> None:
    await harness.backend("one")
    caller = (await harness.gateway()).caller
    with pytest.raises(Internal) as refused:
        await caller.call(ANNA, Fail(how="defect"))
    assert "secret" not in refused.value.text
    with pytest.raises(Invalid):
        await caller.call(ANNA, Fail(how="value"))


async def test_messages_longer_than_the_broker_takes_arrive_whole(harness: Harness) -> None:
    await harness.backend("one")
    caller = (await harness.gateway()).caller
    texts = ["a" * 3_000_000, "b", "c" * 1_500_000]
    said = await asyncio.gather(*(caller.call(ANNA, Say(text=text)) for text in texts))
    assert [one.text for one in said] == texts


async def test_a_relayed_answer_is_the_json_of_the_result(harness: Harness) -> None:
    await harness.backend("one")
    caller = (await harness.gateway()).caller
    raw = await caller.relay().call(ANNA, Say(text="hi"))
    assert msgspec.json.decode(raw, type=Said) == Said(ANNA, "hi", 1)


async def test_conversations_are_spread_over_backends_each_at_home_in_one(harness: Harness) -> None:
    backends = [await harness.backend(name) for name in ("one", "two", "three")]
    gateways = [await harness.gateway() for _ in range(2)]
    await _until(lambda: all(len(list(g.nodes.of_role("backend"))) == 3 for g in gateways))
    for gateway in gateways:
        for n in range(120):
            place = ConversationId(f"g{n}")
            await gateway.caller.call(ANNA, Say(text=place, conversation_id=place))
    for backend in backends:
        assert len(set(backend.echo.began)) * 2 == len(backend.echo.began), "one home for each"
        assert len(set(backend.echo.began)) >= 15
    assert sum(len(backend.echo.began) for backend in backends) == 240


async def test_calls_wait_for_the_first_backend(harness: Harness) -> None:
    gateway = await harness.gateway()
    calls = asyncio.gather(*(gateway.caller.call(ANNA, Say(text=str(n))) for n in range(20)))
    await asyncio.sleep(0.05)
    backend = await harness.backend("late")
    await asyncio.wait_for(calls, 10)
    assert backend.echo.began == [str(n) for n in range(20)]


async def test_a_backend_that_leaves_answers_what_it_has_and_nothing_is_done_twice(
    harness: Harness,
) -> None:
    backends = [await harness.backend(name) for name in ("one", "two")]
    gateway = await harness.gateway()
    await _until(lambda: len(list(gateway.nodes.of_role("backend"))) == 2)
    texts = [f"{place}-{n}" for n in range(100) for place in "abcdef"]

    async def talk() -> None:
        async with asyncio.TaskGroup() as group:
            for text in texts:
                place = ConversationId("g" + text[0])
                command = Say(text=text, conversation_id=place, wait_s=0.002)
                group.create_task(gateway.caller.call(ANNA, command))
                await asyncio.sleep(0.001)

    talking = asyncio.create_task(talk())
    await asyncio.sleep(0.2)
    await backends[0].drain()
    await asyncio.wait_for(talking, 20)
    began = backends[0].echo.began + backends[1].echo.began
    assert sorted(began) == sorted(texts)
    for place in "abcdef":
        assert [one for one in began if one[0] == place] == [t for t in texts if t[0] == place]


async def test_a_dead_backend_s_repeatable_calls_go_to_another_and_the_rest_is_refused(
    harness: Harness,
) -> None:
    backends = [await harness.backend(name) for name in ("one", "two")]
    gateway = await harness.gateway()
    await _until(lambda: len(list(gateway.nodes.of_role("backend"))) == 2)
    home = await _home(gateway, backends, "g1")
    other = next(one for one in backends if one is not home)
    home.echo.may_end.clear()
    kept = [asyncio.create_task(gateway.caller.call(ANNA, Add(text=f"a{n}"))) for n in range(5)]
    lost = asyncio.create_task(gateway.caller.call(ANNA, Say(text="s")))
    await _until(lambda: len(home.echo.began) == 7)
    await home.die()
    said = await asyncio.wait_for(asyncio.gather(*kept), 10)
    assert [one.text for one in said] == [f"a{n}" for n in range(5)]
    assert other.echo.began[-5:] == [f"a{n}" for n in range(5)]
    with pytest.raises(Unavailable) as refused:
        await asyncio.wait_for(lost, 10)
    assert refused.value.retryable
    assert "s" not in other.echo.began
    home.echo.may_end.set()


async def test_a_call_that_came_too_late_for_a_backend_goes_to_another(harness: Harness) -> None:
    backends = [await harness.backend(name) for name in ("one", "two")]
    gateway = await harness.gateway()
    await _until(lambda: len(list(gateway.nodes.of_role("backend"))) == 2)
    home = await _home(gateway, backends, "g1")
    other = next(one for one in backends if one is not home)
    await home.die()
    await asyncio.sleep(0.5)  # the broker has noticed: a call sent before that is in doubt
    said = await asyncio.wait_for(gateway.caller.call(ANNA, Say(text="late")), 10)
    assert said.text == "late"
    assert other.echo.began[-1] == "late"


async def test_a_backend_that_leaves_slowly_still_answers(harness: Harness) -> None:
    backends = [await harness.backend(name) for name in ("one", "two")]
    gateway = await harness.gateway()
    await _until(lambda: len(list(gateway.nodes.of_role("backend"))) == 2)
    home = await _home(gateway, backends, "g1")
    home.echo.may_end.clear()
    slow = asyncio.create_task(gateway.caller.call(ANNA, Say(text="slow")))
    await _until(lambda: "slow" in home.echo.began)
    leaving = asyncio.create_task(home.drain())
    await asyncio.sleep(1.0)  # long enough to be probed
    assert not slow.done()
    late = asyncio.create_task(gateway.caller.call(ANNA, Say(text="after")))
    await asyncio.sleep(0.1)
    assert not late.done(), "it keeps its place behind the slow one"
    home.echo.may_end.set()
    assert (await asyncio.wait_for(slow, 5)).text == "slow"
    assert (await asyncio.wait_for(late, 5)).text == "after"
    await leaving


async def test_an_answer_that_does_not_come_is_refused_in_time(harness: Harness) -> None:
    await harness.backend("one")
    caller = (await harness.gateway()).caller
    with pytest.raises(Unavailable):
        await asyncio.wait_for(caller.call(ANNA, Impatient(wait_s=5)), 3)
    assert caller.in_flight == 0


async def test_more_calls_than_may_wait_are_refused_at_once(harness: Harness) -> None:
    backend = await harness.backend("one")
    caller = (await harness.gateway()).caller
    backend.echo.may_end.clear()
    calls = [asyncio.create_task(caller.call(ANNA, Say(text=str(n)))) for n in range(2_100)]
    await _until(lambda: sum(call.done() for call in calls) >= 1_600)
    backend.echo.may_end.set()
    results = await asyncio.gather(*calls, return_exceptions=True)
    codes = [getattr(one, "code", "done") for one in results]
    assert codes.count("busy") == 1_600  # 100 at the caller, 1,500 at the backend
    assert codes.count("done") == 500


async def test_the_broker_s_restart_loses_no_call_and_repeats_none(
    tmp_path: Path,
) -> None:
    broker = NatsProcess(tmp_path)
    broker.start()
    try:
        async with AsyncExitStack() as stack:
            harness = Harness(broker.url, stack)
            backend = await harness.backend("one")
            gateway = await harness.gateway()
            await gateway.caller.call(ANNA, Say(text="first"))
            calls = []
            for n in range(400):
                if n == 100:
                    broker.stop(kill=True)
                if n == 200:
                    broker.start()
                command = Say(text=str(n), wait_s=0.05)
                calls.append(asyncio.create_task(gateway.caller.call(ANNA, command)))
                await asyncio.sleep(0.002)
            await asyncio.wait_for(asyncio.gather(*calls), 20)
            assert sorted(backend.echo.began[1:], key=int) == [str(n) for n in range(400)]
    finally:
        broker.stop()


async def _home(gateway: Gateway, backends: list[Backend], place: str) -> Backend:
    """Return the backend that takes this conversation's calls, having called it once."""
    await gateway.caller.call(ANNA, Say(text="where", conversation_id=ConversationId(place)))
    return next(one for one in backends if one.echo.began)


async def _until(true: Callable[[], bool], seconds: float = 10.0) -> None:
    async with asyncio.timeout(seconds):
        while not true():  # noqa: ASYNC110  # what is awaited is in other tasks' hands
            await asyncio.sleep(0.01)
