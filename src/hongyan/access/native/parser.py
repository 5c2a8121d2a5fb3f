"""picows as the parser of a connection's incoming frames, and as nothing else.

picows cuts frames out of the stream and unmasks them in C. Its handshake, its answers and its
way to close are not used: it is given a request made up here, so that it believes the upgrade
done, and a wire of ours in place of the connection. What it writes there is read back as what
it means: a close frame says that the stream broke the protocol.
"""

import asyncio
import logging
from typing import Any, Protocol

import picows.picows as extension
from picows import WSAutoPingStrategy, WSListener

log = logging.getLogger(__name__)

GROWN_BYTES = 32 * 1024
"""A buffer that has held more than this is given back once it is empty."""

_REQUEST = (
    b"GET / HTTP/1.1\r\nConnection: upgrade\r\nUpgrade: websocket\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
)
_BUFFER_BYTES_MIN = 2048
_CLOSE_BYTE = 0x88


class Breakable(Protocol):
    """A listener for a stream that cannot be read any further."""

    def broke(self, code: int, reason: str) -> None:
        """Fail the connection with this close code."""
        ...


def frame_parser(
    listener: WSListener, breakable: Breakable, read_buffer_bytes: int, frame_bytes_max: int
) -> Any:
    """Return a protocol for a transport that calls the listener's ``on_ws_frame``.

    Args:
        listener: Also called by ``on_ws_disconnected`` that the transport has closed.
        breakable: Called for a stream that breaks the protocol; frames read before it may still
            reach the listener afterwards, in the same tick.
        read_buffer_bytes: The buffer's first size.
        frame_bytes_max: The longest payload; a longer one breaks with 1009.
    """
    parser = extension.WSProtocol(  # type: ignore[attr-defined]
        None,  # host and port, path: a client's
        None,
        False,
        lambda _: listener,
        _LOGGER,
        True,  # an exception of the listener's breaks with 1011
        None,  # no timer for the handshake
        False,  # no pings
        0,
        0,
        WSAutoPingStrategy.PING_WHEN_IDLE,
        False,  # no pongs
        frame_bytes_max,
        None,
        max(read_buffer_bytes, _BUFFER_BYTES_MIN),
    )
    wire = _Wire(breakable)
    parser.connection_made(wire)
    parser.get_buffer(len(_REQUEST))[: len(_REQUEST)] = _REQUEST
    parser.buffer_updated(len(_REQUEST))
    wire.is_open = True
    return parser


def feed(transport: asyncio.BaseTransport, data: bytes) -> None:
    """Hand bytes to the transport's parser as if they were just read."""
    view = memoryview(data)
    while view:
        parser = transport.get_protocol()  # it may be another one after each step
        if not isinstance(parser, asyncio.BufferedProtocol):
            return
        buffer = memoryview(parser.get_buffer(len(view)))
        size = min(len(buffer), len(view))
        buffer[:size] = view[:size]
        parser.buffer_updated(size)
        view = view[size:]


class _Wire:
    """A stand-in for the parser's transport."""

    __slots__ = ("_breakable", "is_open")

    def __init__(self, breakable: Breakable) -> None:
        self._breakable = breakable
        self.is_open = False

    def write(self, data: bytes) -> None:
        """Take the 101 response, which goes nowhere, or a close frame."""
        if self.is_open and data[0] == _CLOSE_BYTE:
            self._breakable.broke(int.from_bytes(data[2:4], "big"), data[4:].decode())

    def get_write_buffer_size(self) -> int:
        """Keep the parser from writing to the socket past us, as it does when this is 0."""
        return 1

    def get_extra_info(self, name: str) -> Any:
        """Return what the parser looks at when it starts."""
        return _SOCKET if name == "socket" else None

    def close(self) -> None:
        """Do nothing: the connection closes in its own way."""

    abort = close


class _Socket:
    """A stand-in for the parser's socket."""

    def fileno(self) -> int:
        return -1

    def setsockopt(self, *_: Any) -> None:
        pass

    def getsockopt(self, *_: Any) -> int:
        return 0


class _Logger:
    """Keeps a peer's faults out of the log, and ours in it."""

    def isEnabledFor(self, _: int) -> bool:  # noqa: N802
        return False

    def exception(self, message: str, *values: Any) -> None:
        log.exception(message, *values)

    def _nothing(self, *_: Any) -> None:
        pass

    log = debug = info = warning = error = _nothing


_SOCKET = _Socket()
_LOGGER = _Logger()
