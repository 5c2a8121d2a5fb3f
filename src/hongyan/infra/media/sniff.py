"""File types by their bytes. Names and what the sender said play no part.

A file is *plain* when a browser may show it: a raster picture, sound, video or PDF whose ends
hold nothing that another reader would take for a page, a script or an archive. That such a
file cannot act is not left to this alone: downloads carry ``nosniff`` and a sandbox.
"""

import re

import puremagic

from hongyan.domain.media.ports import HEAD_BYTES, Sniffed

PROBED = ("image", "video", "audio")
OCTETS = "application/octet-stream"
_MARKUP = re.compile(
    rb"<(?:!doctype|html|head|body|script|iframe|svg|embed|object|meta|\?php)", re.IGNORECASE
)
_ISO_BRANDS = {
    b"avif": "image/avif",
    b"avis": "image/avif",
    b"heic": "image/heic",
    b"heix": "image/heic",
    b"mif1": "image/heic",
    b"qt  ": "video/quicktime",
    b"M4A ": "audio/mp4",
    b"M4B ": "audio/mp4",
}
_PREFIXES = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
    (b"%PDF-", "application/pdf"),
    (b"OggS", "audio/ogg"),
    (b"fLaC", "audio/flac"),
    (b"ID3", "audio/mpeg"),
    (b"#!AMR", "audio/amr"),
    (b"BM", "image/bmp"),
    (b"II*\0", "image/tiff"),
    (b"MM\0*", "image/tiff"),
    (b"PK\x05\x06", "application/zip"),
    (b"\x1f\x8b", "application/gzip"),
    (b"7z\xbc\xaf\x27\x1c", "application/x-7z-compressed"),
    (b"Rar!\x1a\x07", "application/vnd.rar"),
    (b"\x7fELF", "application/x-executable"),
    (b"MZ", "application/vnd.microsoft.portable-executable"),
)
_SHOWN = frozenset(
    {
        "image/png",
        "image/jpeg",
        "image/gif",
        "image/webp",
        "image/avif",
        "audio/ogg",
        "audio/flac",
        "audio/mpeg",
        "audio/mp4",
        "audio/aac",
        "audio/wav",
        "audio/webm",
        "video/mp4",
        "video/webm",
        "video/ogg",
        "application/pdf",
    }
)
"""Types that a browser shows without running any of it."""


def sniff(head: bytes, tail: bytes) -> Sniffed:
    """Return a file's type, found from its ends, as long as ``HEAD_BYTES`` and ``TAIL_BYTES``."""
    mime = mime_of(head)
    return Sniffed(mime, mime in _SHOWN and is_single(mime, head, tail), _is_probed(mime))


def _is_probed(mime: str) -> bool:
    kind = mime.partition("/")[0]
    return kind in PROBED and mime != "image/svg+xml"


def is_single(mime: str, head: bytes, tail: bytes) -> bool:
    """Return whether nothing at a file's ends looks like a page or an archive as well."""
    if _MARKUP.search(head) or _MARKUP.search(tail) or b"PK\x05\x06" in tail:
        return False
    return mime == "application/pdf" or b"%PDF-" not in head[:1024]


def mime_of(head: bytes) -> str:
    """Return the type of a file that begins with these bytes."""
    for prefix, mime in _PREFIXES:
        if head.startswith(prefix):
            return mime
    return (
        _container(head) or _markup(head) or _archive(head) or _known_by_others(head) or _text(head)
    )


def _container(head: bytes) -> str:
    """Return the type of what is wrapped in RIFF, ISO base media, Matroska or MPEG frames."""
    if head[:4] == b"RIFF":
        return {b"WEBP": "image/webp", b"WAVE": "audio/wav"}.get(head[8:12], "video/x-msvideo")
    if head[4:8] == b"ftyp":
        return _ISO_BRANDS.get(head[8:12], "video/mp4")
    if head[:4] == b"\x1aE\xdf\xa3":
        return "video/webm" if b"webm" in head[:64] else "video/x-matroska"
    if len(head) > 3 and head[0] == 0xFF and head[1] & 0xE0 == 0xE0 and head[1] & 0x18 != 0x08:
        return "audio/aac" if head[1] & 0xF6 == 0xF0 else "audio/mpeg"
    return ""


def _markup(head: bytes) -> str:
    text = head.lstrip(b"\xef\xbb\xbf\xff\xfe \t\r\n\f\0").replace(b"\0", b"")[:2048].lower()
    if b"<svg" in text:
        return "image/svg+xml"
    if _MARKUP.search(text):
        return "text/html"
    return "text/xml" if text.startswith(b"<?xml") else ""


def _archive(head: bytes) -> str:
    if not head.startswith(b"PK\x03\x04"):
        return ""
    office = "application/vnd.openxmlformats-officedocument."
    for folder, mime in (
        (b"word/", office + "wordprocessingml.document"),
        (b"xl/", office + "spreadsheetml.sheet"),
        (b"ppt/", office + "presentationml.presentation"),
        (b"mimetypeapplication/epub+zip", "application/epub+zip"),
    ):
        if folder in head:
            return mime
    return "application/zip"


def _known_by_others(head: bytes) -> str:
    """Return what puremagic's table says; nothing that we would show or look into."""
    try:
        found = puremagic.magic_string(head)
    except (puremagic.PureError, ValueError):
        return ""
    mimes = [match.mime_type for match in found if match.confidence >= 0.4 and match.mime_type]
    if not mimes or mimes[0] in _SHOWN or mimes[0].startswith("text/") or _is_probed(mimes[0]):
        return ""
    return str(mimes[0])


def _text(head: bytes) -> str:
    if b"\0" in head:
        return OCTETS
    try:
        head[:-4].decode() if len(head) == HEAD_BYTES else head.decode()
    except UnicodeDecodeError as error:
        if len(head) < HEAD_BYTES or error.start < HEAD_BYTES - 8:
            return OCTETS
    return "text/plain"
