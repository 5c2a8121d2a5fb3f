"""One connection's conversation in the native protocol: hello, requests, pushes.

The socket below hands whole messages up and takes whole frames down; the session knows
nothing of framing. Requests run concurrently and are answered as they finish; sends to one
conversation take effect in the order in which they came.
"""

import asyncio
import logging
from collections.abc import Callable, Coroutine
from typing import Any, Protocol

from msgspec import Struct

from hongyan.access.admission import Admission
from hongyan.delivery.outbox import Outbox
from hongyan.delivery.ports import Encoder
from hongyan.kernel.errors import Conflict, Internal, Refusal, Unauthenticated
from hongyan.kernel.ids import ConnectionId, DeviceId, UserId
from hongyan.wire.native.codec import Failure, Format, Malformed, Push, Request, Result
from hongyan.wire.native.errors import wire_error

from .hello import VERSION, Hello, Pong, Welcome

log = logging.getLogger(__name__)

CLOSE_DEFECT = 1011
CLOSE_UNAUTHENTICATED = 4001
CLOSE_NO_HELLO = 4002
CLOSE_KICKED = 4003
CLOSE_SLOW = 4004
CLOSE_MALFORMED = 4005
CLOSE_FLOODING = 4006
CLOSE_DEAD = 4007
"""Close codes of our own; ``protocol/README.md`` says what a client does on each."""


class Socket(Protocol):
    """The WebSocket below a session."""

    @property
    def outbox(self) -> Outbox:
        """The outbox of framed messages."""
        ...

    @property
    def address(self) -> str:
        """The peer's network address."""
        ...

    @property
    def frame(self) -> Callable[[bytes], bytes]:
        """Turns one message of the session's format into the bytes of its frame."""
        ...

    @property
    def encoder(self) -> Encoder:
        """Encodes events into frames; one object for all sockets that frame alike."""
        ...

    def close(self, code: int, reason: str) -> None:
        """Flush, say goodbye and close."""
        ...

    def pause(self) -> None:
        """Read no more until ``resume``."""
        ...

    def resume(self) -> None:
        """Read again."""
        ...


class SessionEnvironment(Struct):
    """The environment that all sessions of a server share."""

    admission: Admission
    heartbeat_s: float = 30.0
    message_bytes_max: int = 1024 * 1024
    server: str = "hongyan"


class Session:
    """Answers one connection's requests; is the ``Peer`` that the hub knows.

    Args:
        environment: What all sessions share.
        socket: The connection.
        form: The negotiated format.
        token: An access token that came with the upgrade, or empty.
    """

    __slots__ = (
        "_environment",
        "_form",
        "_guest",
        "_socket",
        "_token",
        "connection_id",
        "device_id",
        "encoder",
        "is_greeting",
        "push",
        "read",
        "user_id",
    )

    def __init__(
        self, environment: SessionEnvironment, socket: Socket, form: Format, token: str = ""
    ) -> None:
        self._environment = environment
        self._socket = socket
        self._form = form
        self._token = token
        self._guest = environment.admission.connect(socket.address, self)
        self.is_greeting = False
        """Whether hello was said and waits to be answered."""
        self.user_id = UserId("")
        self.device_id = DeviceId("")
        self.connection_id = ConnectionId("")
        self.encoder = socket.encoder
        self.push = socket.outbox.push
        self.read = form.params
        """See ``Speaker.read``."""

    @property
    def is_ready(self) -> bool:
        """Whether hello was said and accepted."""
        return bool(self.user_id)

    # --- from the socket ---

    def received(self, data: bytes) -> None:
        """Take one whole message. Its parameters stay bytes until it is admitted."""
        try:
            request = self._form.request(data)
        except Malformed as error:
            self._socket.close(CLOSE_MALFORMED, str(error)[:100])
            return
        self._guest.ask(request.method, request)

    def closed(self) -> None:
        """The connection is gone. What was asked is still carried out, but not answered."""
        self._guest.leave()

    # --- from admission: see ``Speaker`` ---

    def own(self, method: str, request: Request) -> tuple[Coroutine[Any, Any, Any], bool] | None:
        """See ``Speaker.own``."""
        if method == "ping":
            return self._ping(), True
        if method == "hello":
            return self._hello(self._form.params(request, Hello)), False
        return None

    def answer(self, request: Request, result: Any, error: Exception | None) -> None:
        """See ``Speaker.answer``."""
        if error is None:
            self.push(self._socket.frame(self._form.encode(Result(request.id, result))))
            return
        wire = wire_error(error)
        if wire.code == Internal.code and not isinstance(error, Refusal):
            ids = {"user": self.user_id, "device": self.device_id, "request": request.id}
            ids["connection"] = self.connection_id
            log.error("a request failed", exc_info=error, extra=ids)
        self._send(Failure(request.id, wire))

    def window(self, is_open: bool) -> None:
        """See ``Speaker.window``."""
        if is_open:
            self._socket.resume()
        else:
            self._socket.pause()

    def flooded(self) -> None:
        """See ``Speaker.flooded``."""
        self._socket.close(CLOSE_FLOODING, "too many requests")

    # --- from the hub and the server ---

    def kick(self, reason: str) -> None:
        """See ``Peer.kick``."""
        self._send(Push("kicked", {"reason": reason}))
        self._socket.close(CLOSE_KICKED, reason)

    def ask_to_sync(self) -> None:
        """See ``Peer.ask_to_sync``."""
        self._send(Push("sync", {}))

    def close(self) -> None:
        """See ``Peer.close``."""
        self._socket.close(CLOSE_DEFECT, "events cannot be encoded here")

    def ask_to_reconnect(self, after_ms: int) -> None:
        """Ask the client to connect again after so long; the server closes soon."""
        self._send(Push("reconnect", {"after_ms": after_ms}))

    # --- inside ---

    def _send(self, message: Failure | Push) -> None:
        self.push(self._socket.frame(self._form.encode(message)))

    async def _ping(self) -> Pong:
        return Pong(self._environment.admission.clock.now_ms())

    async def _hello(self, hello: Hello) -> Welcome:
        self.is_greeting = True
        try:
            async with self._guest.turn():
                return await self._greet(hello)
        finally:
            self.is_greeting = False

    async def _greet(self, hello: Hello) -> Welcome:
        if self.is_ready:
            raise Conflict("Hello was said already.")
        if hello.protocol != VERSION:
            raise Conflict("This server speaks another version.", supported=[VERSION])
        environment, guest = self._environment, self._guest
        try:
            await guest.identify(hello.token or self._token)
        except Unauthenticated as refusal:
            asyncio.get_running_loop().call_soon(
                self._socket.close, CLOSE_UNAUTHENTICATED, refusal.text
            )
            raise
        actor = guest.connected(asks_here=True)
        self.connection_id = actor.connection_id
        self.user_id, self.device_id = actor.user_id, actor.device_id
        generation = await environment.admission.generation.current()
        now_ms = environment.admission.clock.now_ms()  # from now on all is pushed to this device
        await guest.attach(self)
        return Welcome(
            user_id=actor.user_id,
            device_id=actor.device_id,
            protocol=VERSION,
            server=environment.server,
            time_ms=now_ms,
            heartbeat_s=environment.heartbeat_s,
            message_bytes_max=environment.message_bytes_max,
            in_flight_max=environment.admission.in_flight_max,
            generation=generation,
        )
