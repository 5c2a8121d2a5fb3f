"""Uploads that survive breaks: tus 1.0 (https://tus.io/protocols/resumable-upload).

The core protocol and the extensions creation, creation-with-upload, expiration, checksum and
termination. An offset that was answered is durable: the bytes are synced, then the offset is
committed, then the answer goes out. The answer that completes a file carries its id in the
header ``Upload-Media-Id``; ``HEAD`` repeats it until the upload expires.
"""

import base64
from collections.abc import Awaitable, Callable, Mapping
from email.utils import formatdate
from http import HTTPStatus
from typing import Any, Final

from msgspec import Struct
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from hongyan.access.admission import Admission, Guest
from hongyan.domain.media.commands import (
    CancelUpload,
    ClaimMedia,
    CreateUpload,
    FinishUpload,
    GetUpload,
    UploadInfo,
)
from hongyan.domain.media.ports import Staging
from hongyan.kernel.errors import Conflict, Invalid, LimitReached, Refusal

from .chunks import (
    CHECKSUMS,
    Checksum,
    Chunk,
    ChunkTooLong,
    ChunkTooSlow,
    ChunkWriter,
    Interrupted,
    UploadLocked,
    WrongChecksum,
)
from .commands import Commands
from .errors import problem

PATH = "/api/v1/uploads"
VERSION = "1.0.0"
EXTENSIONS = "creation,creation-with-upload,expiration,checksum,termination"
CHUNK_TYPE = "application/offset+octet-stream"
METADATA_MAX = 8192
TUS_HEADERS = (
    "Location",
    "Tus-Resumable",
    "Tus-Version",
    "Tus-Extension",
    "Tus-Max-Size",
    "Tus-Checksum-Algorithm",
    "Upload-Offset",
    "Upload-Length",
    "Upload-Expires",
    "Upload-Media-Id",
)
"""Headers of an answer that a page of another origin may read."""
TUS_REQUEST_HEADERS = (
    "Tus-Resumable",
    "Upload-Length",
    "Upload-Offset",
    "Upload-Metadata",
    "Upload-Checksum",
    "X-HTTP-Method-Override",
)
"""Headers that a page of another origin may send."""


class WrongTusVersion(Invalid):
    """The request speaks another version of tus."""

    code = "wrong_tus_version"
    message = "Send the header Tus-Resumable: 1.0.0."


class WrongChunkType(Invalid):
    """A chunk has another content type."""

    code = "wrong_chunk_type"
    message = "Send chunks as application/offset+octet-stream."


class WrongOffset(Conflict):
    """The chunk does not begin where the upload ends; ``details["offset"]`` says where."""

    code = "wrong_offset"
    message = "The upload is not there; ask where it is by HEAD."


STATUSES: Final[dict[type[Refusal], int]] = {
    WrongTusVersion: HTTPStatus.PRECONDITION_FAILED,
    WrongChunkType: HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
    ChunkTooLong: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    UploadLocked: HTTPStatus.LOCKED,
    ChunkTooSlow: HTTPStatus.REQUEST_TIMEOUT,
    WrongChecksum: 460,
}
"""Statuses that tus names; the other refusals have those of every request."""


class TusOptions(Struct, frozen=True, kw_only=True):
    """Options of uploads."""

    file_bytes_max: int = 2 * 1024**3
    """The largest file."""
    public_url: str = ""
    """The URL that people reach the server at; empty takes what each request was sent to."""
    idle_s: float = 30.0
    """Seconds without a byte after which a request is given up."""


class Tus:
    """Takes uploads.

    Args:
        admission: Admits requests, and carries commands.
        staging: Takes the bytes.
        options: The settings.
    """

    def __init__(self, admission: Admission, staging: Staging, options: TusOptions) -> None:
        self._commands = Commands(admission, 0, 0.0)
        self._staging = staging
        self._options = options
        self._writers: dict[str, ChunkWriter] = {}

    def routes(self) -> tuple[Route, ...]:
        """Return the paths."""
        return (
            Route(PATH, self._collection, methods=["OPTIONS", "POST"]),
            Route(
                PATH + "/{upload_id}",
                self._upload,
                methods=["OPTIONS", "HEAD", "PATCH", "DELETE", "POST"],
            ),
        )

    async def _collection(self, request: Request) -> Response:
        return await self._answer(request, {"OPTIONS": self._offer, "POST": self._create})

    async def _upload(self, request: Request) -> Response:
        handlers = {
            "OPTIONS": self._offer,
            "HEAD": self._head,
            "PATCH": self._append,
            "DELETE": self._cancel,
        }
        return await self._answer(request, handlers)

    async def _answer(
        self, request: Request, handlers: Mapping[str, Callable[[Request], Awaitable[Response]]]
    ) -> Response:
        """Answer a request, with what tus wants on every answer."""
        method = request.headers.get("x-http-method-override", request.method)
        try:
            if method != "OPTIONS" and request.headers.get("tus-resumable") != VERSION:
                raise WrongTusVersion
            if method not in handlers:
                raise Invalid("This path does not take this method.")
            response = await handlers[method](request)
        except Refusal as error:
            response = problem(error, STATUSES.get(type(error), 0))
            if isinstance(error, WrongTusVersion):
                response.headers["tus-version"] = VERSION
        response.headers["tus-resumable"] = VERSION
        response.headers.setdefault("cache-control", "no-store")
        return response

    async def _admit(self, request: Request) -> Guest:
        """Return who sends, admitted for uploading."""
        guest = self._commands.guest(request)
        await self._commands.admit(guest, request, ClaimMedia)
        return guest

    async def _offer(self, _request: Request) -> Response:
        headers = {
            "tus-version": VERSION,
            "tus-extension": EXTENSIONS,
            "tus-max-size": str(self._options.file_bytes_max),
            "tus-checksum-algorithm": ",".join(CHECKSUMS),
        }
        return Response(status_code=HTTPStatus.NO_CONTENT, headers=headers)

    async def _create(self, request: Request) -> Response:
        guest = await self._admit(request)
        length = _number(request, "upload-length")
        metadata = _metadata(request.headers.get("upload-metadata", ""))
        name = metadata.get("filename") or metadata.get("name", "")
        upload = await guest.part(CreateUpload(length_bytes=length, name=name))
        if request.headers.get("content-type", "").lower() == CHUNK_TYPE:
            upload = await self._write(request, guest, upload.upload_id, 0)
        elif not length:
            upload = await self._finish(guest, upload)
        server = self._options.public_url or f"{request.url.scheme}://{request.url.netloc}"
        location = f"{server.rstrip('/')}{PATH}/{upload.upload_id}"
        headers = _progress(upload) | {"location": location}
        return Response(status_code=HTTPStatus.CREATED, headers=headers)

    async def _head(self, request: Request) -> Response:
        guest = await self._admit(request)
        upload_id = request.path_params["upload_id"]
        upload = await guest.part(GetUpload(upload_id=upload_id))
        if upload_id in self._writers:
            await self._writers[upload_id].leave()
            upload = await guest.part(GetUpload(upload_id=upload_id))
        if upload.offset_bytes == upload.length_bytes:
            upload = await self._finish(guest, upload)
        headers = _progress(upload) | {"upload-length": str(upload.length_bytes)}
        return Response(status_code=HTTPStatus.OK, headers=headers)

    async def _append(self, request: Request) -> Response:
        guest = await self._admit(request)
        if request.headers.get("content-type", "").lower() != CHUNK_TYPE:
            raise WrongChunkType
        offset = _number(request, "upload-offset")
        upload = await self._write(request, guest, request.path_params["upload_id"], offset)
        return Response(status_code=HTTPStatus.NO_CONTENT, headers=_progress(upload))

    async def _cancel(self, request: Request) -> Response:
        guest = await self._admit(request)
        upload_id = request.path_params["upload_id"]
        await guest.part(GetUpload(upload_id=upload_id))
        if upload_id in self._writers:
            await self._writers[upload_id].leave()
        await guest.part(CancelUpload(upload_id=upload_id))
        return Response(status_code=HTTPStatus.NO_CONTENT)

    async def _write(
        self, request: Request, guest: Guest, upload_id: str, offset: int
    ) -> UploadInfo:
        """Take a chunk that begins at ``offset``, and return how far the upload is."""
        if upload_id in self._writers:
            raise UploadLocked
        writer = self._writers[upload_id] = ChunkWriter()
        try:
            upload = await guest.part(GetUpload(upload_id=upload_id))
            if offset != upload.offset_bytes:
                raise WrongOffset(offset=upload.offset_bytes)
            if not upload.media_id:
                upload = await self._take(request, guest, upload, writer)
            if upload.offset_bytes == upload.length_bytes:
                upload = await self._finish(guest, upload)
            return upload
        finally:
            del self._writers[upload_id]
            writer.done.set()

    async def _take(
        self, request: Request, guest: Guest, upload: UploadInfo, writer: ChunkWriter
    ) -> UploadInfo:
        header = request.headers.get("upload-checksum", "")
        checksum = Checksum(header) if header else None
        room = upload.length_bytes - upload.offset_bytes
        if int(request.headers.get("content-length", 0)) > room:
            raise ChunkTooLong(limit=room)
        part = await self._staging.open(upload.upload_id, upload.offset_bytes)
        chunk = Chunk(guest, upload.upload_id, part, checksum, room)
        try:
            return await self._receive(request, chunk, writer)
        finally:
            await part.close()

    async def _receive(self, request: Request, chunk: Chunk, writer: ChunkWriter) -> UploadInfo:
        """Receive a chunk's bytes; what came of one that breaks off is kept."""
        more = True
        try:
            while more:
                data, more = await writer.receive(request, self._options.idle_s)
                await chunk.add(data)
        except Interrupted as error:
            await chunk.break_off()
            raise ChunkTooSlow from error
        except Refusal:
            await chunk.refuse()
            raise
        return await chunk.complete()

    async def _finish(self, guest: Guest, upload: UploadInfo) -> UploadInfo:
        if upload.media_id:
            return upload
        return await guest.part(FinishUpload(upload_id=upload.upload_id))


def _progress(upload: UploadInfo) -> dict[str, str]:
    headers = {
        "upload-offset": str(upload.offset_bytes),
        "upload-expires": formatdate(upload.expires_at_ms / 1000, usegmt=True),
    }
    if upload.media_id:
        headers["upload-media-id"] = upload.media_id
    return headers


def _number(request: Request, name: str) -> int:
    text = request.headers.get(name, "")
    if not (text.isascii() and text.isdigit()) or len(text) > 15:
        raise Invalid(f"The header {name} is a number.")
    return int(text)


def _metadata(header: str) -> dict[str, str]:
    """Return what Upload-Metadata holds: keys, and values in Base64."""
    if len(header) > METADATA_MAX:
        raise LimitReached("Upload-Metadata is too long.", limit=METADATA_MAX)
    found: dict[str, Any] = {}
    for pair in header.split(","):
        key, _, encoded = pair.strip().partition(" ")
        try:
            found[key] = base64.b64decode(encoded, validate=True).decode()
        except ValueError as error:
            raise Invalid("Upload-Metadata holds values in Base64.") from error
    return found
