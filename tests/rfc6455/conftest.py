import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
import uvloop

from hongyan.access.native.server import SocketOptions, WebServer
from hongyan.access.native.session import Socket
from hongyan.wire.native.codec import Format

from .raw import Raw


class Echo:
    """Sends back what it gets; stands in for a session."""

    is_ready = True
    is_greeting = False

    def __init__(self, socket: Socket, form: Format, token: str) -> None:
        self.socket = socket
        self.form = form
        self.token = token
        self.got: list[bytes] = []
        self.closes = 0
        self.asked: list[int] = []

    def received(self, data: bytes) -> None:
        self.got.append(data)
        self.socket.outbox.push(self.socket.frame(data))

    def closed(self) -> None:
        self.closes += 1

    def ask_to_reconnect(self, after_ms: int) -> None:
        self.asked.append(after_ms)


async def hello(scope: Any, receive: Any, send: Any) -> None:
    """The application beside the WebSocket."""
    if scope["type"] == "lifespan":
        for _ in range(2):
            message = await receive()
            await send({"type": message["type"] + ".complete"})
        return
    body = f"{scope['method']} {scope['path']} {scope['client'][0]}".encode()
    headers = [(b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


class Served:
    """A running server, the sessions it made, and connections to it."""

    def __init__(self, web: WebServer, sessions: list[Any]) -> None:
        self.web = web
        self.sessions = sessions
        self.clients: list[Raw] = []

    @property
    def url(self) -> str:
        host, port = self.web.address
        return f"ws://{host}:{port}/ws"

    async def connect(self) -> Raw:
        """Open a connection and say nothing."""
        client = Raw(*await asyncio.open_connection(*self.web.address))
        self.clients.append(client)
        return client

    async def upgraded(self, **headers: str) -> Raw:
        """Open a WebSocket."""
        client = await self.connect()
        await client.upgrade(**headers)
        return client

    async def text(self) -> Raw:
        """Open a WebSocket whose messages are text."""
        return await self.upgraded(Sec_WebSocket_Protocol="hongyan.json")

    async def binary(self) -> Raw:
        """Open a WebSocket whose messages are binary."""
        return await self.upgraded(Sec_WebSocket_Protocol="hongyan.msgpack")

    async def all_closed(self) -> None:
        """Wait until the server has forgotten every connection, and told each session once."""
        async with asyncio.timeout(5):
            while len(self.web.sockets):  # noqa: ASYNC110
                await asyncio.sleep(0.005)
        assert [session.closes for session in self.sessions] == [1] * len(self.sessions)

    async def stop(self) -> None:
        for client in self.clients:
            await client.close()
        await self.web.stop()


Serve = Callable[..., Awaitable[Served]]


def pytest_asyncio_loop_factories() -> dict[str, Callable[[], asyncio.AbstractEventLoop]]:
    """Run these tests on the loop that the server runs on."""
    return {"uvloop": uvloop.new_event_loop}


@pytest.fixture
async def serve() -> AsyncIterator[Serve]:
    """Starts servers on free ports: ``await serve(max_message_bytes=10)``."""
    running: list[Served] = []

    async def start(
        *, session: type[Echo] = Echo, trusted_proxies: tuple[str, ...] = (), **options: Any
    ) -> Served:
        sessions: list[Echo] = []

        def make(socket: Socket, form: Format, token: str) -> Echo:
            sessions.append(session(socket, form, token))
            return sessions[-1]

        web = WebServer(
            hello,
            None,
            SocketOptions(**options),
            trusted_proxies=trusted_proxies,
            session=make,
        )
        await web.start()
        running.append(Served(web, sessions))
        return running[-1]

    yield start
    for served in running:
        await served.stop()


@pytest.fixture
async def served(serve: Serve) -> Served:
    """A server with the default settings."""
    return await serve()
