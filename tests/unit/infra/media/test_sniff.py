"""Types from bytes, and what may be shown in a browser."""

import pytest

from hongyan.domain.media.ports import HEAD_BYTES, TAIL_BYTES
from hongyan.infra.media.sniff import mime_of, sniff


@pytest.mark.parametrize(
    ("head", "mime"),
    [
        (b"\x89PNG\r\n\x1a\n", "image/png"),
        (b"\xff\xd8\xff\xe0", "image/jpeg"),
        (b"GIF89a", "image/gif"),
        (b"RIFF\0\0\0\0WEBP", "image/webp"),
        (b"RIFF\0\0\0\0WAVE", "audio/wav"),
        (b"\0\0\0\x20ftypavif", "image/avif"),
        (b"\0\0\0\x20ftypM4A ", "audio/mp4"),
        (b"\0\0\0\x20ftypisom", "video/mp4"),
        (b"\x1aE\xdf\xa3\x9fB\x86webm", "video/webm"),
        (b"OggS\0\2", "audio/ogg"),
        (b"ID3\3\0", "audio/mpeg"),
        (b"\xff\xfb\x90\0", "audio/mpeg"),
        (b"\xff\xf1\x50\x80", "audio/aac"),
        (b"%PDF-1.7", "application/pdf"),
        (
            b"PK\x03\x04" + b"\0" * 30 + b"word/document.xml",
            "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
        ),
        (b"PK\x03\x04" + b"\0" * 30, "application/zip"),
        (b"MZ\x90\0", "application/vnd.microsoft.portable-executable"),
        (b"<!DOCTYPE html>", "text/html"),
        (b"\xef\xbb\xbf \n<HTML>", "text/html"),
        (b"<?xml version='1.0'?><svg>", "image/svg+xml"),
        (b"<?xml version='1.0'?><rss>", "text/xml"),
        ("你好，世界".encode(), "text/plain"),
        (b"", "text/plain"),
        (b"\0\1\2\3\xfe", "application/octet-stream"),
    ],
)
def test_types(head, mime):
    assert mime_of(head) == mime


def ends(data):
    return data[:HEAD_BYTES], data[-TAIL_BYTES:]


def test_a_long_text_may_end_within_a_character():
    assert sniff(*ends(("a" + "猫" * 5000).encode())).mime == "text/plain"


@pytest.mark.parametrize(
    ("data", "is_plain"),
    [
        (b"\x89PNG\r\n\x1a\n" + b"\0" * 50, True),
        (b"\x89PNG\r\n\x1a\n" + b"<script>", False),
        (b"\x89PNG\r\n\x1a\n" + b"\0" * 100_000 + b"PK\x05\x06" + b"\0" * 18, False),
        (b"GIF89a" + b"%PDF-1.4", False),
        (b"\xff\xd8\xff\xe1 <x:xmpmeta><rdf:RDF>", True),
        (b"%PDF-1.4", True),
        (b"BM" + b"\0" * 50, False),
        (b"hello", False),
    ],
)
def test_plain_files(data, is_plain):
    assert sniff(*ends(data)).is_plain is is_plain
