"""One connection's conversation in the native protocol: hello, requests, pushes.

The socket below hands whole messages up and takes whole frames down; the session knows
nothing of framing. Requests run concurrently and are answered as they finish; sends to one
conversation take effect in the order in which they came.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import Callable, Coroutine, Mapping
from functools import partial
from time import perf_counter
from typing import Any, Protocol

from msgspec import Struct, field, structs

from hongyan.access.eager import Eager
from hongyan.access.generation import LogGeneration
from hongyan.access.keys import identify
from hongyan.access.line import Line
from hongyan.access.rates import Bucket, Buckets
from hongyan.delivery.hub import Hub
from hongyan.delivery.outbox import Outbox
from hongyan.delivery.ports import Encoder
from hongyan.domain.integration.scopes import check_scope
from hongyan.kernel.bus import Access, Actor, Caller, Command
from hongyan.kernel.clock import Clock
from hongyan.kernel.errors import (
    Conflict,
    Forbidden,
    Internal,
    RateLimited,
    Refusal,
    Unauthenticated,
    Unavailable,
    UnknownMethod,
)
from hongyan.kernel.ids import ConnectionId, DeviceId, UserId, new_connection_id
from hongyan.kernel.meters import Durations, Meters
from hongyan.kernel.tracing import TRACE, Answered, Tracer, ending
from hongyan.wire.native.codec import Failure, Format, Malformed, Push, Request, Result
from hongyan.wire.native.errors import wire_error

from .following import follow, unfollow
from .hello import VERSION, Hello, Pong, Welcome

log = logging.getLogger(__name__)

CLOSE_SERVICE_RESTART = 1012
CLOSE_UNAUTHENTICATED = 4001
CLOSE_NO_HELLO = 4002
CLOSE_KICKED = 4003
CLOSE_SLOW = 4004
CLOSE_MALFORMED = 4005
CLOSE_FLOODING = 4006
CLOSE_DEAD = 4007
"""Close codes of our own; ``protocol/README.md`` says what a client does on each."""


REFUSED_MAX = 1_000
"""So many requests refused as too many, one after the other, and the connection is cut."""


class Socket(Protocol):
    """The WebSocket below a session."""

    @property
    def outbox(self) -> Outbox:
        """Where framed messages go."""
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
        """Encodes facts into frames; one object for all sockets that frame alike."""
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


class Door(Struct):
    """What all sessions of a server share."""

    caller: Caller
    hub: Hub
    clock: Clock
    commands: Mapping[str, type[Command[Any]]]
    user_rates: Buckets
    generation: LogGeneration
    connection_per_s: float = 100.0
    connection_burst: float = 200.0
    in_flight_max: int = 64
    heartbeat_s: float = 30.0
    message_bytes_max: int = 1024 * 1024
    server: str = "hongyan"
    relay: Caller | None = None
    """Carries the commands that are only handed on; None takes ``caller``. Its answers may be
    ``msgspec.Raw`` JSON."""
    hellos: Line | None = None
    """Where hellos wait for their turn; None lets all in at once."""
    awaits_only_futures: bool = False
    """Whether no command that ``relay`` carries needs a task."""
    tracer: Tracer | None = None
    """Follows some requests; None follows none."""
    meters: Meters = field(default_factory=Meters)
    """How long requests took, by method."""
    refusals: Counter[str] = field(default_factory=Counter)
    """How many requests were refused, by code."""
    tasks: set[asyncio.Task[None]] = field(default_factory=set)
    """The requests that are being answered, kept from the garbage collector."""


class Session:
    """Answers one connection's requests; is the ``Peer`` that the hub knows.

    Args:
        door: What all sessions share.
        socket: The connection.
        form: The negotiated format.
        token: An access token that came with the upgrade, or empty.
    """

    __slots__ = (
        "_bucket",
        "_command",
        "_door",
        "_form",
        "_gone",
        "_in_flight",
        "_method",
        "_paused",
        "_refused",
        "_socket",
        "_token",
        "_user_bucket",
        "actor",
        "connection_id",
        "device_id",
        "encoder",
        "is_greeting",
        "push",
        "user_id",
    )

    def __init__(self, door: Door, socket: Socket, form: Format, token: str = "") -> None:
        self._door = door
        self._socket = socket
        self._form = form
        self._token = token
        self._bucket = Bucket(door.connection_per_s, door.connection_burst)
        self._user_bucket: Bucket | None = None
        self._in_flight = 0
        self._paused = False
        self._refused = 0
        self._gone = False
        self.is_greeting = False
        """Whether hello was said and waits to be answered."""
        self._method = ""
        self._command: type[Command[Any]]
        """What was asked last, and may be asked on this connection."""
        self.actor = Actor(UserId(""), DeviceId(""), address=socket.address)
        self.user_id = UserId("")
        self.device_id = DeviceId("")
        self.connection_id = ConnectionId("")
        self.encoder = socket.encoder
        self.push = socket.outbox.push

    @property
    def is_ready(self) -> bool:
        """Whether hello was said and accepted."""
        return bool(self.user_id)

    # --- from the socket ---

    def received(self, data: bytes) -> None:
        """Take one whole message."""
        try:
            request = self._form.request(data)
        except Malformed as error:
            self._socket.close(CLOSE_MALFORMED, str(error)[:100])
            return
        wait_s = self._bucket.take() or (self._user_bucket.take() if self._user_bucket else 0.0)
        if wait_s:
            self._refuse(request.id, wait_s)
            return
        self._refused = 0
        began = perf_counter()
        span = None if self._door.tracer is None else follow(self, self._door.tracer, request)
        try:
            work, eager = self._work(request)
        except Exception as error:
            self._fail(request.id, error)
            unfollow(span, error)
            return
        took = self._door.meters[request.method]
        answered: Answered = partial(self._answered, request.id, took, began)
        if span is not None:
            answered = ending(span, answered)
        self._in_flight += 1
        if self._in_flight >= self._door.in_flight_max and not self._paused:
            self._paused = True
            self._socket.pause()
        if eager:
            Eager(work, answered)
        else:
            task = asyncio.get_running_loop().create_task(_run(work, answered))
            self._door.tasks.add(task)
            task.add_done_callback(self._door.tasks.discard)
        if span is not None:
            TRACE.set("")

    def closed(self) -> None:
        """The connection is gone. What was asked is still carried out, but not answered."""
        self._gone = True
        if self.is_ready:
            self._door.hub.detach(self)

    # --- from the hub and the server ---

    def kick(self, reason: str) -> None:
        """See ``Peer.kick``."""
        self._send(Push("kicked", {"reason": reason}))
        self._socket.close(CLOSE_KICKED, reason)

    def ask_to_sync(self) -> None:
        """See ``Peer.ask_to_sync``."""
        self._send(Push("sync", {}))

    def ask_to_reconnect(self, after_ms: int) -> None:
        """Tell the client to connect again after so long; the server closes soon."""
        self._send(Push("reconnect", {"after_ms": after_ms}))

    # --- inside ---

    def _work(self, request: Request) -> tuple[Coroutine[Any, Any, Any], bool]:
        """Return what answers this request and whether it needs no task.

        Raises:
            Refusal, msgspec.ValidationError: the request is refused.
        """
        if request.method != self._method:
            if request.method == "ping":
                return self._ping(), True
            if request.method == "hello":
                return self._hello(self._form.params(request, Hello)), False
            self._command = self._allowed(request.method)
            self._method = request.method
        command, door = self._command, self._door
        params = self._form.params(request, command)
        work = (door.relay or door.caller).call(self.actor, params)
        return work, door.awaits_only_futures or command.AWAITS_ONLY_FUTURES

    def _allowed(self, method: str) -> type[Command[Any]]:
        """Return the command of this name, if it may be asked here.

        Raises:
            Refusal: it may not.
        """
        command = self._door.commands.get(method)
        if command is None or command.ACCESS == Access.INTERNAL:
            raise UnknownMethod(method=method)
        if command.ACCESS != Access.ANYONE and not self.user_id:
            raise Unauthenticated("Say hello first.")
        check_scope(self.actor, command)
        if command.ACCESS == Access.ADMIN and not self.actor.admin:
            raise Forbidden
        return command

    def _answered(
        self, request_id: int, took: Durations, began: float, result: Any, error: Exception | None
    ) -> None:
        took.note(perf_counter() - began)
        if error is not None:
            self._fail(request_id, error)
        else:
            self._send(Result(request_id, result))
        self._in_flight -= 1
        if self._paused and self._in_flight * 2 <= self._door.in_flight_max:
            self._paused = False
            self._socket.resume()

    def _refuse(self, request_id: int, wait_s: float) -> None:
        """Say how long to wait; cut who does not listen."""
        self._fail(request_id, RateLimited(retry_after_ms=int(wait_s * 1000) + 1))
        self._refused += 1
        if self._refused >= REFUSED_MAX:
            self._socket.close(CLOSE_FLOODING, "too many requests")

    def _fail(self, request_id: int, error: Exception) -> None:
        wire = wire_error(error)
        self._door.refusals[wire.code] += 1
        if wire.code == Internal.code and not isinstance(error, Refusal):
            ids = {"user": self.user_id, "device": self.device_id, "request": request_id}
            ids["connection"] = self.connection_id
            log.error("a request failed", exc_info=error, extra=ids)
        self._send(Failure(request_id, wire))

    def _send(self, message: Result | Failure | Push) -> None:
        self.push(self._socket.frame(self._form.encode(message)))

    async def _ping(self) -> Pong:
        return Pong(self._door.clock.now_ms())

    async def _hello(self, hello: Hello) -> Welcome:
        if self._door.hellos is None:
            return await self._greet(hello)
        self.is_greeting = True
        try:
            async with self._door.hellos.turn():
                if self._gone:  # while it waited
                    raise Unavailable
                return await self._greet(hello)
        finally:
            self.is_greeting = False

    async def _greet(self, hello: Hello) -> Welcome:
        if self.is_ready:
            raise Conflict("Hello was said already.")
        if hello.protocol != VERSION:
            raise Conflict("This server speaks another version.", supported=[VERSION])
        door = self._door
        try:
            token = hello.token or self._token
            actor = await identify(door.caller, token, self._socket.address)
        except Unauthenticated as refusal:
            asyncio.get_running_loop().call_soon(
                self._socket.close, CLOSE_UNAUTHENTICATED, refusal.text
            )
            raise
        if not actor.device_id:
            raise Forbidden("An app server's key has no connection; use REST and webhooks.")
        self.connection_id = new_connection_id()
        self.actor = structs.replace(actor, connection_id=self.connection_id)
        self.user_id, self.device_id = actor.user_id, actor.device_id
        self._user_bucket = door.user_rates.of(actor.user_id)
        generation = await door.generation.current()
        now_ms = door.clock.now_ms()  # whatever is sent from now on is pushed to this device
        await door.hub.attach(self)
        if self._gone:
            door.hub.detach(self)
        return Welcome(
            user_id=actor.user_id,
            device_id=actor.device_id,
            protocol=VERSION,
            server=door.server,
            time_ms=now_ms,
            heartbeat_s=door.heartbeat_s,
            message_bytes_max=door.message_bytes_max,
            in_flight_max=door.in_flight_max,
            generation=generation,
        )


async def _run(
    work: Coroutine[Any, Any, Any], answered: Callable[[Any, Exception | None], None]
) -> None:
    try:
        result = await work
    except Exception as error:
        answered(None, error)
    else:
        answered(result, None)
