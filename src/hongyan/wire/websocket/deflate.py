"""permessage-deflate (RFC 7692), each message compressed for itself.

Neither side keeps a window between messages ("no context takeover"): a message compressed
once serves all peers, and an idle connection costs no memory.
"""

import zlib
from collections.abc import Iterator

NAME = "permessage-deflate"
WINDOW_BITS_MAX = 15
_WINDOW_BITS_MIN = 9  # zlib cannot make a raw stream with 8
_TAIL = b"\x00\x00\xff\xff"


class InflatedTooLong(Exception):
    """The message inflates to more than the limit."""


class Corrupt(Exception):
    """These bytes are no deflate stream."""


def deflate(payload: bytes, window_bits: int = WINDOW_BITS_MAX) -> bytes:
    """Return the payload as one message's compressed data."""
    stream = zlib.compressobj(wbits=-window_bits)
    return (stream.compress(payload) + stream.flush(zlib.Z_SYNC_FLUSH))[: -len(_TAIL)]


def inflate(payload: bytes, limit_bytes: int) -> bytes:
    """Return what a message's compressed data stands for.

    Raises:
        InflatedTooLong: it is more than ``limit_bytes``; no more than that was inflated.
        Corrupt: the data is broken.
    """
    data = payload + _TAIL
    parts: list[bytes] = []
    left = limit_bytes
    while data:
        stream = zlib.decompressobj(-WINDOW_BITS_MAX)
        try:
            part = stream.decompress(data, left + 1)
        except zlib.error as error:
            raise Corrupt(str(error)) from error
        left -= len(part)
        if left < 0:
            raise InflatedTooLong
        parts.append(part)
        data = stream.unused_data  # behind a final block another stream may follow
        if len(data) <= len(_TAIL):
            break
    return b"".join(parts)


def agree(offers: str) -> tuple[str, int] | None:
    """Choose from the values of ``Sec-WebSocket-Extensions``.

    Returns:
        The value to answer with and the window bits to compress with, for the first offer
        that we can meet; None if there is none.
    """
    for offer in offers.split(","):
        name, *params = (part.strip() for part in offer.split(";"))
        if name.lower() != NAME:
            continue
        try:
            wanted = _params(params)
        except ValueError:
            continue
        answer = f"{NAME}; server_no_context_takeover; client_no_context_takeover"
        bits = wanted.get("server_max_window_bits")
        if bits is None:
            return answer, WINDOW_BITS_MAX
        if bits >= _WINDOW_BITS_MIN:
            return f"{answer}; server_max_window_bits={bits}", bits
    return None


def _params(params: list[str]) -> dict[str, int | None]:
    """Parse an offer's parameters.

    Raises:
        ValueError: one is unknown, comes twice or has a wrong value.
    """
    found: dict[str, int | None] = {}
    for name, value in _pairs(params):
        if name in found:
            raise ValueError(name)
        if name in ("server_no_context_takeover", "client_no_context_takeover"):
            if value is not None:
                raise ValueError(name)
            found[name] = None
        elif name == "client_max_window_bits" and value is None:
            found[name] = None
        elif name in ("server_max_window_bits", "client_max_window_bits"):
            found[name] = _window_bits(value)
        else:
            raise ValueError(name)
    return found


def _pairs(params: list[str]) -> Iterator[tuple[str, str | None]]:
    for param in params:
        name, equals, value = param.partition("=")
        yield name.strip().lower(), value.strip().strip('"') if equals else None


def _window_bits(value: str | None) -> int:
    if value not in ("8", "9", "10", "11", "12", "13", "14", "15"):
        raise ValueError(value)
    return int(value)
