"""The control socket: who may open it, what it carries, and what becomes of errors."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest
from tests.unit.quiet_hub import quiet_hub

from hongyan.access.admission import OPERATOR, Admission
from hongyan.access.control.client import ControlClient
from hongyan.access.control.protocol import LINE_BYTES_MAX, socket_path
from hongyan.access.control.server import ControlServer
from hongyan.infra.local.bus import LocalBus
from hongyan.kernel.bus import ANONYMOUS, Access, Actor, Command, handles
from hongyan.kernel.clock import SystemClock
from hongyan.kernel.errors import Internal, NotFound, RateLimited, Unavailable, UnknownMethod


class Echoed(msgspec.Struct, frozen=True):
    text: str
    raw: msgspec.Raw


class Echo(Command[Echoed], frozen=True, kw_only=True):
    METHOD = "test.echo"
    ACCESS = Access.INTERNAL
    text: str


class Whisper(Command[Echoed], frozen=True, kw_only=True):
    METHOD = "test.whisper"
    ACCESS = Access.USER


class Fail(Command[Echoed], frozen=True, kw_only=True):
    METHOD = "test.fail"
    ACCESS = Access.ADMIN
    how: str


class Service:
    def __init__(self) -> None:
        self.actors: list[Actor] = []

    @handles(Echo)
    async def echo(self, actor: Actor, command: Echo) -> Echoed:
        self.actors.append(actor)
        return Echoed(command.text, msgspec.Raw(b'{"a":[1]}'))

    @handles(Fail)
    async def fail(self, actor: Actor, command: Fail) -> Echoed:
        if command.how == "refuse":
            raise RateLimited("Wait.", retry_after_ms=5)
        raise ValueError("our secret defect")


COMMANDS = {command.METHOD: command for command in (Echo, Whisper, Fail)}


@pytest.fixture
def service() -> Service:
    return Service()


def admission_of(bus: LocalBus) -> Admission:
    return Admission(bus, SystemClock(), quiet_hub(), commands=COMMANDS)


@pytest.fixture
async def server(service: Service, tmp_path: Path) -> AsyncIterator[ControlServer]:
    bus = LocalBus()
    bus.serve(service)
    server = ControlServer(admission_of(bus))
    await server.open(tmp_path)
    yield server
    await server.close()


@pytest.fixture
async def client(server: ControlServer, tmp_path: Path) -> AsyncIterator[ControlClient]:
    client = await ControlClient.connect(tmp_path)
    yield client
    await client.close()


async def test_a_command_goes_over_and_its_answer_comes_back(
    client: ControlClient, service: Service
) -> None:
    echoed = await client.call(ANONYMOUS, Echo(text="鸿雁\n"))
    assert (echoed.text, bytes(echoed.raw)) == ("鸿雁\n", b'{"a":[1]}')
    assert service.actors == [OPERATOR], "the socket is the proof, not what the client says"


async def test_only_its_owner_may_open_the_socket(server: ControlServer, tmp_path: Path) -> None:
    assert socket_path(tmp_path).stat().st_mode & 0o777 == 0o600


async def test_users_commands_are_not_carried(client: ControlClient) -> None:
    with pytest.raises(UnknownMethod) as refused:
        await client.call(ANONYMOUS, Whisper())
    assert refused.value.details == {"method": "test.whisper"}


async def test_a_refusal_arrives_as_what_it_was(client: ControlClient) -> None:
    with pytest.raises(RateLimited) as refused:
        await client.call(ANONYMOUS, Fail(how="refuse"))
    assert refused.value.text == "Wait."
    assert refused.value.details == {"retry_after_ms": 5}


async def test_a_defect_tells_nothing_and_the_connection_lives_on(client: ControlClient) -> None:
    with pytest.raises(Internal) as refused:
        await client.call(ANONYMOUS, Fail(how="break"))
    assert "secret" not in refused.value.text
    assert (await client.call(ANONYMOUS, Echo(text="still here"))).text == "still here"


async def test_a_line_that_is_no_request_is_answered(server: ControlServer, tmp_path: Path) -> None:
    reader, writer = await asyncio.open_unix_connection(str(socket_path(tmp_path)))
    for line, code in ((b"nonsense\n", "invalid"), (b'{"method":"no"}\n', "unknown_method")):
        writer.write(line)
        assert msgspec.json.decode(await reader.readline())["error"]["code"] == code
    writer.write(b'{"method":"test.echo","params":{"text":1}}\n')
    assert msgspec.json.decode(await reader.readline())["error"]["code"] == "invalid"
    writer.close()


async def test_an_endless_line_is_cut(server: ControlServer, tmp_path: Path) -> None:
    reader, writer = await asyncio.open_unix_connection(str(socket_path(tmp_path)))
    try:
        writer.write(b"x" * (3 * LINE_BYTES_MAX))
        await writer.drain()
        assert await reader.read() == b""
    except ConnectionError:
        pass
    writer.close()


async def test_a_dead_servers_socket_is_replaced(service: Service, tmp_path: Path) -> None:
    socket_path(tmp_path).touch()
    server = ControlServer(admission_of(LocalBus()))
    await server.open(tmp_path)
    client = await ControlClient.connect(tmp_path)
    with pytest.raises(UnknownMethod):
        await client.call(ANONYMOUS, Echo(text=""))
    await client.close()
    await server.close()
    assert not socket_path(tmp_path).exists()


async def test_a_server_that_hangs_up_is_unavailable(tmp_path: Path) -> None:
    async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readline()
        writer.close()

    listener = await asyncio.start_unix_server(hang_up, str(socket_path(tmp_path)))
    client = await ControlClient.connect(tmp_path)
    with pytest.raises(Unavailable):
        await client.call(ANONYMOUS, Echo(text=""))
    await client.close()
    listener.close()


async def test_nobody_listening_is_an_os_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        await ControlClient.connect(tmp_path)


def test_every_refusal_survives_the_way() -> None:
    from hongyan.wire.native.errors import refusal_of, wire_error

    refusal = refusal_of(wire_error(NotFound("Gone.", id=1)))
    assert (type(refusal), refusal.text, refusal.details) == (NotFound, "Gone.", {"id": 1})
