"""Sync for networks that block WebSocket: Server-Sent Events, and a long poll.

Both are peers of the hub, so they get the same events as a WebSocket. A device has one
connection: the newer one, of whichever kind, replaces the older. What the device asks for in
requests beside it is sent here too, for such a request may break before it has its answer.
"""

import asyncio
from typing import Annotated

import msgspec
from msgspec import Meta, Struct, field
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from hongyan.access.admission import Guest
from hongyan.access.native.mapper import SignalData
from hongyan.delivery.hub import Hub
from hongyan.delivery.ports import Encoder
from hongyan.domain.conversation.commands import Sync, Synced
from hongyan.domain.conversation.commands_archive import GetArchive
from hongyan.domain.log.model import Entry, Signal
from hongyan.kernel.bus import Actor
from hongyan.kernel.clock import Clock
from hongyan.kernel.errors import Invalid, Refusal
from hongyan.kernel.ids import ConversationId
from hongyan.kernel.positions import position_of, token_of

from .commands import Commands, json_response
from .errors import problem
from .limits import set_rate_headers
from .rest import query_of
from .resuming import ResumableStream, StreamProgress, sse_event

QUEUE_BYTES_MAX = 1024 * 1024
HEARTBEAT_S = 15.0
RETRY_MS = 2_000
POLL_MAX_S = 60.0
SIGNALS_MAX = 200
STREAMED = (
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-store"),
    (b"x-accel-buffering", b"no"),
)
_encode = msgspec.json.Encoder().encode


class Ready(Struct, frozen=True):
    """The first event of a stream: events from now on come."""

    user_id: str
    device_id: str
    time_ms: int
    generation: str
    """As in ``conversation.sync``."""


class PollRequest(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """As ``conversation.sync``, and how long to wait for news."""

    user_seq: int = 0
    known: dict[ConversationId, int] = field(default_factory=dict)
    entries_per_conversation: int = 20
    limit: int = 200
    timeout_s: Annotated[float, Meta(ge=0, le=POLL_MAX_S)] = 25.0


class Polled(Struct, frozen=True):
    """The answer of a long poll; ``signals`` came while it waited."""

    synced: Synced
    signals: tuple[SignalData, ...] = ()


def _signal(event: Signal) -> SignalData:
    return SignalData(event.log_id, event.kind, event.sender, msgspec.Raw(event.body))


class EventEncoder:
    """Events as Server-Sent Events, each behind its position: the id is each stream's own."""

    def encode(self, event: Entry | Signal, position: int = 0) -> bytes:
        """See ``Encoder.encode``."""
        encoded = (
            sse_event("entry", event)
            if isinstance(event, Entry)
            else sse_event("signal", _signal(event))
        )
        return token_of(position).encode() + encoded


class PollEncoder:
    """Encodes what wakes a long poll: a signal in JSON, and nothing of an entry."""

    def encode(self, event: Entry | Signal, position: int = 0) -> bytes:
        """See ``Encoder.encode``."""
        return b"" if isinstance(event, Entry) else _encode(_signal(event))


EVENTS, POLLS = EventEncoder(), PollEncoder()


class Listener:
    """A peer whose frames are taken by a request that is being answered.

    Args:
        actor: Who listens.
        encoder: Encodes events.
        limit_bytes: What may wait; more cuts the peer, which then resumes.
    """

    def __init__(self, actor: Actor, encoder: Encoder, limit_bytes: int) -> None:
        self.user_id = actor.user_id
        self.device_id = actor.device_id
        self.connection_id = actor.connection_id
        self.encoder = encoder
        self.ended = ""
        self._limit = limit_bytes
        self._frames: list[bytes] = []
        self._size = 0
        self._woken = asyncio.Event()

    def push(self, frame: bytes) -> None:
        """See ``Peer.push``."""
        if self.ended:
            return
        self._frames.append(frame)
        self._size += len(frame) + 64
        if self._size > self._limit:
            self._frames = []
            self.end("too_slow")
        self._woken.set()

    def kick(self, reason: str) -> None:
        """See ``Peer.kick``."""
        self.end(reason)

    def ask_to_sync(self) -> None:
        """See ``Peer.ask_to_sync``: it comes again, and says where it was."""
        self.end("reconnect")

    def close(self) -> None:
        """See ``Peer.close``."""
        self.end("reconnect")

    def end(self, reason: str) -> None:
        """Let the request end once what waits was taken."""
        self.ended = self.ended or reason
        self._woken.set()

    async def wait(self, seconds: float) -> bool:
        """Return whether something came, or the end, within so many seconds."""
        try:
            await asyncio.wait_for(self._woken.wait(), seconds)
        except TimeoutError:
            return False
        return True

    def take(self) -> list[bytes]:
        """Return what waits."""
        frames, self._frames, self._size = self._frames, [], 0
        self._woken.clear()
        return frames


def end_streams(hub: Hub) -> None:
    """End all streams and polls: the server stops, and they come again."""
    for peer in hub.peers():
        if isinstance(peer, Listener):
            peer.end("reconnect")


class SyncStream:
    """Answers ``GET /api/v1/sync/stream`` and ``POST /api/v1/sync/poll``.

    Args:
        commands: Admits requests.
        clock: The time of day.
        heartbeat_s: How often a quiet stream says that it lives.
    """

    def __init__(
        self,
        commands: Commands,
        clock: Clock,
        heartbeat_s: float = HEARTBEAT_S,
    ) -> None:
        self._commands = commands
        self._clock = clock
        self._heartbeat_s = heartbeat_s

    async def _admit(self, guest: Guest, request: Request) -> Actor:
        await self._commands.admit(guest, request, Sync)
        return guest.connected(asks_here=False)

    # --- Server-Sent Events ---

    async def stream(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer the stream."""
        request = Request(scope, receive)
        guest = self._commands.guest(request)
        try:
            actor = await self._admit(guest, request)
            last = _last_event(request)
            now = await guest.part(GetArchive(limit=0))
        except Refusal as refusal:
            await _respond(problem(refusal), guest, scope, receive, send)
            return
        listener = Listener(actor, EVENTS, QUEUE_BYTES_MAX)
        await send({"type": "http.response.start", "status": 200, "headers": list(STREAMED)})

        async def write(data: bytes, more: bool = True) -> None:
            await send({"type": "http.response.body", "body": data, "more_body": more})

        watch = asyncio.create_task(_hung_up(receive, listener))
        try:
            await guest.attach(listener)
            ready = Ready(actor.user_id, actor.device_id, self._clock.now_ms(), now.generation)
            await write(f"retry: {RETRY_MS}\n\n".encode() + sse_event("ready", ready))
            progress = StreamProgress(now.generation, position_of(now.next))
            await self._write(ResumableStream(guest, progress, write), listener, last)
        finally:
            guest.leave()
            watch.cancel()

    async def _write(
        self, stream: ResumableStream, listener: Listener, last: StreamProgress | None
    ) -> None:
        try:
            await stream.begin(last)
            while not listener.ended:
                if await listener.wait(self._heartbeat_s):
                    await stream.send(listener.take())
                else:
                    await stream.rest()
        except Refusal:  # what was missed cannot be read now
            listener.end("reconnect")
        await stream.end(listener.take(), listener.ended)

    # --- the long poll ---

    async def poll(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer the poll."""
        request = Request(scope, receive)
        guest = self._commands.guest(request)
        try:
            await self._admit(guest, request)
            body = await self._commands.body(request)
            asked = msgspec.json.decode(body or b"{}", type=PollRequest)
            response = json_response(await self._polled(guest, asked, receive))
        except (Refusal, msgspec.DecodeError) as error:
            response = problem(error)
        except (RecursionError, OverflowError):
            response = problem(Invalid("The body is nested too deeply, or a number too large."))
        except ClientDisconnect:
            response = problem(Invalid("The request ended before its body."))
        await _respond(response, guest, scope, receive, send)

    async def _polled(self, guest: Guest, asked: PollRequest, receive: Receive) -> Polled:
        command = Sync(
            user_seq=asked.user_seq,
            known=asked.known,
            entries_per_conversation=asked.entries_per_conversation,
            limit=asked.limit,
        )
        synced = await guest.call(command)
        if not asked.timeout_s or _is_worth_an_answer(synced, asked):
            return Polled(synced)
        loop = asyncio.get_running_loop()
        deadline = loop.time() + asked.timeout_s
        listener = Listener(guest.actor, POLLS, QUEUE_BYTES_MAX)
        signals: list[SignalData] = []
        watch = asyncio.create_task(_hung_up(receive, listener))
        try:
            await guest.attach(listener)
            synced = await guest.call(command)  # what happened before it was attached
            while not _is_worth_an_answer(synced, asked) and not signals and not listener.ended:
                if not await listener.wait(max(0.0, deadline - loop.time())):
                    break
                frames = listener.take()
                encoded = [msgspec.json.decode(one, type=SignalData) for one in frames if one]
                signals += encoded[: SIGNALS_MAX - len(signals)]
                if any(not one for one in frames):
                    synced = await guest.call(command)
        finally:
            guest.leave()
            watch.cancel()
        return Polled(synced, tuple(signals))


def _is_worth_an_answer(synced: Synced, asked: PollRequest) -> bool:
    return bool(
        synced.conversations
        or synced.left
        or synced.user_log_truncated
        or synced.user_seq > asked.user_seq
    )


def _last_event(request: Request) -> StreamProgress | None:
    """Return what ``Last-Event-ID`` (or the query's ``last_event_id``) says; None without one.

    Raises:
        Invalid: it is no id of ours.
    """
    query = dict(query_of(request))
    text = request.headers.get("last-event-id") or query.pop("last_event_id", "")
    if query and set(query) != {"last_event_id"}:
        raise Invalid(f"There is no query parameter {next(iter(query))[:64]!r} here.")
    return StreamProgress.parse(text) if text else None


async def _hung_up(receive: Receive, listener: Listener) -> None:
    """End the listener when its client goes."""
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            listener.end("gone")
            return


async def _respond(
    response: Response, guest: Guest, scope: Scope, receive: Receive, send: Send
) -> None:
    set_rate_headers(guest, response.headers)
    await response(scope, receive, send)
