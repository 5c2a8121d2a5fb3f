"""The ports Objects and Downloads on a bucket."""

import asyncio
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import obstore
from obstore.store import S3Store

from hongyan.domain.media.ports import Sealed
from hongyan.kernel.errors import NotFound

from . import bucket
from .objects import OBJECTS

COPY_BYTES_MAX = 5 * 1024**3
"""S3 copies no more in one request."""


class S3Objects:
    """Objects below ``objects/`` of a bucket.

    Args:
        store: The bucket.
        spool: A folder of this machine for files that are being looked into.
    """

    def __init__(self, store: S3Store, spool: Path) -> None:
        spool.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._store = store
        self._spool = spool

    async def keep(self, sealed: Sealed, name: str) -> None:
        """See ``Objects.keep``."""
        key = f"{OBJECTS}/{name}"
        try:
            await self.size(name)
        except NotFound:
            pass
        else:
            return
        with bucket.refusing():
            size = (await obstore.head_async(self._store, sealed.key))["size"]
            if size <= COPY_BYTES_MAX:
                await obstore.copy_async(self._store, sealed.key, key)
                return
        await bucket.put(self._store, key, bucket.read(self._store, sealed.key, 0, size))

    async def put(self, name: str, data: bytes) -> None:
        """See ``Objects.put``."""
        await bucket.put(self._store, f"{OBJECTS}/{name}", data)

    @asynccontextmanager
    async def local(self, name: str) -> AsyncIterator[Path]:
        """See ``Objects.local``: a copy, which is removed behind you."""
        size = await self.size(name)
        with tempfile.NamedTemporaryFile(dir=self._spool, prefix="look-") as file:
            async for piece in self.read(name, 0, size):
                await asyncio.to_thread(file.write, piece)
            await asyncio.to_thread(file.flush)
            yield Path(file.name)

    def path(self, name: str) -> Path | None:
        """See ``Downloads.path``: never on this machine."""
        return None

    async def size(self, name: str) -> int:
        """See ``Downloads.size``."""
        with bucket.refusing():
            return (await obstore.head_async(self._store, f"{OBJECTS}/{name}"))["size"]

    async def read(self, name: str, first: int, length: int) -> AsyncIterator[bytes]:
        """See ``Downloads.read``."""
        async for piece in bucket.read(self._store, f"{OBJECTS}/{name}", first, length):
            yield piece

    async def delete(self, names: Sequence[str]) -> None:
        """See ``Objects.delete``."""
        for name in names:
            try:
                with bucket.refusing():
                    await obstore.delete_async(self._store, f"{OBJECTS}/{name}")
            except NotFound:
                continue
