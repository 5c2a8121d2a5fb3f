"""A raw client of the native protocol: no SDK, so that both cannot err alike."""

import asyncio
import itertools
import json
from collections.abc import Callable
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import WebSocketException

CALL_S = 10.0


class Gone(Exception):
    """The connection ended before the answer came."""


class Refused(Exception):
    """The server answered with an error."""

    def __init__(self, error: dict[str, Any]) -> None:
        super().__init__(f"{error['code']}: {error['message']}")
        self.code: str = error["code"]
        self.retryable: bool = error["retryable"]


class Client:
    """One connection: requests with answers, and pushes handed to a listener."""

    def __init__(self, socket: ClientConnection, pushed: Callable[[dict[str, Any]], None]) -> None:
        self._socket = socket
        self._pushed = pushed
        self._ids = itertools.count(1)
        self._waiting: dict[int, asyncio.Future[Any]] = {}
        self._reader = asyncio.create_task(self._read())

    @classmethod
    async def open(
        cls, place: str, token: str, pushed: Callable[[dict[str, Any]], None]
    ) -> "Client":
        """Connect to ``HOST:PORT`` and log in.

        Raises:
            Gone: nobody answers.
            Refused: the token is not accepted.
        """
        try:
            socket = await connect(
                f"ws://{place}/ws",
                subprotocols=["hongyan.json"],  # type: ignore[list-item]
                compression=None,
                max_size=None,
                open_timeout=5,
                close_timeout=0.2,
            )
        except (OSError, WebSocketException, TimeoutError, EOFError) as error:
            raise Gone from error
        client = cls(socket, pushed)
        await client.call("hello", token=token)
        return client

    @property
    def is_open(self) -> bool:
        """Whether the connection stands."""
        return not self._reader.done()

    async def call(self, method: str, **params: Any) -> Any:
        """Return the answer.

        Raises:
            Gone: none came; whether the request was carried out is not known.
            Refused: it is an error.
        """
        if not self.is_open:
            raise Gone
        number = next(self._ids)
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        future.add_done_callback(lambda done: done.cancelled() or done.exception())
        self._waiting[number] = future
        request = {"id": number, "method": method, "params": params}
        try:
            await self._socket.send(json.dumps(request))
            return await asyncio.wait_for(future, CALL_S)
        except (WebSocketException, OSError, TimeoutError) as error:
            raise Gone from error
        finally:
            self._waiting.pop(number, None)

    async def close(self) -> None:
        """Hang up."""
        await self._socket.close()
        await self._reader

    def abort(self) -> None:
        """Cut the connection without a goodbye."""
        self._socket.transport.abort()

    async def _read(self) -> None:
        try:
            async for message in self._socket:
                self._take(json.loads(message))
        except (WebSocketException, OSError):
            pass
        finally:
            for future in self._waiting.values():
                if not future.done():
                    future.set_exception(Gone())

    def _take(self, message: dict[str, Any]) -> None:
        if "event" in message:
            self._pushed(message)
            return
        future = self._waiting.get(message["id"])
        if future is None or future.done():
            return
        if "error" in message:
            future.set_exception(Refused(message["error"]))
        else:
            future.set_result(message["result"])
