"""Downloads: bytes for those who may read them, whole or in part, and never as a page.

RFC 9110 for ranges and conditions, RFC 6266 for names. Every answer forbids guessing its type
and running anything; only pictures, sound, video and PDF that look like nothing else may be
shown in a browser, and only where ``inline=1`` asks for it.
"""

import asyncio
import os
import re
from collections.abc import AsyncIterator
from http import HTTPStatus
from pathlib import Path
from urllib.parse import quote

import msgspec
from msgspec import Struct
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from hongyan.access.admission import Admission
from hongyan.domain.media.commands import GetMedia, Opened, OpenMedia
from hongyan.domain.media.ports import DirectLinks, Downloads
from hongyan.kernel.errors import NotFound

from .commands import Commands

PATH = "/api/v1/media/{media_id}"
PIECE_BYTES = 256 * 1024
Piece = bytes | bytearray
HEADERS = {
    "accept-ranges": "bytes",
    "cache-control": "private, no-cache",
    "content-security-policy": "sandbox; default-src 'none'",
    "x-content-type-options": "nosniff",
    "cross-origin-resource-policy": "same-origin",
    "referrer-policy": "no-referrer",
}
OCTETS = "application/octet-stream"
_RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})")
_UNSAFE = re.compile(r'[^\x20-\x7e]|["\\%]')


class DownloadParameters(Struct, frozen=True):
    """The parameters of a download."""

    variant: str = ""
    conversation_id: str = ""
    seq: int = 0
    inline: bool = False
    ticket: str = ""


class ByteRange(Struct, frozen=True):
    """The range of bytes to send."""

    first: int
    length: int
    is_part: bool = False
    """Whether a part was asked for, be it all there is."""


class Files:
    """Offers media.

    Args:
        admission: Admits requests, and carries commands.
        objects: Where the bytes are.
        links: Sends who may read a file to the bucket; None sends the bytes ourselves.
        is_shared: Whether pages of other origins may show what they hold a ticket for.
    """

    def __init__(
        self,
        admission: Admission,
        objects: Downloads,
        links: DirectLinks | None = None,
        is_shared: bool = False,
    ) -> None:
        self._commands = Commands(admission, 0, 0.0)
        self._objects = objects
        self._links = links
        self._headers = HEADERS
        if is_shared:
            self._headers = HEADERS | {"cross-origin-resource-policy": "cross-origin"}

    def routes(self) -> tuple[Route, ...]:
        """Return the paths."""
        return (Route(PATH, self._get, methods=["GET", "HEAD"]),)

    async def _get(self, request: Request) -> Response:
        media_id = request.path_params["media_id"]
        asked = msgspec.convert(dict(request.query_params), DownloadParameters, strict=False)
        guest = self._commands.guest(request)
        if asked.ticket:
            await guest.redeem(media_id, asked.ticket)
        else:
            await self._commands.admit(guest, request, GetMedia)
        command = msgspec.convert(
            {
                "media_id": media_id,
                "variant": asked.variant,
                "conversation_id": asked.conversation_id,
                "seq": asked.seq,
            },
            OpenMedia,
        )
        opened = await guest.part(command)
        return await self._send(request, opened, asked.inline)

    async def _send(self, request: Request, opened: Opened, inline: bool) -> Response:
        etag = f'"{opened.etag}"'
        shown = inline and opened.is_plain
        headers = self._headers | {
            "etag": etag,
            "content-type": opened.mime if opened.is_plain else OCTETS,
            "content-disposition": disposition(opened.name, shown),
        }
        if _matches(request.headers.get("if-none-match", ""), etag):
            del headers["content-type"], headers["content-disposition"]
            return Response(status_code=HTTPStatus.NOT_MODIFIED, headers=headers)
        if self._links is not None and request.method == "GET":
            return self._elsewhere(self._links, opened, headers)
        size = opened.size_bytes
        if size < 0:
            size = await self._objects.size(opened.object_name)
        wanted = request.headers.get("range", "")
        if request.headers.get("if-range", etag) != etag:
            wanted = ""
        span = byte_range_of(wanted, size)
        if span is None:
            headers |= {"content-range": f"bytes */{size}"}
            del headers["content-type"], headers["content-disposition"]
            return Response(status_code=HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE, headers=headers)
        headers["content-length"] = str(span.length)
        status = HTTPStatus.OK
        if span.is_part:
            status = HTTPStatus.PARTIAL_CONTENT
            last = span.first + span.length - 1
            headers["content-range"] = f"bytes {span.first}-{last}/{size}"
        if request.method == "HEAD":
            return Response(status_code=status, headers=headers)
        path = self._objects.path(opened.object_name)
        if path is not None:
            return FileResponse(path, span, status, headers)
        pieces = self._objects.read(opened.object_name, span.first, span.length)
        return PiecesResponse(pieces, status, headers)

    def _elsewhere(self, links: DirectLinks, opened: Opened, headers: dict[str, str]) -> Response:
        """Send the client to the bucket, which answers as we would, as far as it can."""
        url = links.download(
            opened.object_name, headers["content-type"], headers["content-disposition"]
        )
        response_headers = {
            "location": url,
            "cache-control": "no-store",
            "referrer-policy": "no-referrer",
        }
        return Response(status_code=HTTPStatus.TEMPORARY_REDIRECT, headers=response_headers)


class PiecesResponse(Response):
    """An answer whose body comes in pieces.

    Args:
        pieces: The body.
        status: The status.
        headers: The headers, with the length.
    """

    def __init__(self, pieces: AsyncIterator[Piece], status: int, headers: dict[str, str]) -> None:
        self._pieces = pieces
        self.status_code = status
        self.background = None
        self.body = b""
        self.init_headers(headers)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the answer."""
        await send(
            {
                "type": "http.response.start",
                "status": self.status_code,
                "headers": self.raw_headers,
            }
        )
        async for piece in self._pieces:
            await send({"type": "http.response.body", "body": piece, "more_body": True})
        await send({"type": "http.response.body", "body": b""})


class FileResponse(PiecesResponse):
    """An answer whose body is a stretch of a file.

    Args:
        path: The file.
        span: The stretch.
        status: The status.
        headers: The headers, with the length.
    """

    def __init__(self, path: Path, span: ByteRange, status: int, headers: dict[str, str]) -> None:
        super().__init__(self._read(path, span), status, headers)

    async def _read(self, path: Path, span: ByteRange) -> AsyncIterator[Piece]:
        descriptor = await asyncio.to_thread(_open, path)
        try:
            first, end = span.first, span.first + span.length
            while first < end:
                size = min(PIECE_BYTES, end - first)
                piece: Piece = _at_hand(descriptor, size, first)
                if not piece:
                    piece = await asyncio.to_thread(os.pread, descriptor, size, first)
                if not piece:
                    raise OSError("the object is shorter than its media says")
                first += len(piece)
                yield piece
        finally:
            os.close(descriptor)


def _at_hand(descriptor: int, size: int, first: int) -> bytearray:
    """Return what of a stretch is in memory already, without waiting; empty where nothing is.

    A file that was just sent is in the page cache nearly always: a thread for each piece would
    cost more than the reading.
    """
    buffer = bytearray(size)
    try:
        count = os.preadv(descriptor, (buffer,), first, os.RWF_NOWAIT)
    except OSError:  # EAGAIN: on the disk; EOPNOTSUPP: this file system cannot say
        count = 0
    del buffer[count:]
    return buffer


def _open(path: Path) -> int:
    try:
        return os.open(path, os.O_RDONLY)
    except FileNotFoundError as error:
        raise NotFound from error


def disposition(name: str, shown: bool) -> str:
    """Return the value of Content-Disposition, with the name in both spellings of RFC 6266."""
    kind = "inline" if shown else "attachment"
    if not name:
        return kind
    plain = _UNSAFE.sub("_", name)
    return f"{kind}; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"


def byte_range_of(wanted: str, size: int) -> ByteRange | None:
    """Return the bytes that a Range header wants; all of them where it is none that we know.

    None where there are no such bytes. Several ranges at once are answered with all bytes,
    as RFC 9110, section 14.2 lets us.
    """
    found = _RANGE.fullmatch(wanted)
    if found is None or not (found[1] or found[2]):
        return ByteRange(0, size)
    if not found[1]:
        length = min(int(found[2]), size)
        return ByteRange(size - length, length, True) if length else None
    first = int(found[1])
    last = min(int(found[2]), size - 1) if found[2] else size - 1
    if found[2] and int(found[2]) < first:
        return ByteRange(0, size)
    return ByteRange(first, last - first + 1, True) if first < size else None


def _matches(header: str, etag: str) -> bool:
    tags = [tag.strip().removeprefix("W/") for tag in header.split(",")]
    return etag in tags or tags == ["*"]
