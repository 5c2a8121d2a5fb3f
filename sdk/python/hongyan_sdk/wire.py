"""The envelope of the native protocol, as a client sees it: requests out, answers and pushes in.

Nothing here does input or output. See ``protocol/README.md`` for the protocol.
"""

from typing import Any, TypeVar

import msgspec
from msgspec import UNSET, Raw, Struct, UnsetType

from .errors import ProtocolError

SUBPROTOCOL = "hongyan.json"
VERSION = 1

CLOSE_UNAUTHENTICATED = 4001
CLOSE_KICKED = 4003
LONG_PAUSE_S = {1002: 60.0, 1003: 60.0, 1007: 60.0, 4005: 60.0, 4006: 60.0}
"""Close codes after which a client stays away for at least so long."""

T = TypeVar("T")


class Request(Struct, frozen=True):
    """A client's request; ``id`` is its own choice and comes back with the answer."""

    id: int
    method: str
    params: dict[str, Any] = {}


class WireError(Struct, frozen=True):
    """The refusal of a request."""

    code: str
    message: str = ""
    retryable: bool = False
    details: dict[str, Any] = {}


class Response(Struct, frozen=True):
    """The one answer to the request with this id: a result, or an error."""

    id: int
    result: Raw = Raw(b"{}")
    error: WireError | None = None


class Push(Struct, frozen=True):
    """A push: sent by the server unasked."""

    event: str
    data: Raw = Raw(b"{}")


class Welcome(Struct, frozen=True, kw_only=True):
    """The answer to ``hello``."""

    user_id: str
    device_id: str
    protocol: int = VERSION
    server: str = ""
    time_ms: int = 0
    heartbeat_s: float = 30.0
    message_bytes_max: int = 1024 * 1024
    in_flight_max: int = 64
    generation: str = ""


class _Incoming(Struct, frozen=True):
    """The union of ``Response`` and ``Push``, distinguished by which fields are there."""

    id: int | None = None
    result: Raw | UnsetType = UNSET
    error: WireError | None = None
    event: str | None = None
    data: Raw = Raw(b"{}")


_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(_Incoming).decode


def encode(request: Request) -> str:
    """Return the text message that carries the request."""
    return _encode(request).decode()


def decode(message: str | bytes) -> Response | Push:
    """Return what the server's message holds.

    Raises:
        ProtocolError: it is neither a response nor a push.
    """
    try:
        incoming = _decode(message)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise ProtocolError(f"not a message of the protocol: {error}") from error
    if incoming.event is not None:
        return Push(incoming.event, incoming.data.copy())
    if incoming.id is not None and incoming.error is not None:
        return Response(incoming.id, error=incoming.error)
    if incoming.id is not None and incoming.result is not UNSET:
        return Response(incoming.id, incoming.result.copy())
    raise ProtocolError("neither a response nor a push")


def read(raw: Raw | bytes, kind: type[T]) -> T:
    """Return the JSON in ``raw`` as this type; fields that are not known are left out.

    Raises:
        ProtocolError: it does not fit.
    """
    try:
        return msgspec.json.decode(raw, type=kind)
    except msgspec.MsgspecError as error:
        raise ProtocolError(f"not a {kind}: {error}") from error
