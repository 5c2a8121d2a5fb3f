"""The port Staging on a local folder: one file for each upload, written behind its end."""

import asyncio
import hashlib
import os
from collections import OrderedDict
from pathlib import Path
from typing import Protocol

from hongyan.domain.media.ports import HEAD_BYTES, TAIL_BYTES, Sealed
from hongyan.kernel.errors import NotFound

from .objects import STAGING, full

READ_BYTES = 1024 * 1024
DIGESTS_KEPT = 1_000


class _Hash(Protocol):
    def update(self, data: bytes | bytearray, /) -> None: ...

    def copy(self) -> "_Hash": ...

    def hexdigest(self) -> str: ...


class _Digest:
    """The hash of a file's first ``offset`` bytes."""

    __slots__ = ("hash", "offset")

    def __init__(self, hash_: _Hash, offset: int) -> None:
        self.hash = hash_
        self.offset = offset


class FolderStaging:
    """Uploads under way below ``staging/`` of one folder.

    Args:
        folder: Made where it is missing.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder.absolute() / STAGING
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._digests: OrderedDict[str, _Digest] = OrderedDict()

    async def open(self, upload_id: str, offset: int) -> "FilePart":
        """See ``Staging.open``."""
        path = self._folder / upload_id
        descriptor = await asyncio.to_thread(_opened, path, offset)
        digest = self._digests.pop(upload_id, None)
        if offset == 0:
            digest = _Digest(hashlib.sha256(), 0)
        elif digest is not None and digest.offset != offset:
            digest = None
        return FilePart(self, upload_id, descriptor, offset, digest)

    def remember(self, upload_id: str, digest: _Digest) -> None:
        """Keep what is known of a file's hash until more of it comes."""
        self._digests[upload_id] = digest
        if len(self._digests) > DIGESTS_KEPT:
            self._digests.popitem(last=False)

    async def seal(self, upload_id: str, length_bytes: int) -> Sealed:
        """See ``Staging.seal``: the file itself, on which nobody writes once all is there."""
        path = self._folder / upload_id
        known = self._digests.get(upload_id)
        try:
            size = path.stat().st_size
            if size != length_bytes:
                raise NotFound
            if known is not None and known.offset == size:
                return Sealed(upload_id, known.hash.hexdigest())
            return Sealed(upload_id, await asyncio.to_thread(_hashed, path))
        except FileNotFoundError as error:
            raise NotFound from error

    async def ends(self, sealed: Sealed) -> tuple[bytes, bytes]:
        """See ``Staging.ends``."""
        try:
            return await asyncio.to_thread(_ends, self._folder / sealed.key)
        except FileNotFoundError as error:
            raise NotFound from error

    async def remove(self, upload_id: str) -> None:
        """See ``Staging.remove``."""
        self._digests.pop(upload_id, None)
        await asyncio.to_thread((self._folder / upload_id).unlink, True)


class FilePart:
    """The port Part on a file. One block is written while the next one comes.

    Args:
        staging: Keeps the hash until the next part.
        upload_id: Which upload.
        descriptor: The open file.
        offset: Where the part begins.
        digest: The hash of what is before it, where it is known.
    """

    def __init__(
        self,
        staging: FolderStaging,
        upload_id: str,
        descriptor: int,
        offset: int,
        digest: _Digest | None,
    ) -> None:
        self._staging = staging
        self._upload_id = upload_id
        self._descriptor = descriptor
        self._durable = offset
        self._offset = offset
        self._digest = digest
        self._kept = None if digest is None else digest.hash.copy()
        self._writing: asyncio.Future[None] | None = None

    async def write(self, data: bytes | bytearray) -> None:
        """See ``Part.write``."""
        await self._written()
        offset, self._offset = self._offset, self._offset + len(data)
        loop = asyncio.get_running_loop()
        self._writing = loop.run_in_executor(None, self._write, data, offset)

    async def sync(self) -> int:
        """See ``Part.sync``."""
        await self._written()
        try:
            await asyncio.to_thread(os.fdatasync, self._descriptor)
        except OSError as error:
            raise full(error) from error
        self._durable = self._offset
        if self._digest is not None:
            self._kept = self._digest.hash.copy()
        return self._durable

    async def rollback(self) -> None:
        """See ``Part.rollback``."""
        try:
            await self._written()
        finally:
            await asyncio.to_thread(os.ftruncate, self._descriptor, self._durable)
            self._offset = self._durable
            if self._kept is not None:
                self._digest = _Digest(self._kept.copy(), self._durable)

    async def close(self) -> None:
        """See ``Part.close``."""
        try:
            await self._written()
        finally:
            os.close(self._descriptor)
            if self._digest is not None and self._durable == self._offset:
                self._digest.offset = self._durable
                self._staging.remember(self._upload_id, self._digest)

    async def _written(self) -> None:
        writing, self._writing = self._writing, None
        if writing is None:
            return
        try:
            await asyncio.shield(writing)
        except OSError as error:
            raise full(error) from error
        except asyncio.CancelledError:
            await asyncio.wait([writing])
            raise

    def _write(self, data: bytes | bytearray, offset: int) -> None:
        view = memoryview(data)
        while view:
            count = os.pwrite(self._descriptor, view, offset)
            view, offset = view[count:], offset + count
        if self._digest is not None:
            self._digest.hash.update(data)


def _opened(path: Path, offset: int) -> int:
    """Open a file for writing behind exactly ``offset`` bytes."""
    is_new = offset == 0
    try:
        descriptor = os.open(path, os.O_RDWR | (os.O_CREAT if is_new else 0), 0o600)
    except FileNotFoundError as error:
        raise NotFound from error
    except OSError as error:
        raise full(error) from error
    if os.fstat(descriptor).st_size < offset:
        os.close(descriptor)
        raise NotFound
    os.ftruncate(descriptor, offset)
    if is_new:
        folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    return descriptor


def _ends(path: Path) -> tuple[bytes, bytes]:
    with path.open("rb") as file:
        head = file.read(HEAD_BYTES)
        size = file.seek(0, os.SEEK_END)
        file.seek(max(0, size - TAIL_BYTES))
        return head, file.read(TAIL_BYTES)


def _hashed(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(READ_BYTES):
            digest.update(block)
    return digest.hexdigest()
