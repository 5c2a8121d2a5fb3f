"""One WebSocket: hello, requests matched with answers, pushes, heartbeats both ways."""

import asyncio
import contextlib
from collections.abc import Callable
from typing import Any

from msgspec import Raw
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus, WebSocketException
from websockets.typing import Subprotocol

from .errors import ConnectionLost, ProtocolError, Refused
from .wire import SUBPROTOCOL, VERSION, Push, Request, Response, Welcome, decode, encode, read

MESSAGE_BYTES_MAX = 16 * 1024 * 1024
CALL_TIMEOUT_S = 30.0
SILENCE_S = 30.0
"""After so long without a word the server is asked for one, unless it names another time."""
ANSWER_S = 10.0
"""A server that does not answer in this time is taken for dead."""


class Connection:
    """A connection on which hello was said; see ``open``. It ends once and for all.

    Pushes and the end are reported by callbacks, in the order in which they came; a callback
    must not block.
    """

    def __init__(
        self,
        socket: ClientConnection,
        on_push: Callable[[Push], None],
        on_closed: Callable[[ConnectionLost], None],
    ) -> None:
        self._socket = socket
        self._on_push = on_push
        self._on_closed = on_closed
        self._waiting: dict[int, asyncio.Future[Response]] = {}
        self._last_id = 0
        self._heard_at = 0.0
        self._lost: ConnectionLost | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self.welcome = Welcome(user_id="", device_id="")

    @classmethod
    async def open(
        cls,
        url: str,
        token: str,
        on_push: Callable[[Push], None],
        on_closed: Callable[[ConnectionLost], None],
        client: str = "hongyan-python",
        timeout_s: float = 10.0,
    ) -> "Connection":
        """Connect and say hello.

        Args:
            url: The server's ``http(s)://`` or ``ws(s)://`` address.
            token: An access token.
            on_push: Called with each push that comes after hello, also before this returns.
            on_closed: Called once, with the reason, when an open connection has ended.
            client: What to call ourselves.
            timeout_s: How long connecting and hello may take together.

        Raises:
            ConnectionLost: the server cannot be reached or does not answer in time.
            Refused: hello was refused; ``unauthenticated`` asks for another token.
        """
        try:
            async with asyncio.timeout(timeout_s):
                socket = await connect(
                    websocket_url(url),
                    subprotocols=[Subprotocol(SUBPROTOCOL)],
                    max_size=MESSAGE_BYTES_MAX,
                    ping_interval=None,
                    compression=None,
                    open_timeout=None,
                    close_timeout=2,
                    proxy=None,
                )
                connection = cls(socket, on_push, on_closed)
                await connection._hello(token, client)
                return connection
        except InvalidStatus as error:
            raise ConnectionLost(f"the server answered {error.response.status_code}") from error
        except (OSError, TimeoutError, WebSocketException) as error:
            raise ConnectionLost(str(error) or "no answer in time") from error

    async def call(
        self, method: str, params: dict[str, Any], timeout_s: float = CALL_TIMEOUT_S
    ) -> Raw:
        """Ask and return the result's JSON.

        Raises:
            Refused: the server says no.
            ConnectionLost: the connection broke or no answer came; it may have been done.
        """
        if self._lost is not None:
            raise self._lost
        self._last_id += 1
        request_id = self._last_id
        message = encode(Request(request_id, method, params))
        limit = self.welcome.message_bytes_max
        if len(message.encode()) > limit:  # the server would close the connection
            raise Refused("too_long", "The message is too long.", details={"limit": limit})
        future: asyncio.Future[Response] = asyncio.get_running_loop().create_future()
        self._waiting[request_id] = future
        try:
            async with asyncio.timeout(timeout_s):
                await self._socket.send(message)
                response = await future
        except ConnectionClosed as error:
            raise self._lost or ConnectionLost(str(error)) from error
        except TimeoutError as error:
            raise ConnectionLost(f"no answer to {method} in {timeout_s:g} s") from error
        finally:
            self._waiting.pop(request_id, None)
            if future.done() and not future.cancelled():
                future.exception()
        if response.error is not None:
            wire = response.error
            raise Refused(wire.code, wire.message, wire.retryable, wire.details)
        return response.result

    async def close(self) -> None:
        """Say goodbye and close; what still waits for an answer raises ``ConnectionLost``."""
        await self._socket.close()
        for task in self._tasks:
            if task is not asyncio.current_task():
                with contextlib.suppress(asyncio.CancelledError):
                    await task

    async def _hello(self, token: str, client: str) -> None:
        loop = asyncio.get_running_loop()
        self._heard_at = loop.time()
        self._tasks.append(loop.create_task(self._receive()))
        try:
            params = {"token": token, "protocol": VERSION, "client": client}
            self.welcome = read(await self.call("hello", params), Welcome)
        except BaseException:
            self._on_closed = lambda _: None
            await self.close()
            raise
        self._tasks.append(loop.create_task(self._heartbeat()))

    async def _receive(self) -> None:
        reason = ""
        try:
            async for message in self._socket:
                self._heard_at = asyncio.get_running_loop().time()
                self._take(decode(message))
        except ProtocolError as error:
            reason = str(error)
            await self._socket.close(1002)
        except ConnectionClosed:
            pass
        self._end(reason)

    def _take(self, message: Response | Push) -> None:
        if isinstance(message, Push):
            self._on_push(message)
            return
        future = self._waiting.get(message.id)
        if future is not None and not future.done():
            future.set_result(message)

    def _end(self, reason: str) -> None:
        code = self._socket.close_code or 0
        reason = reason or self._socket.close_reason or "the connection was closed"
        self._lost = ConnectionLost(reason, code)
        for future in self._waiting.values():
            if not future.done():
                future.set_exception(self._lost)
        for task in self._tasks[1:]:
            task.cancel()
        self._on_closed(self._lost)

    async def _heartbeat(self) -> None:
        """Ask for a sign of life when nothing came for a while; cut a dead peer."""
        every_s = self.welcome.heartbeat_s or SILENCE_S
        loop = asyncio.get_running_loop()
        while self._lost is None:
            idle_s = loop.time() - self._heard_at
            if idle_s < every_s:
                await asyncio.sleep(every_s - idle_s)
                continue
            try:
                await self.call("ping", {}, timeout_s=min(every_s, ANSWER_S))
            except Refused:
                continue
            except ConnectionLost:
                if self._lost is None:
                    self._socket.transport.abort()
                return


def websocket_url(url: str) -> str:
    """Return the WebSocket address of the server at this ``http(s)`` or ``ws(s)`` address."""
    scheme, _, rest = url.rstrip("/").partition("://")
    if not rest:
        scheme, rest = "http", scheme
    schemes = {"http": "ws", "https": "wss", "ws": "ws", "wss": "wss"}
    if scheme not in schemes:
        raise ValueError(f"not a server's address: {url}")
    return f"{schemes[scheme]}://{rest.removesuffix('/ws')}/ws"
