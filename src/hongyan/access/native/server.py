"""One port for HTTP and WebSocket.

uvicorn's protocol reads HTTP and runs the application. An upgrade at ``/ws`` takes the transport
away from it and gives it to a socket of ours. Two of its internals carry this and are held by
a test: ``handle_websocket_upgrade`` is called while the parser's exception is being handled,
and ``_should_upgrade`` decides what is an upgrade.
"""

import asyncio
import sys
from email.utils import formatdate
from functools import partial
from http import HTTPStatus
from typing import Any

import httptools
from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

from hongyan.kernel.tasks import end_tasks
from hongyan.wire.websocket.handshake import Headers, Policy, Refused, accept

from .addresses import TrustedProxies
from .options import SocketOptions
from .session import Session, SessionEnvironment
from .socket import SessionFactory
from .sockets import Deadlines, Sockets

__all__ = ["SocketOptions", "WebServer"]

PATH = "/ws"
HEADERS_BYTES_MAX = 32 * 1024
TICK_S = 1.0
_FALLBACK = "hongyan.json"


class WebServer:
    """Serves an application and the native protocol's WebSocket on one port.

    Args:
        app: The ASGI application for everything that is not at ``/ws``.
        environment: What the sessions share.
        options: The WebSocket's settings.
        host: The address to listen on.
        port: The port; 0 lets the system choose one.
        trusted_proxies: Addresses and CIDR networks whose ``X-Forwarded-For`` is believed.
        session: Makes a connection's session; by default a ``Session`` behind ``environment``.

    Raises:
        ValueError: a trusted proxy is no address or network.
    """

    def __init__(
        self,
        app: Any,
        environment: SessionEnvironment | None,
        options: SocketOptions,
        host: str = "127.0.0.1",
        port: int = 0,
        *,
        trusted_proxies: tuple[str, ...] = (),
        session: SessionFactory | None = None,
    ) -> None:
        if session is None:
            if environment is None:
                raise ValueError("a server needs a door or a session factory")
            session = partial(Session, environment)
        self._host = host
        self._port = port
        self._tick_s = min(
            TICK_S, options.handshake_timeout_s / 4, (options.heartbeat_s or TICK_S * 4) / 4
        )
        self.sockets = Sockets(options, session, self._tick_s)
        self.greetings = Deadlines[_HttpProtocol](
            options.handshake_timeout_s, _HttpProtocol.too_late
        )
        self.proxies = TrustedProxies(trusted_proxies)
        self.policy = Policy(
            options.subprotocols,
            _FALLBACK if _FALLBACK in options.subprotocols else "",
            options.allowed_origins,
            options.compression,
        )
        self.is_draining = False
        self._config = Config(
            _AnswerUpgradePath(app),
            http=partial(_HttpProtocol, self),  # type: ignore[arg-type]
            ws="none",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=bool(trusted_proxies),
            forwarded_allow_ips=list(trusted_proxies),
        )
        self._state = ServerState()
        self._server: asyncio.Server | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._lifespan: Any = None

    async def start(self) -> None:
        """Start the application, and listen.

        Raises:
            OSError: the address cannot be had.
            RuntimeError: the application did not start.
        """
        self._config.load()
        self._lifespan = self._config.lifespan_class(self._config)
        await self._lifespan.startup()
        if self._lifespan.should_exit:
            raise RuntimeError("the application did not start")
        self._tick()
        self._server = await asyncio.get_running_loop().create_server(
            self._protocol, self._host, self._port, backlog=self._config.backlog
        )

    @property
    def address(self) -> tuple[str, int]:
        """The host and port that are listened on."""
        if self._server is None or not self._server.sockets:
            return self._host, self._port
        host, port = self._server.sockets[0].getsockname()[:2]
        return host, port

    async def drain(self, deadline_s: float) -> None:
        """Take no more connections, and let those that are there move away.

        Every device is asked to connect again at a random time within the deadline; who is
        still here then is closed with 1012. HTTP requests under way are finished.

        Args:
            deadline_s: How long they get; 0 closes at once.
        """
        self.is_draining = True
        if self._server is not None:
            self._server.close()
        for connection in tuple(self._state.connections):
            connection.shutdown()
        await self.sockets.drain(deadline_s)
        if self._state.tasks:
            await asyncio.wait(tuple(self._state.tasks), timeout=deadline_s)

    async def stop(self) -> None:
        """Close everything that is still open, and stop the application."""
        await self.drain(0)
        for connection in tuple(self._state.connections):
            connection.transport.abort()
        await end_tasks(self._state.tasks)
        if self._timer is not None:
            self._timer.cancel()
        if self._lifespan is not None:
            await self._lifespan.shutdown()
            self._lifespan = None

    def _protocol(self) -> asyncio.Protocol:
        return _HttpProtocol(self, self._config, self._state, self._lifespan.state)

    def _tick(self) -> None:
        loop = asyncio.get_running_loop()
        self._timer = loop.call_later(self._tick_s, self._tick)
        date = formatdate(usegmt=True).encode()
        self._state.default_headers = [(b"date", date), *self._config.encoded_headers]
        self.greetings.sweep(loop.time())
        self.sockets.advance(loop.time())


class _AnswerUpgradePath:
    """An application that says at ``/ws`` what that path is for, and else is the given one."""

    def __init__(self, app: Any) -> None:
        self._app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http" or scope["path"] != PATH:
            await self._app(scope, receive, send)
            return
        headers = [
            (b"content-type", b"text/plain; charset=utf-8"),
            (b"upgrade", b"websocket"),
            (b"connection", b"upgrade"),
        ]
        status = HTTPStatus.UPGRADE_REQUIRED
        await send({"type": "http.response.start", "status": status, "headers": headers})
        body = b"This is a WebSocket: upgrade.\n"
        await send({"type": "http.response.body", "body": body})


class _HttpProtocol(HttpToolsProtocol):
    """Reads HTTP until there is an upgrade."""

    def __init__(
        self, web: WebServer, config: Config, server_state: ServerState, app_state: dict[str, Any]
    ) -> None:
        super().__init__(config, server_state, app_state)
        self._web = web
        self._last = b""
        self._headers_bytes = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._await_headers()

    def connection_lost(self, exc: Exception | None) -> None:
        self._web.greetings.discard(self)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        self._last = data
        super().data_received(data)
        self._last = b""
        if self in self._web.greetings:
            self._headers_bytes += len(data)
            if self._headers_bytes > HEADERS_BYTES_MAX:
                self._refuse(
                    Refused(
                        HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE,
                        f"The headers may be {HEADERS_BYTES_MAX} bytes long.",
                    )
                )

    def on_message_begin(self) -> None:
        super().on_message_begin()
        if self not in self._web.greetings:
            self._await_headers()

    def on_headers_complete(self) -> None:
        self._web.greetings.discard(self)
        super().on_headers_complete()

    def too_late(self) -> None:
        """The headers have not come in time."""
        self.transport.abort()

    def _should_upgrade(self) -> bool:
        headers = Headers(self.headers)
        wanted = [token.lower() for token in headers.tokens("upgrade")]
        return "websocket" in wanted and any(
            token.lower() == "upgrade" for token in headers.tokens("connection")
        )

    def handle_websocket_upgrade(self) -> None:
        """Hand the connection over, with what came behind the request."""
        error = sys.exception()
        assert isinstance(error, httptools.HttpParserUpgrade)
        behind = self._last[error.args[0] :]
        if self.cycle is not None and not self.cycle.response_complete:
            self.transport.abort()  # there is no way to answer before the request before
            return
        try:
            self._hand_over(behind)
        except Refused as refused:
            self._refuse(refused)
            return
        self.connections.discard(self)
        self._unset_keepalive_if_required()
        self.parser = None  # type: ignore[assignment]  # refers to us, and we to it

    def _hand_over(self, behind: bytes) -> None:
        web = self._web
        if self.url.partition(b"?")[0] != PATH.encode():
            raise Refused(HTTPStatus.NOT_FOUND, f"The WebSocket is at {PATH}.")
        if web.is_draining:
            raise Refused(HTTPStatus.SERVICE_UNAVAILABLE, "This server is stopping.")
        headers = Headers(self.headers)
        http_version = str(self.scope["http_version"])
        accepted = accept(str(self.scope["method"]), http_version, headers, web.policy)
        direct = self.client[0] if self.client else ""
        address = web.proxies.address(direct, headers.all("x-forwarded-for"))
        web.sockets.admit(address)
        self.transport.write(accepted.response)
        web.sockets.open(self.transport, address, accepted, _bearer(headers), behind)

    def _refuse(self, refused: Refused) -> None:
        self.transport.write(refused.response())
        self.transport.close()

    def _await_headers(self) -> None:
        self._headers_bytes = 0
        self._web.greetings.add(self, self.loop.time())


def _bearer(headers: Headers) -> str:
    """Return the token of ``Authorization: Bearer``, or an empty string."""
    scheme, _, token = headers.one("authorization").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""
