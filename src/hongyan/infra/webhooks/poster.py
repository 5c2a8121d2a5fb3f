"""The port Poster over HTTP/1.1, with connections that are kept and used again."""

import asyncio
import ssl
from collections import OrderedDict
from collections.abc import Mapping
from urllib.parse import urlsplit

import httptools

from hongyan.domain.integration.ports import Posted, Unreachable

from .guard import AddressGuard

BODY_MAX = 256 * 1024
READ_BYTES = 64 * 1024
IDLE_MAX = 64
IDLE_S = 30.0
CONNECTIONS_MAX = 256
Origin = tuple[str, str, int]


class _Answer:
    """Collects one response; the callbacks of ``httptools``."""

    def __init__(self) -> None:
        self.body = bytearray()
        self.done = False
        self.has_headers = False
        self.too_large = False

    def on_headers_complete(self) -> None:
        """The status is known."""
        self.has_headers = True

    def on_body(self, body: bytes) -> None:
        """Keep what fits."""
        room = BODY_MAX - len(self.body)
        self.too_large = self.too_large or len(body) > room
        self.body += body[:room]

    def on_message_complete(self) -> None:
        """The response has ended."""
        self.done = True


class _Connection:
    """One connection to one origin."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self.idle_since = 0.0

    def is_usable(self, now: float) -> bool:
        """Return whether another request may go over it.

        What came while nobody asked (such as 408 of a proxy that hangs up) is no answer to
        anything: it would be taken for that of the next request.
        """
        is_fresh = now - self.idle_since < IDLE_S
        return is_fresh and not self._reader.at_eof() and not self._is_unasked()

    def _is_unasked(self) -> bool:
        """Return whether bytes wait to be read."""
        waiting: bytearray = self._reader._buffer  # type: ignore[attr-defined]
        return bool(waiting)

    async def exchange(self, request: bytes) -> tuple[Posted, bool]:
        """Send a request; return the answer and whether the connection may be kept.

        Raises:
            ConnectionError: it ended before the answer did.
            httptools.HttpParserError: the answer is no HTTP.
        """
        self._writer.write(request)
        await self._writer.drain()
        while True:
            answer = _Answer()
            parser = httptools.HttpResponseParser(answer)
            status, keeps = await self._read(answer, parser)
            if status >= 200:
                return Posted(status, bytes(answer.body)), keeps and not answer.too_large

    async def _read(
        self, answer: _Answer, parser: httptools.HttpResponseParser
    ) -> tuple[int, bool]:
        while not answer.done:
            data = await self._reader.read(READ_BYTES)
            if not data:
                if answer.has_headers:  # a body that ends with the connection
                    return parser.get_status_code(), False
                raise ConnectionResetError("the receiver hung up")
            parser.feed_data(data)
            if answer.too_large:
                return parser.get_status_code(), False
        return parser.get_status_code(), parser.should_keep_alive()

    def close(self) -> None:
        """Close at once."""
        self._writer.transport.abort()


class HttpPoster:
    """Posts to receivers.

    A name is resolved for each new connection, and the connection goes to the very address
    that was judged, so that a name cannot mean two things. Redirects are answers like others.

    Args:
        guard: Says which addresses may be called.
        timeout_s: Seconds that one post may take, from resolving to the end of the answer.
        agent: What the server calls itself.
    """

    def __init__(
        self, guard: AddressGuard, timeout_s: float = 15.0, agent: str = "hongyan"
    ) -> None:
        self._guard = guard
        self._timeout_s = timeout_s
        self._agent = agent
        self._idle: OrderedDict[_Connection, Origin] = OrderedDict()
        self._slots = asyncio.Semaphore(CONNECTIONS_MAX)
        self._tls: ssl.SSLContext | None = None

    async def post(self, url: str, headers: Mapping[str, str], body: bytes) -> Posted:
        """See ``Poster.post``."""
        parts = urlsplit(url)
        host = parts.hostname or ""
        port = parts.port or (443 if parts.scheme == "https" else 80)
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        lines = [
            f"POST {target} HTTP/1.1",
            f"host: {parts.netloc}",
            f"user-agent: {self._agent}",
            f"content-length: {len(body)}",
            *(f"{name}: {value}" for name, value in headers.items()),
        ]
        request = "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body
        try:
            async with asyncio.timeout(self._timeout_s), self._slots:
                return await self._post((parts.scheme, host, port), request)
        except TimeoutError as error:
            raise Unreachable(f"no answer within {self._timeout_s:g} seconds") from error
        except (OSError, httptools.HttpParserError, ssl.SSLError) as error:
            raise Unreachable(f"{type(error).__name__}: {error}") from error

    async def _post(self, origin: Origin, request: bytes) -> Posted:
        connection = self._kept(origin)
        if connection is not None:
            try:
                return await self._over(connection, origin, request)
            except (OSError, httptools.HttpParserError):
                pass  # it was closed while it was idle: a receiver must take a repetition
        return await self._over(await self._connect(origin), origin, request)

    async def _over(self, connection: _Connection, origin: Origin, request: bytes) -> Posted:
        keeps = False
        try:
            posted, keeps = await connection.exchange(request)
        finally:
            if keeps:
                self._keep(connection, origin)
            else:
                connection.close()
        return posted

    def _kept(self, origin: Origin) -> _Connection | None:
        now = asyncio.get_running_loop().time()
        for connection, of in list(reversed(self._idle.items())):
            if not connection.is_usable(now):
                del self._idle[connection]
                connection.close()
            elif of == origin:
                del self._idle[connection]
                return connection
        return None

    def _keep(self, connection: _Connection, origin: Origin) -> None:
        connection.idle_since = asyncio.get_running_loop().time()
        self._idle[connection] = origin
        if len(self._idle) > IDLE_MAX:
            oldest, _ = self._idle.popitem(last=False)
            oldest.close()

    async def _connect(self, origin: Origin) -> _Connection:
        scheme, host, port = origin
        failure: OSError | None = None
        for address in await self._guard.resolve(host, port):
            try:
                if scheme == "https":
                    self._tls = self._tls or ssl.create_default_context()
                    streams = await asyncio.open_connection(
                        address, port, ssl=self._tls, server_hostname=host
                    )
                else:
                    streams = await asyncio.open_connection(address, port)
            except OSError as error:
                failure = error
            else:
                return _Connection(*streams)
        raise failure or Unreachable(f"{host} has no address")

    async def close(self) -> None:
        """Close what is kept."""
        for connection in self._idle:
            connection.close()
        self._idle.clear()
