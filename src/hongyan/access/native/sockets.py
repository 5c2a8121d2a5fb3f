"""The WebSocket connections of one server: admitted, watched over, asked to leave."""

import asyncio
import random
import socket as network
from collections import Counter
from collections.abc import Callable, Hashable, Iterator
from http import HTTPStatus
from typing import Generic, TypeVar

from hongyan.delivery.outbox import Flusher, Outbox
from hongyan.wire.native.codec import FORMATS
from hongyan.wire.websocket.frames import CLOSE_RESTART
from hongyan.wire.websocket.handshake import Accepted, Refused

from .framing import Framings
from .options import SocketOptions
from .socket import NativeSocket, SessionFactory

HEARTBEATS = 4
"""In how many steps the silence of one heartbeat interval is measured."""

LINGER_S = 3.0
"""Seconds that a peer has to answer a goodbye."""

T = TypeVar("T", bound=Hashable)


class Deadlines(Generic[T]):
    """Deadlines of one length, in order.

    Args:
        wait_s: How long.
        expired: Called with each that was not discarded in time.
    """

    def __init__(self, wait_s: float, expired: Callable[[T], None]) -> None:
        self._wait_s = wait_s
        self._expired = expired
        self._due: dict[T, float] = {}  # in the order in which they fall due

    def add(self, item: T, now: float) -> None:
        """Start the item's time, afresh if it runs already."""
        self._due.pop(item, None)
        self._due[item] = now + self._wait_s

    def discard(self, item: T) -> None:
        """Stop the item's time."""
        self._due.pop(item, None)

    def __contains__(self, item: T) -> bool:
        return item in self._due

    def sweep(self, now: float) -> None:
        """Call ``expired`` for all whose time is over."""
        late = []
        for item, due in self._due.items():
            if due > now:
                break
            late.append(item)
        for item in late:
            self._due.pop(item, None)
            self._expired(item)


class Sockets:
    """Holds the sockets of a server; its ``advance`` is the only timer they have.

    Args:
        options: The settings.
        session: Makes the session above a socket.
        tick_s: How often ``advance`` is called.
    """

    def __init__(self, options: SocketOptions, session: SessionFactory, tick_s: float) -> None:
        self.options = options
        self._session = session
        self._framings = Framings(options.compression_threshold_bytes)
        self._flusher = Flusher()
        self._by_address: Counter[str] = Counter()
        slices = max(1, round(options.heartbeat_s / HEARTBEATS / tick_s))
        self._slices: list[dict[NativeSocket, None]] = [{} for _ in range(slices)]
        self._slice_of: dict[NativeSocket, int] = {}
        self._next_slice = 0
        self._swept = 0
        self._handshakes = Deadlines[NativeSocket](options.handshake_timeout_s, self._late)
        self._lingering = Deadlines[NativeSocket](LINGER_S, NativeSocket.abort)
        self._empty = asyncio.Event()
        self._empty.set()

    def __len__(self) -> int:
        return len(self._slice_of)

    def __iter__(self) -> Iterator[NativeSocket]:
        return iter(tuple(self._slice_of))

    @property
    def cuts(self) -> int:
        """The number of connections that were cut as they read too slowly."""
        return self._flusher.cuts

    # --- a socket's life ---

    def admit(self, address: str) -> None:
        """Check that one more connection may come from this address.

        Raises:
            Refused: it may not.
        """
        options = self.options
        if options.connections_max and len(self) >= options.connections_max:
            raise Refused(
                HTTPStatus.SERVICE_UNAVAILABLE, "This server is full.", ("Retry-After", "10")
            )
        limit = options.connections_per_address_max
        if limit and self._by_address[address] >= limit:
            raise Refused(
                HTTPStatus.TOO_MANY_REQUESTS, "There are too many connections from your address."
            )

    def open(
        self,
        transport: asyncio.Transport,
        address: str,
        accepted: Accepted,
        token: str,
        received: bytes,
    ) -> None:
        """Give an upgraded connection a socket and a session.

        Args:
            transport: The connection.
            address: The peer's address.
            accepted: What was agreed on.
            token: The access token that came with the upgrade, or empty.
            received: What came behind the upgrade.
        """
        form = FORMATS[accepted.subprotocol]
        framing = self._framings.of(form, accepted.window_bits)
        socket = NativeSocket(self, transport, address, form, framing, bool(accepted.window_bits))
        self._tune(transport)
        session = self._session(socket, form, token)
        self._slice_of[socket] = self._next_slice
        self._slices[self._next_slice][socket] = None
        self._next_slice = (self._next_slice + 1) % len(self._slices)
        self._by_address[address] += 1
        self._handshakes.add(socket, asyncio.get_running_loop().time())
        self._empty.clear()
        socket.start(session, received)

    def outbox(self, transport: asyncio.WriteTransport, overflow: Callable[[], None]) -> Outbox:
        """See ``Owner.outbox``."""
        return Outbox(
            self._flusher,
            transport.write,
            transport.get_write_buffer_size,
            overflow,
            self.options.slow_consumer_bytes,
        )

    def leaving(self, socket: NativeSocket) -> None:
        """See ``Owner.leaving``."""
        self._lingering.add(socket, asyncio.get_running_loop().time())

    def _late(self, socket: NativeSocket) -> None:
        """Close who has not said hello in time; who has, and is not answered yet, may wait."""
        if socket.session.is_greeting:
            self._handshakes.add(socket, asyncio.get_running_loop().time())
        else:
            socket.expect_hello()

    def gone(self, socket: NativeSocket) -> None:
        """See ``Owner.gone``."""
        slice_ = self._slice_of.pop(socket, None)
        if slice_ is None:
            return
        del self._slices[slice_][socket]
        self._by_address[socket.address] -= 1
        if not self._by_address[socket.address]:
            del self._by_address[socket.address]
        self._handshakes.discard(socket)
        self._lingering.discard(socket)
        if not self._slice_of:
            self._empty.set()

    # --- all together ---

    def advance(self, now: float) -> None:
        """Close who is late, and listen to the next slice's hearts."""
        self._handshakes.sweep(now)
        self._lingering.sweep(now)
        if self.options.heartbeat_s:
            self._swept = (self._swept + 1) % len(self._slices)
            for socket in tuple(self._slices[self._swept]):
                socket.heartbeat(HEARTBEATS)

    async def drain(self, deadline_s: float) -> None:
        """Ask all to reconnect, at random times; close with 1012 who stays past the deadline."""
        spread_ms = max(1, int(deadline_s * 1000))
        if deadline_s > 0:
            for socket in self:
                socket.session.ask_to_reconnect(random.randrange(spread_ms))
            await self._wait_empty(deadline_s)
        for socket in self:
            socket.close(CLOSE_RESTART, "the server restarts")
        await self._wait_empty(LINGER_S)
        for socket in self:
            socket.abort()
        await self._wait_empty(LINGER_S)

    async def _wait_empty(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._empty.wait()
        except TimeoutError:
            pass

    def _tune(self, transport: asyncio.Transport) -> None:
        sock = transport.get_extra_info("socket")
        if sock.family not in (network.AF_INET, network.AF_INET6):
            return
        sock.setsockopt(network.IPPROTO_TCP, network.TCP_NODELAY, int(self.options.tcp_nodelay))
        keepalive_s = self.options.tcp_keepalive_s
        sock.setsockopt(network.SOL_SOCKET, network.SO_KEEPALIVE, int(keepalive_s > 0))
        if keepalive_s:
            sock.setsockopt(network.IPPROTO_TCP, network.TCP_KEEPIDLE, keepalive_s)
