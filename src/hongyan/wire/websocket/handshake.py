"""The opening handshake (RFC 6455, section 4.2): who may come in, and speaking what."""

from base64 import b64decode, b64encode
from binascii import Error as NotBase64
from collections.abc import Iterable, Sequence
from hashlib import sha1
from http import HTTPStatus
from urllib.parse import urlsplit

from msgspec import Struct

from . import deflate

VERSION = "13"
_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_DEFAULT_PORTS = {"http": 80, "https": 443}


class Refused(Exception):
    """The upgrade is refused with this HTTP status and sentence."""

    def __init__(self, status: HTTPStatus, sentence: str, *headers: tuple[str, str]) -> None:
        super().__init__(sentence)
        self.status = status
        self.sentence = sentence
        self.headers = headers

    def response(self) -> bytes:
        """Return the HTTP response; the connection closes behind it."""
        body = self.sentence.encode() + b"\n"
        return _response(
            self.status,
            (
                *self.headers,
                ("Content-Type", "text/plain; charset=utf-8"),
                ("Content-Length", str(len(body))),
                ("Connection", "close"),
            ),
            body,
        )


class Policy(Struct, frozen=True):
    """The policy of a handshake.

    Attributes:
        subprotocols: The names it speaks; the first serves a client that offers none only if
            it is ``fallback``.
        fallback: The subprotocol of a client that offers none; empty refuses such a client.
        origins: Origins allowed besides the server's own host, see ``origin_allowed``.
        compression: Whether permessage-deflate is agreed to.
    """

    subprotocols: tuple[str, ...]
    fallback: str = ""
    origins: tuple[str, ...] = ()
    compression: bool = False


class Accepted(Struct, frozen=True):
    """An upgrade that was agreed on.

    Attributes:
        response: The bytes of the 101 response.
        subprotocol: What is spoken.
        window_bits: Of permessage-deflate, or 0 if it was not agreed on.
    """

    response: bytes
    subprotocol: str
    window_bits: int


class Headers:
    """A request's header fields.

    Args:
        fields: Names and values as they came; names are compared without case.
    """

    def __init__(self, fields: Iterable[tuple[bytes, bytes]]) -> None:
        self._fields: dict[str, list[str]] = {}
        for name, value in fields:
            values = self._fields.setdefault(name.decode("latin-1").lower(), [])
            values.append(value.decode("latin-1").strip())

    def all(self, name: str) -> str:
        """Return the field's values joined by commas, or an empty string."""
        return ", ".join(self._fields.get(name, ()))

    def one(self, name: str) -> str:
        """Return the field's only value, or an empty string.

        Raises:
            Refused: it comes more than once.
        """
        values = self._fields.get(name, ())
        if len(values) > 1:
            raise Refused(HTTPStatus.BAD_REQUEST, f"The header {name} comes more than once.")
        return values[0] if values else ""

    def tokens(self, name: str) -> list[str]:
        """Return the members of a field that is a list."""
        return [token for part in self.all(name).split(",") if (token := part.strip())]


def accept(method: str, http_version: str, headers: Headers, policy: Policy) -> Accepted:
    """Answer a request to upgrade.

    Raises:
        Refused: with the response that says why.
    """
    key = _key(method, http_version, headers)
    host, origin = headers.one("host"), headers.one("origin")
    if not host:
        raise Refused(HTTPStatus.BAD_REQUEST, "The header Host is missing.")
    if origin and not origin_allowed(origin, host, policy.origins):
        raise Refused(HTTPStatus.FORBIDDEN, "This origin may not connect here.")
    offered = headers.tokens("sec-websocket-protocol")
    subprotocol = choose_subprotocol(offered, policy)
    fields = [
        ("Upgrade", "websocket"),
        ("Connection", "Upgrade"),
        ("Sec-WebSocket-Accept", accept_key(key)),
    ]
    if offered:
        fields.append(("Sec-WebSocket-Protocol", subprotocol))
    agreed = None
    if policy.compression:
        agreed = deflate.agree(headers.all("sec-websocket-extensions"))
    if agreed is not None:
        fields.append(("Sec-WebSocket-Extensions", agreed[0]))
    response = _response(HTTPStatus.SWITCHING_PROTOCOLS, fields)
    return Accepted(response, subprotocol, agreed[1] if agreed else 0)


def accept_key(key: str) -> str:
    """Return the ``Sec-WebSocket-Accept`` for a ``Sec-WebSocket-Key``."""
    return b64encode(sha1(key.encode() + _GUID).digest()).decode()


def choose_subprotocol(offered: Sequence[str], policy: Policy) -> str:
    """Return the first that the client offers and we speak.

    Raises:
        Refused: there is none.
    """
    if not offered and policy.fallback:
        return policy.fallback
    for name in offered:
        if name in policy.subprotocols:
            return name
    speaks = ", ".join(policy.subprotocols)
    raise Refused(HTTPStatus.BAD_REQUEST, f"Offer a subprotocol that this server speaks: {speaks}.")


def origin_allowed(origin: str, host: str, allowed: Sequence[str]) -> bool:
    """Return whether a browser's page of this origin may connect.

    Args:
        origin: The ``Origin`` header.
        host: The ``Host`` header. A page from the same host and port is always allowed; the
            scheme is ignored, for a proxy may end TLS before us.
        allowed: More origins, such as ``https://app.example.org``. ``https://*.example.org``
            allows every subdomain, a lone ``*`` everybody.
    """
    page = _origin(origin)
    if page is not None:
        scheme, name, port = page
        own = _origin(f"{scheme}://{host}")
        if own is not None and own[1:] == (name, port):
            return True
    return any(_matches(page, origin, pattern) for pattern in allowed)


def _matches(page: tuple[str, str, int | None] | None, origin: str, pattern: str) -> bool:
    if pattern in ("*", origin):
        return True
    wanted = _origin(pattern)
    if page is None or wanted is None or (wanted[0], wanted[2]) != (page[0], page[2]):
        return False
    name = wanted[1]
    if name.startswith("*."):
        return page[1].endswith(name[1:]) and len(page[1]) > len(name) - 1
    return page[1] == name


def _origin(text: str) -> tuple[str, str, int | None] | None:
    """Return scheme, host name and port, or None if the text is no origin."""
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        return None
    if not parts.scheme or not parts.hostname or parts.path not in ("", "/") or "@" in text:
        return None
    return parts.scheme, parts.hostname, port or _DEFAULT_PORTS.get(parts.scheme)


def _key(method: str, http_version: str, headers: Headers) -> str:
    """Check what makes a request a WebSocket handshake, and return its key."""
    if method != "GET":
        raise Refused(HTTPStatus.METHOD_NOT_ALLOWED, "Upgrade with GET.", ("Allow", "GET"))
    if http_version != "1.1":
        raise Refused(HTTPStatus.BAD_REQUEST, "A WebSocket needs HTTP/1.1.")
    if headers.all("transfer-encoding") or headers.one("content-length") not in ("", "0"):
        raise Refused(HTTPStatus.BAD_REQUEST, "An upgrade has no body.")
    if headers.one("sec-websocket-version") != VERSION:
        raise Refused(
            HTTPStatus.UPGRADE_REQUIRED,
            f"This server speaks version {VERSION} of the WebSocket protocol.",
            ("Sec-WebSocket-Version", VERSION),
        )
    key = headers.one("sec-websocket-key")
    try:
        is_valid = len(key) == 24 and len(b64decode(key, validate=True)) == 16
    except (NotBase64, ValueError):
        is_valid = False
    if not is_valid:
        raise Refused(HTTPStatus.BAD_REQUEST, "Sec-WebSocket-Key must be 16 bytes in base64.")
    return key


def _response(status: HTTPStatus, headers: Iterable[tuple[str, str]], body: bytes = b"") -> bytes:
    lines = [f"HTTP/1.1 {status.value} {status.phrase}"]
    lines += [f"{name}: {value}" for name, value in headers]
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body
