"""The port Staging on a bucket: an upload is a row of parts, so any gateway may go on with it.

Below ``staging/UPLOAD/`` each durable stretch of bytes is an object ``part-FIRST-END-STAMP``. A
part is never changed and, while the upload lives, never deleted: two gateways that write at the
same time, because a client came back before its former request had ended, cannot take from each
other what was reported as durable. Which parts make the file is found by ``chain``. The one that
reads them, ``seal``, writes them together as an object that no client can reach.
"""

import asyncio
import hashlib
import tempfile
import time
from collections.abc import AsyncIterator, Iterable, Mapping
from pathlib import Path
from typing import IO

import obstore
from msgspec import Struct
from obstore.store import S3Store

from hongyan.domain.media.ports import HEAD_BYTES, TAIL_BYTES, Sealed
from hongyan.kernel.errors import NotFound
from hongyan.kernel.ids import new_token_id

from . import bucket
from .objects import STAGING, full

PART, WHOLE = "part", "whole"


class PartName(Struct, frozen=True, order=True):
    """The parsed name of a part. The newest of those that begin together comes last."""

    first: int
    stamp: str
    end: int

    @property
    def name(self) -> str:
        """The object's name below its upload."""
        return f"{PART}-{self.first}-{self.end}-{self.stamp}"


def stamp() -> str:
    """Return a new stamp; later ones sort behind, as far as the machines' clocks agree."""
    return f"{time.time_ns() // 1_000_000:014d}{new_token_id()[:8]}"


def parts_of(found: Mapping[str, int]) -> list[PartName]:
    """Return the parts among the objects of an upload: those with as many bytes as they say."""
    parts = []
    for name, size in found.items():
        kind, *words = name.split("-", 3)
        if kind == PART and len(words) == 3:
            part = PartName(int(words[0]), words[2], int(words[1]))
            if part.end - part.first == size:
                parts.append(part)
    return parts


def chain(parts: Iterable[PartName], length: int) -> list[PartName]:
    """Return parts that follow each other from 0 to exactly ``length``, newer ones first.

    Raises:
        NotFound: there are no such parts.
    """
    starting: dict[int, list[PartName]] = {}
    for part in sorted(parts):
        if part.end <= length and part.first < part.end:
            starting.setdefault(part.first, []).append(part)
    found: list[PartName] = []
    at = 0
    while at != length:
        if starting.get(at):
            found.append(starting[at].pop())
            at = found[-1].end
        elif found:
            at = found.pop().first
        else:
            raise NotFound
    return found


class S3Staging:
    """Uploads under way below ``staging/`` of a bucket.

    Args:
        store: The bucket.
        spool: A folder of this machine for the bytes of requests under way.
    """

    def __init__(self, store: S3Store, spool: Path) -> None:
        spool.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._store = store
        self._spool = spool

    async def open(self, upload_id: str, offset: int) -> "S3Part":
        """See ``Staging.open``."""
        if offset:
            parts = await self.parts(upload_id)
            try:
                chain(parts, offset)
            except NotFound:
                await self._cut(upload_id, parts, offset)
        file = tempfile.TemporaryFile(dir=self._spool)  # noqa: SIM115  # the part closes it
        return S3Part(self._store, f"{STAGING}/{upload_id}", offset, file)

    async def seal(self, upload_id: str, length_bytes: int) -> Sealed:
        """See ``Staging.seal``."""
        parts = chain(await self.parts(upload_id), length_bytes) if length_bytes else []
        digest = hashlib.sha256()
        key = f"{STAGING}/{upload_id}/{WHOLE}-{new_token_id()}"

        async def pieces() -> AsyncIterator[bytes]:
            for part in parts:
                name, size = f"{STAGING}/{upload_id}/{part.name}", part.end - part.first
                async for piece in bucket.read(self._store, name, 0, size):
                    await asyncio.to_thread(digest.update, piece)
                    yield piece

        await bucket.put(self._store, key, pieces() if parts else b"")
        return Sealed(key, digest.hexdigest())

    async def ends(self, sealed: Sealed) -> tuple[bytes, bytes]:
        """See ``Staging.ends``."""
        with bucket.refusing():
            size = (await obstore.head_async(self._store, sealed.key))["size"]
        tail = min(size, TAIL_BYTES)
        return (
            await self._read(sealed.key, 0, min(size, HEAD_BYTES)),
            await self._read(sealed.key, size - tail, tail),
        )

    async def remove(self, upload_id: str) -> None:
        """See ``Staging.remove``."""
        folder = f"{STAGING}/{upload_id}/"
        keys = [folder + name for name in await bucket.names(self._store, folder)]
        if keys:
            with bucket.refusing():
                await obstore.delete_async(self._store, keys)

    async def parts(self, upload_id: str) -> list[PartName]:
        """Return the durable parts of an upload."""
        return parts_of(await bucket.names(self._store, f"{STAGING}/{upload_id}/"))

    async def _cut(self, upload_id: str, parts: list[PartName], offset: int) -> None:
        """Make a part that ends at ``offset`` of one that goes on behind it."""
        for part in sorted(parts, reverse=True):
            if part.first < offset < part.end:
                try:
                    before = chain(parts, part.first) if part.first else []
                except NotFound:
                    continue
                folder = f"{STAGING}/{upload_id}/"
                start = before[-1].end if before else 0
                data = await self._read(folder + part.name, 0, offset - start)
                shorter = PartName(part.first, stamp(), offset)
                await bucket.put(self._store, folder + shorter.name, data)
                return
        raise NotFound

    async def _read(self, key: str, first: int, length: int) -> bytes:
        return b"".join([piece async for piece in bucket.read(self._store, key, first, length)])


class S3Part:
    """The port Part: what comes lies in a local file until it is put as one object.

    Args:
        store: The bucket.
        folder: The upload's.
        offset: Where the part begins.
        file: Takes the bytes; closed with the part.
    """

    def __init__(self, store: S3Store, folder: str, offset: int, file: IO[bytes]) -> None:
        self._store = store
        self._folder = folder
        self._durable = offset
        self._file = file
        self._size = 0

    async def write(self, data: bytes | bytearray) -> None:
        """See ``Part.write``; ``StorageFull`` is for the local disk too."""
        try:
            await asyncio.to_thread(self._file.write, data)
        except OSError as error:
            raise full(error) from error
        self._size += len(data)

    async def sync(self) -> int:
        """See ``Part.sync``."""
        if self._size:
            part = PartName(self._durable, stamp(), self._durable + self._size)
            try:
                await asyncio.to_thread(self._file.seek, 0)
            except OSError as error:
                raise full(error) from error
            await bucket.put(self._store, f"{self._folder}/{part.name}", self._file)
            self._durable = part.end
            await self.rollback()
        return self._durable

    async def rollback(self) -> None:
        """See ``Part.rollback``."""
        self._size = 0
        await asyncio.to_thread(self._empty)

    async def close(self) -> None:
        """See ``Part.close``."""
        self._file.close()

    def _empty(self) -> None:
        self._file.seek(0)
        self._file.truncate()
