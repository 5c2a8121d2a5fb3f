"""Frames as a server sends them (RFC 6455, section 5.2): whole and unmasked."""

from struct import Struct

CONTINUATION = 0x0
TEXT = 0x1
BINARY = 0x2
CLOSE = 0x8
PING = 0x9
PONG = 0xA

CONTROL_BYTES_MAX = 125
"""The longest payload of a control frame."""

CLOSE_NORMAL = 1000
CLOSE_PROTOCOL = 1002
CLOSE_UNSUPPORTED = 1003
CLOSE_INVALID = 1007
CLOSE_TOO_BIG = 1009
CLOSE_RESTART = 1012
"""The close codes that a server of ours gives by itself."""

_SHORT = tuple(bytes((0x80 | TEXT, size)) for size in range(CONTROL_BYTES_MAX + 1))
"""The heads of short texts, which are most of all frames."""
_MIDDLE = Struct("!BBH").pack
_LONG = Struct("!BBQ").pack
_CODE = Struct("!H").pack


def frame(opcode: int, payload: bytes, rsv1: bool = False) -> bytes:
    """Return a final frame with the shortest length that fits.

    Args:
        opcode: What the payload is.
        payload: The application data.
        rsv1: Whether the payload is compressed.
    """
    size = len(payload)
    if size < 126 and opcode == TEXT and not rsv1:
        return _SHORT[size] + payload
    first = opcode | (0xC0 if rsv1 else 0x80)
    if size < 126:
        return bytes((first, size)) + payload
    if size < 65536:
        return _MIDDLE(first, 126, size) + payload
    return _LONG(first, 127, size) + payload


def close_frame(code: int | None, reason: str = "") -> bytes:
    """Return a close frame; ``None`` says no code. A reason too long is cut between characters."""
    if code is None:
        return frame(CLOSE, b"")
    text = reason.encode()[: CONTROL_BYTES_MAX - 2].decode(errors="ignore").encode()
    return frame(CLOSE, _CODE(code) + text)
