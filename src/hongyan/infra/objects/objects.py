"""The ports Objects and Downloads on a local folder."""

import asyncio
import errno
import os
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import obstore
from obstore.exceptions import AlreadyExistsError, BaseError
from obstore.store import LocalStore

from hongyan.domain.media.ports import Sealed
from hongyan.kernel.errors import NotFound, StorageFull

PIECE_BYTES = 1024 * 1024
STAGING, OBJECTS = "staging", "objects"


def full(error: OSError | BaseError) -> Exception:
    """Return what to raise for an error of the disk: ``StorageFull`` where that is what it is."""
    number = getattr(error, "errno", None)
    is_full = number in (errno.ENOSPC, errno.EDQUOT) or "No space left" in str(error)
    return StorageFull() if is_full else error


class FolderObjects:
    """Objects below ``objects/`` of one folder, which has the ``staging/`` folder beside it.

    A name is a path. What is kept from the staging folder is a second link to the same bytes.

    Args:
        folder: Made where it is missing.
    """

    def __init__(self, folder: Path) -> None:
        (folder / OBJECTS).mkdir(mode=0o700, parents=True, exist_ok=True)
        self._folder = folder.absolute()
        self._store = LocalStore(prefix=str(self._folder), mkdir=False)

    async def keep(self, sealed: Sealed, name: str) -> None:
        """See ``Objects.keep``."""
        try:
            await obstore.copy_async(
                self._store, f"{STAGING}/{sealed.key}", f"{OBJECTS}/{name}", overwrite=False
            )
        except AlreadyExistsError:
            return
        except FileNotFoundError as error:
            raise NotFound from error
        except (OSError, BaseError) as error:
            raise full(error) from error
        await asyncio.to_thread(self._sync_folder, name)

    async def put(self, name: str, data: bytes) -> None:
        """See ``Objects.put``."""
        try:
            await obstore.put_async(self._store, f"{OBJECTS}/{name}", data)
        except (OSError, BaseError) as error:
            raise full(error) from error
        await asyncio.to_thread(self._sync_object, name)

    @asynccontextmanager
    async def local(self, name: str) -> AsyncIterator[Path]:
        """See ``Objects.local``: the object itself."""
        await self.size(name)
        yield self.path(name)

    def path(self, name: str) -> Path:
        """See ``Downloads.path``."""
        return self._folder / OBJECTS / name

    async def size(self, name: str) -> int:
        """See ``Downloads.size``."""
        try:
            return (await asyncio.to_thread(self.path(name).stat)).st_size
        except FileNotFoundError as error:
            raise NotFound from error

    async def read(self, name: str, first: int, length: int) -> AsyncIterator[bytes]:
        """See ``Downloads.read``."""
        if not length:
            return
        try:
            found = await obstore.get_async(
                self._store, f"{OBJECTS}/{name}", options={"range": (first, first + length)}
            )
        except FileNotFoundError as error:
            raise NotFound from error
        async for piece in found.stream(min_chunk_size=PIECE_BYTES):
            yield bytes(piece)

    async def delete(self, names: Sequence[str]) -> None:
        """See ``Objects.delete``."""
        for name in names:
            try:
                await obstore.delete_async(self._store, f"{OBJECTS}/{name}")
            except FileNotFoundError:
                continue

    def _sync_object(self, name: str) -> None:
        file = os.open(self._folder / OBJECTS / name, os.O_RDONLY)
        try:
            os.fsync(file)
        finally:
            os.close(file)
        self._sync_folder(name)

    def _sync_folder(self, name: str) -> None:
        """Make a name durable: its folder, and that folder's place."""
        for path in ((self._folder / OBJECTS / name).parent, self._folder / OBJECTS):
            folder = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)
