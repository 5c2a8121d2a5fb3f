"""Rules of uploads and of file names: pure functions."""

import re
import unicodedata

from msgspec import Struct

from hongyan.kernel.errors import Invalid

from .commands import FileTooLarge, QuotaExceeded
from .model import MediaUsage

NAME_BYTES_MAX = 255
_SHA256 = re.compile(r"[0-9a-f]{64}")


class MediaLimits(Struct, frozen=True, kw_only=True):
    """Limits of storage."""

    file_bytes: int = 2 * 1024**3
    """The largest file."""
    quota_bytes: int = 0
    """All files of one user together; 0 means no limit."""
    uploads: int = 100
    """Uploads of one user that are under way."""
    upload_expiry_ms: int = 24 * 3600 * 1000
    """An upload is forgotten so long after its last byte."""
    unused_ms: int = 24 * 3600 * 1000
    """A file is forgotten so long after nothing used it any more."""
    ticket_s: int = 600
    """A link to download is good for so long."""
    refused_types: tuple[str, ...] = ()
    """Types that are not taken; ``video/*`` means all of a kind."""


DEFAULT_LIMITS = MediaLimits()


def clean_name(name: str) -> str:
    """Return a file's name without a path and without what could mislead its reader.

    Control characters, and those that turn the direction of a text, go. A long name keeps its
    end, where the extension is.
    """
    name = name.replace("\\", "/").rpartition("/")[2]
    name = unicodedata.normalize("NFC", name)
    name = "".join(c for c in name if unicodedata.category(c) not in ("Cc", "Cf", "Cs", "Co"))
    name = name.strip(" .") if name.strip(" .") in ("", "..") else name.strip()
    raw = name.encode()
    return name if len(raw) <= NAME_BYTES_MAX else raw[-NAME_BYTES_MAX:].decode(errors="ignore")


def check_sha256(value: str) -> None:
    """Refuse what is no SHA-256 in lower-case hexadecimal digits.

    Raises:
        Invalid: it is none.
    """
    if not _SHA256.fullmatch(value):
        raise Invalid("sha256 is 64 lower-case hexadecimal digits.", field="sha256")


def check_quota(usage: MediaUsage, more_bytes: int, limits: MediaLimits) -> None:
    """Refuse a file for which there is no room.

    Raises:
        FileTooLarge: it is larger than any file may be.
        QuotaExceeded: its owner would keep too much.
    """
    if more_bytes > limits.file_bytes:
        raise FileTooLarge(limit=limits.file_bytes)
    total = usage.used_bytes + usage.reserved_bytes + more_bytes
    if limits.quota_bytes and total > limits.quota_bytes:
        raise QuotaExceeded(limit=limits.quota_bytes)


def is_refused(mime: str, refused: tuple[str, ...]) -> bool:
    """Return whether files of this type are not taken."""
    return mime in refused or mime.partition("/")[0] + "/*" in refused
