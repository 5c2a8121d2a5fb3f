"""The web client and the widget: a folder of built files, served at ``/``."""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from starlette.datastructures import Headers
from starlette.responses import FileResponse
from starlette.routing import BaseRoute, Match
from starlette.types import Receive, Scope, Send

INDEX = "index.html"
WORKER = "worker.js"
_POLICY: Final = (
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self' blob: data:",
    "media-src 'self' blob:",
    "font-src 'self'",
    "connect-src 'self'",
    "frame-src 'self' blob:",
    "worker-src 'self'",
    "manifest-src 'self'",
    "base-uri 'none'",
    "form-action 'self'",
    "frame-ancestors 'none'",
)
_FETCHED: Final = ("img-src", "media-src", "connect-src")
CONTENT_SECURITY_POLICY: Final = "; ".join(_POLICY)
PERMISSIONS_POLICY: Final = "microphone=(self), camera=(self), geolocation=(self)"
WIDGET: Final = ("/widget.js", "/widget/")
"""Files that pages of other sites load: the script they name, and what it loads in turn."""
RESERVED: Final = ("/api/", "/protocol/", "/assets/", "/widget/", "/ws")
"""Paths where a missing file is an error, and no address of the client's own."""
ENCODINGS: Final = (("br", ".br"), ("gzip", ".gz"))
TYPES: Final[Mapping[str, str]] = {
    ".css": "text/css",
    ".html": "text/html",
    ".js": "text/javascript",
    ".json": "application/json",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".webmanifest": "application/manifest+json",
}


class WebClient(BaseRoute):
    """Serves the files of a folder, and the index for every address that is the client's own.

    The folder is read once: what is not in it then is never served. Files under ``assets``
    and ``widget`` have a hash in their names and are kept by browsers for ever; all others are
    asked for anew each time. Every site's pages may load the widget's files, which hold
    nothing of anybody's; what they may then ask for is decided at the other paths. A ``.br``
    or ``.gz`` beside a file is sent to who takes it.

    Args:
        folder: The built client. Without an index in it, nothing is served.
        storage: The origin that files come from and go to, if it is another; empty for none.
    """

    def __init__(self, folder: Path, storage: str = "") -> None:
        self._policy = content_security_policy(storage)
        files = {f"/{path.relative_to(folder).as_posix()}": path for path in folder.rglob("*")}
        self._files = {name: path for name, path in files.items() if path.suffix in TYPES}
        self._packed = {path for path in files.values() if path.suffix in (".br", ".gz")}
        self._index = self._files.get(f"/{INDEX}")

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """Take a request for a page or a file of ours; leave all others."""
        is_ours = (
            scope["type"] == "http"
            and scope["method"] in ("GET", "HEAD")
            and self._found(scope["path"]) is not None
        )
        return (Match.FULL if is_ours else Match.NONE), {}

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer with the file."""
        path = self._found(scope["path"])
        assert path is not None
        headers = _headers(scope["path"], path, self._policy)
        accepted = Headers(scope=scope).get("accept-encoding", "")
        sent = path
        for encoding, suffix in ENCODINGS:
            packed = path.with_name(path.name + suffix)
            if packed in self._packed and encoding in accepted:
                headers["content-encoding"] = encoding
                sent = packed
                break
        response = FileResponse(sent, headers=headers, media_type=TYPES[path.suffix])
        await response(scope, receive, send)

    def _found(self, path: str) -> Path | None:
        file = self._files.get(path)
        if file is not None:
            return file
        is_page = not path.startswith(RESERVED) and "." not in path.rpartition("/")[2]
        return self._index if is_page else None


def _headers(name: str, path: Path, policy: str) -> dict[str, str]:
    is_hashed = name.startswith(("/assets/", "/widget/"))
    headers = {
        "cache-control": "public, max-age=31536000, immutable" if is_hashed else "no-cache",
        "vary": "accept-encoding",
    }
    if name.startswith(WIDGET):
        headers["access-control-allow-origin"] = "*"
        headers["cross-origin-resource-policy"] = "cross-origin"
    if path.name in (INDEX, WORKER):
        headers["content-security-policy"] = policy
    if path.name == INDEX:
        headers["permissions-policy"] = PERMISSIONS_POLICY
        headers["cross-origin-opener-policy"] = "same-origin"
    return headers


def content_security_policy(storage: str = "") -> str:
    """Return what the client's page may reach: the server, and the origin that has the files."""
    if not storage:
        return CONTENT_SECURITY_POLICY
    return "; ".join(
        f"{one} {storage}" if one.partition(" ")[0] in _FETCHED else one for one in _POLICY
    )
