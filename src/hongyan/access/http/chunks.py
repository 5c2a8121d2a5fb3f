"""One chunk of an upload, from the request to the disk."""

import asyncio
import base64
import hashlib

from starlette.requests import Request

from hongyan.access.admission import Guest
from hongyan.domain.media.commands import AdvanceUpload, UploadInfo
from hongyan.domain.media.ports import UploadPart
from hongyan.kernel.errors import Conflict, Invalid, LimitReached, Unavailable

CHECKSUMS = ("sha1", "sha256")
BLOCK_BYTES = 1024 * 1024
CHECKPOINT_BYTES = 32 * 1024 * 1024
"""After so many bytes of one request the offset is made durable."""
HANDOVER_S = 5.0
"""Seconds that a client that came back waits for its own former request to let go."""


class WrongChecksum(Invalid):
    """The chunk is not what its checksum says; nothing of it was kept."""

    code = "wrong_checksum"
    message = "The bytes arrived damaged; send them again."


class ChunkTooLong(LimitReached):
    """There are more bytes than the announced length."""

    code = "chunk_too_long"
    message = "This is more than was announced."


class UploadLocked(Conflict):
    """Another request is writing to this upload."""

    code = "upload_locked"
    message = "Another request is sending this file; wait a moment."
    retryable = True


class ChunkTooSlow(Unavailable):
    """The chunk's bytes ceased to come; what came is kept."""

    code = "chunk_too_slow"
    message = "The bytes ceased to come; go on where the upload is."


class Checksum:
    """The checksum that a chunk declares.

    Args:
        header: The header ``Upload-Checksum``.

    Raises:
        Invalid: it is malformed, or of an algorithm that we do not know.
    """

    def __init__(self, header: str) -> None:
        algorithm, _, encoded = header.partition(" ")
        if algorithm not in CHECKSUMS:
            raise Invalid("Upload-Checksum names sha1 or sha256.")
        try:
            self._wanted = base64.b64decode(encoded, validate=True)
        except ValueError as error:
            raise Invalid("Upload-Checksum holds a digest in Base64.") from error
        self._digest = hashlib.new(algorithm)

    async def update(self, block: bytearray) -> None:
        """Take some of the chunk's bytes."""
        await asyncio.to_thread(self._digest.update, block)

    def check(self) -> None:
        """Judge the whole chunk.

        Raises:
            WrongChecksum: it is not what it says.
        """
        if self._digest.digest() != self._wanted:
            raise WrongChecksum


class Interrupted(Exception):
    """A chunk ended before its time."""


class ChunkWriter:
    """The one request that writes to an upload."""

    def __init__(self) -> None:
        self.done = asyncio.Event()
        self._waiting: asyncio.Timeout | None = None
        self._is_unwanted = False

    async def receive(self, request: Request, idle_s: float) -> tuple[bytes, bool]:
        """Return the next bytes of the body, and whether there are more.

        Raises:
            Interrupted: the connection broke, was silent for too long, or is unwanted.
        """
        if self._is_unwanted:
            raise Interrupted
        try:
            async with asyncio.timeout(idle_s) as self._waiting:
                message = await request.receive()
        except TimeoutError as error:
            raise Interrupted from error
        finally:
            self._waiting = None
        if message["type"] != "http.request":
            raise Interrupted
        return message.get("body", b""), message.get("more_body", False)

    async def leave(self) -> None:
        """Let the request end, and wait for that a little."""
        self._is_unwanted = True
        if self._waiting is not None and not self._waiting.expired():
            self._waiting.reschedule(0)
        try:
            async with asyncio.timeout(HANDOVER_S):
                await self.done.wait()
        except TimeoutError as error:
            raise UploadLocked from error


class Chunk:
    """The bytes of one request, on their way to the disk.

    Args:
        guest: Who sends.
        upload_id: Which upload.
        part: Where the bytes go.
        checksum: What the chunk says of itself, if it does.
        room: The bytes it may have.
    """

    def __init__(
        self,
        guest: Guest,
        upload_id: str,
        part: UploadPart,
        checksum: Checksum | None,
        room: int,
    ) -> None:
        self._guest = guest
        self._upload_id = upload_id
        self._part = part
        self._checksum = checksum
        self._space = room
        self._block = bytearray()
        self._unsynced = 0

    async def add(self, data: bytes) -> None:
        """Take some bytes.

        Raises:
            ChunkTooLong: they are more than was announced.
            StorageFull: the disk is full.
        """
        self._space -= len(data)
        if self._space < 0:
            raise ChunkTooLong
        self._block += data
        if len(self._block) >= BLOCK_BYTES:
            await self._flush()
            if self._unsynced >= CHECKPOINT_BYTES and self._checksum is None:
                await self._commit()

    async def _flush(self) -> None:
        block, self._block = self._block, bytearray()
        if self._checksum is not None:
            await self._checksum.update(block)
        self._unsynced += len(block)
        await self._part.write(block)

    async def _commit(self) -> UploadInfo:
        """Make what came durable, then its offset."""
        offset = await self._part.sync()
        self._unsynced = 0
        advance = AdvanceUpload(upload_id=self._upload_id, offset_bytes=offset)
        return await self._guest.part(advance)

    async def complete(self) -> UploadInfo:
        """All bytes came: keep them if they are what they should be.

        Raises:
            WrongChecksum: they are not; none is kept.
        """
        await self._flush()
        if self._checksum is not None:
            try:
                self._checksum.check()
            except WrongChecksum:
                await self.refuse()
                raise
        return await self._commit()

    async def break_off(self) -> None:
        """No more bytes come: keep those that came, unless they cannot be checked now."""
        if self._checksum is not None:
            await self.refuse()
            return
        await self._flush()
        await self._commit()

    async def refuse(self) -> None:
        """Keep nothing that is not durable yet."""
        self._block = bytearray()
        await self._part.rollback()
