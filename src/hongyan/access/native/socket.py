"""One WebSocket connection, between the transport and the session.

Life of a socket: *open*; *closing*, when we have said goodbye and wait for the peer's; *ended*,
when nothing more is read and the connection only has to go away.
"""

import asyncio
from collections.abc import Callable
from typing import Protocol

from picows import WSFrame, WSListener, WSTransport

from hongyan.delivery.outbox import Outbox
from hongyan.wire.native.codec import Format
from hongyan.wire.websocket.frames import (
    BINARY,
    CLOSE,
    CLOSE_UNSUPPORTED,
    PING,
    PONG,
    TEXT,
    close_frame,
    frame,
)
from hongyan.wire.websocket.messages import Assembler, Violation, close_code

from .framing import Framing
from .options import SocketOptions
from .parser import GROWN_BYTES, feed, frame_parser
from .session import CLOSE_DEAD, CLOSE_NO_HELLO, CLOSE_SLOW, Socket

OPEN, CLOSING, ENDED = range(3)


class SessionLike(Protocol):
    """A socket's port to the session above it."""

    is_greeting: bool
    """Whether hello was said and waits to be answered."""

    @property
    def is_ready(self) -> bool:
        """Whether hello was said and accepted."""
        ...

    def received(self, data: bytes) -> None:
        """Take one whole message."""
        ...

    def closed(self) -> None:
        """The connection is gone, or soon will be."""
        ...

    def ask_to_reconnect(self, after_ms: int) -> None:
        """Ask the client to connect again after so long."""
        ...


SessionFactory = Callable[[Socket, Format, str], SessionLike]


class Owner(Protocol):
    """The owner of a server's sockets."""

    options: SocketOptions

    def outbox(self, transport: asyncio.WriteTransport, overflow: Callable[[], None]) -> Outbox:
        """Return an outbox that writes to this transport."""
        ...

    def leaving(self, socket: "NativeSocket") -> None:
        """Abort a socket that has said goodbye if it lingers."""
        ...

    def gone(self, socket: "NativeSocket") -> None:
        """Forget a socket whose connection has closed."""
        ...


class NativeSocket(WSListener):
    """Implements ``Socket`` over a transport; ``on_ws_*`` are called by its parser.

    Args:
        owner: The server's sockets.
        transport: The connection, upgraded.
        address: The peer's address.
        form: The negotiated format.
        framing: How messages are framed here.
        compressed: Whether the peer may compress.
    """

    __slots__ = (
        "_assembler",
        "_grown",
        "_has_ended",
        "_held",
        "_kind",
        "_owner",
        "_reading",
        "_session",
        "_state",
        "_transport",
        "address",
        "encoder",
        "frame",
        "idle",
        "outbox",
    )

    def __init__(
        self,
        owner: Owner,
        transport: asyncio.Transport,
        address: str,
        form: Format,
        framing: Framing,
        compressed: bool,
    ) -> None:
        options = owner.options
        self._owner = owner
        self._transport = transport
        self._kind = BINARY if form.binary else TEXT
        self._assembler = Assembler(options.max_message_bytes, options.max_fragments, compressed)
        self._held: list[bytes] | None = None
        self._state = OPEN
        self._grown = False
        self._reading = True
        self._has_ended = False
        self._session: SessionLike
        self.address = address
        self.frame = framing.frame
        self.encoder = framing.encoder
        self.outbox = owner.outbox(transport, self._too_slow)
        self.idle = 0

    def start(self, session: SessionLike, received: bytes) -> None:
        """Begin to read for this session, first the bytes that came behind the upgrade."""
        self._session = session
        self._renew_parser()
        feed(self._transport, received)

    def __hash__(self) -> int:
        return id(self)

    # --- from the session ---

    def close(self, code: int, reason: str) -> None:
        """Flush, say goodbye and close when the peer has answered, or has not in time."""
        if self._state != OPEN:
            return
        self._say_goodbye(close_frame(code, reason))
        self._state = CLOSING
        self._held = None
        self._read(True)

    def pause(self) -> None:
        """Read no more until ``resume``; what was read already waits here."""
        if self._state == OPEN and self._held is None:
            self._held = []
            self._read(False)

    def resume(self) -> None:
        """Read again."""
        held, self._held = self._held, None
        while held and self._state == OPEN:
            self._session.received(held.pop(0))
            if self._held is not None:  # paused again
                self._held = held
                return
        self._read(True)

    # --- from the parser ---

    def on_ws_frame(self, _: WSTransport, frame: WSFrame) -> None:
        """Take a frame."""
        self.idle = 0
        if self._state == ENDED:
            return
        rsv = (frame.rsv1 << 2) | (frame.rsv2 << 1) | frame.rsv3
        payload = frame.get_payload_as_bytes()
        try:
            whole = self._assembler.feed(int(frame.msg_type), bool(frame.fin), rsv, payload)  # type: ignore[call-overload]
        except Violation as violation:
            self._fail(violation.code, violation.reason)
            return
        if self._grown or len(payload) + frame.tail_size > GROWN_BYTES:
            self._grown = not (frame.last_in_buffer and not frame.tail_size)
            if not self._grown:
                self._renew_parser()
        if whole is None:
            return
        opcode, payload = whole
        if opcode != self._kind or self._state != OPEN:
            self._other(opcode, payload)
        elif self._held is None:
            self._session.received(payload)
        else:
            self._held.append(payload)

    def on_ws_disconnected(self, _: WSTransport) -> None:
        """The connection has closed."""
        self.gone()

    def broke(self, code: int, reason: str) -> None:
        """The stream cannot be read any further; frames before the break still come."""
        if self._state != ENDED:
            self._read(False)
            asyncio.get_running_loop().call_soon(self._fail, code, reason)

    def pause_writing(self) -> None:
        """Do nothing: the outbox bounds what waits."""

    def resume_writing(self) -> None:
        """Do nothing."""

    # --- from the server ---

    @property
    def session(self) -> SessionLike:
        """The session above."""
        return self._session

    def heartbeat(self, heartbeats_per_interval: int) -> None:
        """Count an interval of silence; ping after one interval of them, cut after two."""
        if self._state != OPEN or self._held is not None:  # a paused peer may well be talking
            return
        self.idle += 1
        if self.idle >= 2 * heartbeats_per_interval:
            self.close(CLOSE_DEAD, "no sign of life")
        elif self.idle == heartbeats_per_interval:
            self.outbox.push(frame(PING, b""))

    def expect_hello(self) -> None:
        """Close unless hello was said by now."""
        if not self._session.is_ready:
            self.close(CLOSE_NO_HELLO, "say hello in time")

    def abort(self) -> None:
        """Drop the connection."""
        self._transport.abort()

    def gone(self) -> None:
        """The connection has closed."""
        self._state = ENDED
        self.outbox.close()
        self._held = None
        self._end_session()
        self._owner.gone(self)

    # --- inside ---

    def _renew_parser(self) -> None:
        options = self._owner.options
        parser = frame_parser(self, self, options.read_buffer_bytes, options.max_frame_bytes)
        self._transport.set_protocol(parser)

    def _other(self, opcode: int, payload: bytes) -> None:
        """Take a control frame, a message of the wrong kind, or anything while closing."""
        if opcode == CLOSE:
            if self._state == OPEN:
                code = close_code(payload)
                self._say_goodbye(close_frame(code))
            self._state = ENDED
            self._transport.close()
        elif self._state != OPEN or opcode == PONG:
            return
        elif opcode == PING:
            self.outbox.push(frame(PONG, payload))
        else:
            wanted = "text" if self._kind == TEXT else "binary"
            self._fail(CLOSE_UNSUPPORTED, f"this subprotocol's messages are {wanted}")

    def _fail(self, code: int, reason: str) -> None:
        """Fail the connection (RFC 6455, section 7.1.7): say why, read nothing any more.

        What the peer still sends is thrown away until it closes: closing at once would reset
        the connection, and the peer might never read why.
        """
        if self._state == ENDED:
            return
        if self._state == OPEN:
            self._say_goodbye(close_frame(code, reason))
        self._state = ENDED
        if self._transport.is_closing():
            return
        self._transport.set_protocol(_Draining(self))
        self._read(True)
        self._transport.write_eof()

    def _read(self, on: bool) -> None:
        if self._reading == on or self._transport.is_closing():
            return
        self._reading = on
        if on:
            self._transport.resume_reading()
        else:
            self._transport.pause_reading()

    def _say_goodbye(self, goodbye: bytes) -> None:
        self.outbox.flush()
        self.outbox.close()
        if not self._transport.is_closing():
            self._transport.write(goodbye)
        self._owner.leaving(self)
        # not at once: the hub may be walking over its peers
        asyncio.get_running_loop().call_soon(self._end_session)

    def _end_session(self) -> None:
        if not self._has_ended:
            self._has_ended = True
            self._session.closed()

    def _too_slow(self) -> None:
        self.close(CLOSE_SLOW, "slow consumer")


class _Draining(asyncio.Protocol):
    """Throws away what a failed peer still sends."""

    def __init__(self, socket: NativeSocket) -> None:
        self._socket = socket

    def connection_lost(self, _: Exception | None) -> None:
        self._socket.gone()
