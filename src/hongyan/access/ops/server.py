"""A few pages for probes and Prometheus, over plain HTTP/1.1, one request a connection.

A port of its own cannot be reached by the clients' proxy by accident, and processes that have
no clients can have it too. It reads the request's first line and passes over the rest.
"""

import asyncio
import hmac
import logging
from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus

from msgspec import Struct

log = logging.getLogger(__name__)

HEAD_BYTES_MAX = 16 * 1024
TIMEOUT_S = 5.0
TEXT = "text/plain; charset=utf-8"


class OpsResponse(Struct, frozen=True):
    """An answer."""

    body: bytes
    type: str = TEXT
    status: int = HTTPStatus.OK


Pages = Mapping[str, Callable[[], Awaitable[OpsResponse]]]
"""By path."""


class OpsServer:
    """Answers GET and HEAD.

    Args:
        pages: What there is.
        token: Asked of everybody, as ``Authorization: Bearer``; empty for nobody.
        open_to_all: Paths that show nothing secret, and need no token.
    """

    def __init__(self, pages: Pages, token: str = "", open_to_all: frozenset[str] = frozenset()):
        self._pages = pages
        self._token = token
        self._open_to_all = open_to_all
        self._server: asyncio.Server | None = None

    async def open(self, host: str, port: int) -> None:
        """Listen.

        Raises:
            OSError: the address cannot be had.
        """
        self._server = await asyncio.start_server(
            self._serve, host, port, limit=HEAD_BYTES_MAX, backlog=16
        )

    @property
    def address(self) -> tuple[str, int]:
        """The address it listens on."""
        assert self._server is not None
        host, port = self._server.sockets[0].getsockname()[:2]
        return host, port

    async def close(self) -> None:
        """Listen no more."""
        if self._server is not None:
            self._server.close()
            self._server = None

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(TIMEOUT_S):
                head = await reader.readuntil(b"\r\n\r\n")
                method, page = await self._answer(head)
                writer.write(_rendered(method, page))
                await writer.drain()
        except (asyncio.IncompleteReadError, asyncio.LimitOverrunError, TimeoutError, OSError):
            pass
        finally:
            writer.close()

    async def _answer(self, head: bytes) -> tuple[str, OpsResponse]:
        first, _, rest = head.decode("latin-1").partition("\r\n")
        words = first.split(" ")
        if len(words) != 3 or not words[2].startswith("HTTP/1."):
            return "GET", _status_page(HTTPStatus.BAD_REQUEST)
        method, path = words[0], words[1].partition("?")[0]
        page = self._pages.get(path)
        if page is None:
            return method, _status_page(HTTPStatus.NOT_FOUND)
        if method not in ("GET", "HEAD"):
            return method, _status_page(HTTPStatus.METHOD_NOT_ALLOWED)
        if path not in self._open_to_all and not self._knows_token(rest):
            return method, _status_page(HTTPStatus.UNAUTHORIZED)
        try:
            return method, await page()
        except Exception:
            log.exception("%s cannot be answered", path)
            return method, _status_page(HTTPStatus.INTERNAL_SERVER_ERROR)

    def _knows_token(self, headers: str) -> bool:
        if not self._token:
            return True
        for line in headers.split("\r\n"):
            name, _, value = line.partition(":")
            if name.lower() == "authorization":
                token = value.strip().removeprefix("Bearer ").encode("latin-1")
                return hmac.compare_digest(token, self._token.encode())
        return False


def _status_page(status: HTTPStatus) -> OpsResponse:
    return OpsResponse(f"{status.phrase}\n".encode(), status=status)


def _rendered(method: str, page: OpsResponse) -> bytes:
    head = (
        f"HTTP/1.1 {page.status} {HTTPStatus(page.status).phrase}\r\n"
        f"content-type: {page.type}\r\ncontent-length: {len(page.body)}\r\n"
        "cache-control: no-store\r\nx-content-type-options: nosniff\r\nconnection: close\r\n\r\n"
    )
    return head.encode() + (b"" if method == "HEAD" else page.body)
