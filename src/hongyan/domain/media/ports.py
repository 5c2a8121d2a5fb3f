"""The ports of the media service: storage of bytes, probing, visibility."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Protocol

from msgspec import Struct

from hongyan.kernel.ids import LogId, UserId

from .model import MediaDetails, Variant

HEAD_BYTES = 8192
TAIL_BYTES = 66_000
"""As far from the end as an archive's directory may begin to end."""


class UploadPart(Protocol):
    """A stretch of an upload that is being written, by one writer."""

    async def write(self, data: bytes | bytearray) -> None:
        """Write behind what is there; may return before it is written.

        ``data`` is not to be changed afterwards.

        Raises:
            StorageFull: the disk is full.
        """
        ...

    async def sync(self) -> int:
        """Make everything that was written durable, and return the offset behind it.

        Raises:
            StorageFull: the disk is full.
        """
        ...

    async def rollback(self) -> None:
        """Take away what was written since the part was opened or last synced."""
        ...

    async def close(self) -> None:
        """Let go of the file; what was not synced may be there or not."""
        ...


class Sealed(Struct, frozen=True):
    """The bytes of a complete upload, which nobody changes any more."""

    key: str
    """The key of the bytes in staging."""
    sha256: str
    """In lower-case hexadecimal digits, of exactly these bytes."""


class Staging(Protocol):
    """The bytes of uploads under way: a folder of this machine, or a bucket of all machines."""

    async def open(self, upload_id: str, offset: int) -> UploadPart:
        """Return a part that begins at ``offset``; bytes behind it count no more.

        Raises:
            NotFound: fewer than ``offset`` bytes are there.
        """
        ...

    async def seal(self, upload_id: str, length_bytes: int) -> Sealed:
        """Make one of the first ``length_bytes`` bytes, and hash it; may be repeated.

        The hash is known already where all bytes came through one process to its own disk;
        else they are read.

        Raises:
            NotFound: they are not there.
        """
        ...

    async def ends(self, sealed: Sealed) -> tuple[bytes, bytes]:
        """Return the first ``HEAD_BYTES`` and the last ``TAIL_BYTES`` bytes.

        Raises:
            NotFound: they are gone.
        """
        ...

    async def remove(self, upload_id: str) -> None:
        """Remove the bytes, if there are any."""
        ...


class Objects(Protocol):
    """Immutable bytes under names: a folder, or a bucket."""

    async def keep(self, sealed: Sealed, name: str) -> None:
        """Store sealed bytes durably under the name, unless the name has bytes already.

        They stay in staging; nothing is sent: the disk or the bucket copies.

        Raises:
            NotFound: they are not in staging any more.
            StorageFull: there is no room.
        """
        ...

    async def put(self, name: str, data: bytes) -> None:
        """Store a few bytes under the name, in place of those that are there.

        Raises:
            StorageFull: there is no room.
        """
        ...

    def local(self, name: str) -> AbstractAsyncContextManager[Path]:
        """Return a file of this machine with the bytes, good inside the ``async with``.

        Raises:
            NotFound: nothing has this name.
        """
        ...

    async def delete(self, names: Sequence[str]) -> None:
        """Remove what has these names; what is not there is passed over."""
        ...


class Downloads(Protocol):
    """The same objects, for the server that sends them."""

    def path(self, name: str) -> Path | None:
        """Return the file that holds the bytes, where they are on this machine."""
        ...

    async def size(self, name: str) -> int:
        """Return how many bytes there are.

        Raises:
            NotFound: nothing has this name.
        """
        ...

    def read(self, name: str, first: int, length: int) -> AsyncIterator[bytes]:
        """Yield ``length`` bytes from the one at ``first`` on, in pieces of a few MiB at most.

        Raises:
            NotFound: nothing has this name.
        """
        ...


class Piece(Struct, frozen=True):
    """A stretch of a file that a client sends to the bucket itself."""

    first: int
    """The offset of its first byte in the file."""
    length_bytes: int
    url: str
    """The URL to PUT exactly these bytes; whoever knows it may. A repeat replaces them."""


class DirectLinks(Protocol):
    """Links that let a client reach the bucket without us, for a while."""

    def download(self, name: str, mime: str, disposition: str) -> str:
        """Return where to GET an object, answered with this type and Content-Disposition."""
        ...

    async def missing(self, upload_id: str, length_bytes: int) -> tuple[Piece, ...]:
        """Return the pieces of an upload that have not come yet, with new links."""
        ...


class Sniffed(Struct, frozen=True):
    """The type found by a file's first and last bytes."""

    mime: str
    is_plain: bool = False
    """See ``MediaItem.is_plain``."""
    is_probed: bool = False
    """Whether looking into it can find more."""


class Probed(Struct, frozen=True):
    """The result of probing a file."""

    facts: MediaDetails
    mime: str = ""
    """The type, if it is another than it seemed; else empty."""
    pictures: Mapping[Variant, bytes] = {}


class Unreadable(Exception):
    """A file could not be looked into within the limits; trying again would not help."""


class Prober(Protocol):
    """Looks into files."""

    async def sniff(self, head: bytes, tail: bytes) -> Sniffed:
        """Return a file's type, found from its first ``HEAD_BYTES`` and last ``TAIL_BYTES``."""
        ...

    async def probe(self, path: Path, mime: str) -> Probed:
        """Look into a file, in a process with limits.

        Raises:
            Unreadable: it is broken, or took too much memory or time.
            Busy: too many wait already.
        """
        ...


class MessageVisibility(Protocol):
    """Visibility of messages; the conversation service implements it."""

    async def sees(self, user_id: UserId, places: Sequence[tuple[LogId, int]]) -> bool:
        """Return whether the user sees any of these seqs of these logs, in one read.

        What the user cleared or hid counts as seen: it is out of the way, not forbidden.
        """
        ...


class Tickets(Protocol):
    """Signs what a link may do, for a while."""

    def sign(self, user_id: UserId, media_id: str, expires_at_s: int) -> str:
        """Return a ticket, of characters that need no escape in a URL."""
        ...

    def read(self, ticket: str, media_id: str, now_s: int) -> UserId | None:
        """Return for whom the ticket lets read this media now; None for nobody."""
        ...
