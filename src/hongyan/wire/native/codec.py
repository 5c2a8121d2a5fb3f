"""The native protocol's envelope: requests, responses and pushes, in two formats.

A message is one JSON or MessagePack object. A client sends requests; the server answers each
with exactly one response of the same ``id``, in any order, and sends pushes at any time.
"""

from collections.abc import Callable
from typing import Any

import msgspec
from msgspec import Raw, Struct


class Malformed(Exception):
    """The bytes are no request: not of the format, or not of the envelope's shape."""


class Request(Struct, frozen=True):
    """``{"id": 7, "method": "message.send", "params": {...}}``."""

    id: int
    method: str
    params: Raw = Raw()


class WireError(Struct, frozen=True):
    """The refusal of a request: a stable code, a sentence, and whether to try again."""

    code: str
    message: str
    retryable: bool
    details: dict[str, Any] = {}


class Result(Struct, frozen=True):
    """``{"id": 7, "result": {...}}``."""

    id: int
    result: Any


class Failure(Struct, frozen=True):
    """``{"id": 7, "error": {...}}``."""

    id: int
    error: WireError


class Push(Struct, frozen=True):
    """``{"event": "entry", "data": {...}}``: what the server says unasked."""

    event: str
    data: Any


Outgoing = Result | Failure | Push


class Format:
    """One of the two formats, both of which carry the same objects.

    Attributes:
        name: The WebSocket subprotocol.
        binary: Whether its messages are binary ones.
    """

    def __init__(
        self,
        name: str,
        binary: bool,
        encode: Callable[[Any], bytes],
        decode_request: Callable[[bytes], Request],
        decode: Callable[..., Any],
        empty: bytes,
    ) -> None:
        self.name = name
        self.binary = binary
        self.encode = encode
        self._decode_request = decode_request
        self._decode = decode
        self._empty = empty
        self._params: dict[type[Any], Callable[[bytes | Raw], Any]] = {}

    def request(self, data: bytes) -> Request:
        """Return the request in these bytes.

        Raises:
            Malformed: it is none.
        """
        try:
            return self._decode_request(data)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            raise Malformed(str(error)) from error

    def params(self, request: Request, kind: type[Any]) -> Any:
        """Return the request's parameters as this type.

        Raises:
            msgspec.ValidationError: with the place and the reason.
        """
        decode = self._params.get(kind)
        if decode is None:
            decode = self._params[kind] = self._decode(kind)
        try:
            return decode(request.params or self._empty)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            if isinstance(error, msgspec.ValidationError):
                raise
            raise msgspec.ValidationError(str(error)) from error


_msgpack = msgspec.msgpack.Encoder().encode
_to_builtins_json = msgspec.json.Encoder().encode
_from_json = msgspec.json.Decoder().decode


def _encode_msgpack(message: Any) -> bytes:
    """Encode for MessagePack; embedded JSON (``Raw``) becomes objects on the way."""
    return _msgpack(_from_json(_to_builtins_json(message)))


JSON = Format(
    "hongyan.json",
    False,
    msgspec.json.Encoder().encode,
    msgspec.json.Decoder(Request).decode,
    lambda kind: msgspec.json.Decoder(kind).decode,
    b"{}",
)
MSGPACK = Format(
    "hongyan.msgpack",
    True,
    _encode_msgpack,
    msgspec.msgpack.Decoder(Request).decode,
    lambda kind: msgspec.msgpack.Decoder(kind).decode,
    b"\x80",
)
FORMATS = {form.name: form for form in (JSON, MSGPACK)}
