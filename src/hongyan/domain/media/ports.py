"""What the media service needs besides the logs and rows: room for bytes, and eyes."""

from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path
from typing import Protocol

from msgspec import Struct

from hongyan.kernel.ids import LogId, UserId

from .model import Facts, Variant


class Part(Protocol):
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


class Staging(Protocol):
    """The bytes of uploads under way, on this machine."""

    async def open(self, upload_id: str, offset: int) -> Part:
        """Return a part that begins at ``offset``; bytes behind it are taken away.

        Raises:
            NotFound: fewer than ``offset`` bytes are there.
        """
        ...

    async def digest(self, upload_id: str) -> str:
        """Return the SHA-256 of all bytes, in hexadecimal digits.

        Known already where they all came through one process; else the file is read.

        Raises:
            NotFound: there is no such upload here.
        """
        ...

    def path(self, upload_id: str) -> Path:
        """Return where the bytes are."""
        ...

    async def remove(self, upload_id: str) -> None:
        """Remove the bytes, if there are any."""
        ...


class Objects(Protocol):
    """Immutable bytes under names: a folder, or a bucket."""

    async def keep(self, source: Path, name: str) -> None:
        """Store the file's bytes durably under the name, unless the name has bytes already.

        The source stays; on the same disk nothing is copied.

        Raises:
            StorageFull: the disk is full.
        """
        ...

    async def put(self, name: str, data: bytes) -> None:
        """Store a few bytes under the name, in place of those that are there.

        Raises:
            StorageFull: the disk is full.
        """
        ...

    def path(self, name: str) -> Path | None:
        """Return the file that holds the bytes, where they are on this machine."""
        ...

    def read(self, name: str, first: int, length: int) -> AsyncIterator[bytes]:
        """Yield ``length`` bytes from the one at ``first`` on, in pieces of at most 1 MiB or so.

        Raises:
            NotFound: nothing has this name.
        """
        ...

    async def delete(self, names: Sequence[str]) -> None:
        """Remove what has these names; what is not there is passed over."""
        ...


class Sniffed(Struct, frozen=True):
    """What a file's bytes look like."""

    mime: str
    is_plain: bool = False
    """See ``MediaItem.is_plain``."""
    is_probed: bool = False
    """Whether looking into it can tell more."""


class Probed(Struct, frozen=True):
    """What looking into a file told."""

    facts: Facts
    mime: str = ""
    """Where it is another than it seemed; else empty."""
    pictures: Mapping[Variant, bytes] = {}


class Unreadable(Exception):
    """A file could not be looked into within the limits; trying again would not help."""


class Prober(Protocol):
    """Looks into files."""

    async def sniff(self, path: Path) -> Sniffed:
        """Tell a file's type from its first and last bytes."""
        ...

    async def probe(self, path: Path, mime: str) -> Probed:
        """Look into a file, in a process with limits.

        Raises:
            Unreadable: it is broken, or took too much memory or time.
            Busy: too many wait already.
        """
        ...


class Sightings(Protocol):
    """Who sees what in a conversation; the conversation service knows."""

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
