"""Frames into messages: reassembly, and everything a frame may do wrong.

The assembler is fed frames that were cut out of the stream and unmasked elsewhere, one after
the other, and trusts nothing of them but their payload's length.
"""

from codecs import getincrementaldecoder

from .deflate import Corrupt, InflatedTooLong, inflate
from .frames import (
    BINARY,
    CLOSE,
    CLOSE_INVALID,
    CLOSE_PROTOCOL,
    CLOSE_TOO_BIG,
    CONTINUATION,
    CONTROL_BYTES_MAX,
    PONG,
    TEXT,
)

RSV1 = 0b100
"""The bit that says "compressed" at a message's first frame (RFC 7692, section 6)."""

_utf8 = getincrementaldecoder("utf-8")


class Violation(Exception):
    """The peer broke the protocol: the connection fails with this close code."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


class Assembler:
    """Makes one connection's frames into messages.

    Text is validated as it comes, so that a bad fragment fails at once; compressed text when
    its message is whole. Nothing is kept between messages.

    Args:
        message_bytes_max: The longest message, also after inflation.
        fragments_max: The most fragments of one message.
        compressed: Whether permessage-deflate was agreed on.
    """

    __slots__ = (
        "_compressed",
        "_decoder",
        "_fragments_max",
        "_inflating",
        "_kind",
        "_limit",
        "_parts",
        "_size",
    )

    def __init__(
        self, message_bytes_max: int, fragments_max: int = 1024, compressed: bool = False
    ) -> None:
        self._limit = message_bytes_max
        self._fragments_max = fragments_max
        self._compressed = compressed
        self._kind = CONTINUATION
        self._parts: list[bytes] | None = None
        self._decoder = None
        self._inflating = False
        self._size = 0

    def feed(self, opcode: int, fin: bool, rsv: int, payload: bytes) -> tuple[int, bytes] | None:
        """Take a frame.

        Args:
            opcode: The four bits.
            fin: Whether it is its message's last.
            rsv: The three reserved bits, ``RSV1`` the highest.
            payload: The unmasked payload.

        Returns:
            The opcode and payload of a whole message or of a control frame; None while a
            message lacks fragments.

        Raises:
            Violation: with the close code that the RFC gives this fault.
        """
        if fin and not rsv and self._parts is None and opcode in (TEXT, BINARY):
            if len(payload) > self._limit:
                raise self._too_big()
            if opcode == TEXT:
                _check_text(payload)
            return opcode, payload
        if opcode >= CLOSE:
            return _control(opcode, fin, rsv, payload)
        self._start(opcode, rsv)
        self._add(payload, fin)
        return self._finish() if fin else None

    def _start(self, opcode: int, rsv: int) -> None:
        """Check that this data frame may come now, and begin a message if it is a first one."""
        if rsv and (rsv != RSV1 or not self._compressed or opcode == CONTINUATION):
            raise Violation(CLOSE_PROTOCOL, "a reserved bit is set")
        if opcode == CONTINUATION:
            if self._parts is None:
                raise Violation(CLOSE_PROTOCOL, "there is nothing to continue")
            return
        if opcode not in (TEXT, BINARY):
            raise Violation(CLOSE_PROTOCOL, "reserved opcode")
        if self._parts is not None:
            raise Violation(CLOSE_PROTOCOL, "the message before has not ended")
        self._kind = opcode
        self._parts = []
        self._size = 0
        self._inflating = bool(rsv)
        self._decoder = None if rsv or opcode != TEXT else _utf8()  # type: ignore[assignment]

    def _add(self, payload: bytes, fin: bool) -> None:
        assert self._parts is not None
        self._size += len(payload)
        if self._size > self._limit:
            raise self._too_big()
        if len(self._parts) >= self._fragments_max:
            raise Violation(CLOSE_TOO_BIG, f"more than {self._fragments_max} fragments")
        if self._decoder is not None:
            try:
                self._decoder.decode(payload, fin)
            except UnicodeDecodeError:
                raise Violation(CLOSE_INVALID, "text is not UTF-8") from None
            begun = self._decoder.getstate()[0]
            if begun[:1] == b"\xed" and begun[1:] >= b"\xa0":  # half a surrogate, left to us
                raise Violation(CLOSE_INVALID, "text is not UTF-8")
        self._parts.append(payload)

    def _finish(self) -> tuple[int, bytes]:
        parts, self._parts, self._decoder = self._parts, None, None
        payload = b"".join(parts or ())
        if self._inflating:
            try:
                payload = inflate(payload, self._limit)
            except InflatedTooLong:
                raise self._too_big() from None
            except Corrupt:
                raise Violation(CLOSE_INVALID, "compressed data is corrupt") from None
            if self._kind == TEXT:
                _check_text(payload)
        return self._kind, payload

    def _too_big(self) -> Violation:
        return Violation(CLOSE_TOO_BIG, f"a message may be {self._limit} bytes long")


def close_code(payload: bytes) -> int | None:
    """Return the code that a valid close payload carries, or None if it carries none."""
    return int.from_bytes(payload[:2], "big") if payload else None


def may_close_with(code: int) -> bool:
    """Return whether a peer may send this close code (RFC 6455, section 7.4; IANA to 1014)."""
    return 1000 <= code <= 1003 or 1007 <= code <= 1014 or 3000 <= code <= 4999


def _control(opcode: int, fin: bool, rsv: int, payload: bytes) -> tuple[int, bytes]:
    if opcode > PONG:
        raise Violation(CLOSE_PROTOCOL, "reserved opcode")
    if rsv:
        raise Violation(CLOSE_PROTOCOL, "a reserved bit is set")
    if not fin:
        raise Violation(CLOSE_PROTOCOL, "a control frame may not be fragmented")
    if len(payload) > CONTROL_BYTES_MAX:
        raise Violation(CLOSE_PROTOCOL, "a control frame is too long")
    if opcode == CLOSE and payload:
        if len(payload) == 1 or not may_close_with(int.from_bytes(payload[:2], "big")):
            raise Violation(CLOSE_PROTOCOL, "invalid close code")
        _check_text(payload[2:])
    return opcode, payload


def _check_text(payload: bytes) -> None:
    if payload.isascii():  # costs a tenth of decoding
        return
    try:
        payload.decode()
    except UnicodeDecodeError:
        raise Violation(CLOSE_INVALID, "text is not UTF-8") from None
