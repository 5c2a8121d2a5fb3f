"""The HTTP application: its paths and what goes around them."""

import re
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from pathlib import Path

import msgspec
from msgspec import Struct
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import Receive, Scope, Send

from hongyan.access.admission import Admission
from hongyan.domain.catalog import COMMANDS
from hongyan.kernel.clock import Clock
from hongyan.kernel.errors import Invalid, NotFound, Refusal, Unavailable
from hongyan.kernel.turns import TakesTurns

from .commands import Commands
from .errors import MethodNotAllowed, problem
from .importing import Importing
from .middleware import Noted, SecurityHeaders
from .openapi import openapi_json
from .operations import operations
from .rest import Rest
from .routes import PREFIX, ROUTES
from .sync_stream import SyncStream
from .tus import TUS_HEADERS, TUS_REQUEST_HEADERS

Answer = Callable[[Request], Awaitable[Response]]
EXPOSED = (
    "Retry-After",
    "RateLimit",
    "RateLimit-Policy",
    "WWW-Authenticate",
    "Link",
    "Idempotency-Replayed",
)


class HttpOptions(Struct, frozen=True, kw_only=True):
    """Options of HTTP."""

    body_bytes_max: int = 1024 * 1024
    """The largest body of a request."""
    body_timeout_s: float = 30.0
    """Seconds in which a request's body must have come."""
    allowed_origins: tuple[str, ...] = ()
    """Web origins whose pages may call (CORS); ``https://*.example.org`` for all subdomains,
    ``*`` for all. Empty: the server's own only."""
    protocol_dir: Path | None = None
    """The folder of the protocol's documents, offered at ``/protocol/``."""
    content_security_policy: str = "default-src 'none'; frame-ancestors 'none'"
    """Of the answers that have none of their own."""


class Health(Struct, frozen=True):
    """The server lives, and this is its time."""

    status: str
    time_ms: int


def create_app(
    admission: Admission,
    options: HttpOptions = HttpOptions(),  # noqa: B008
    is_ready: Callable[[], bool] = lambda: True,
    routes: tuple[BaseRoute, ...] = (),
    noted: Noted = lambda _status, _seconds: None,
    turns: TakesTurns | None = None,
) -> Starlette:
    """Return the application.

    The peer's address is taken from the connection's scope: whoever serves the application
    has looked behind trusted proxies already.

    Args:
        admission: Admits requests, and carries commands.
        options: The settings.
        is_ready: Whether requests can be answered now; ``/readyz`` says it.
        routes: Further paths, such as a web client's; ours come first.
        noted: Called with the class of each answer's status, and after how many seconds it began.
        turns: Lets a repeated request wait for the first one; None does so in this process.
    """
    clock = admission.clock
    commands = Commands(admission, options.body_bytes_max, options.body_timeout_s)
    sync = SyncStream(commands, clock)
    paths: list[BaseRoute] = [
        Rest(commands, operations(COMMANDS, ROUTES), turns),
        Route(f"{PREFIX}/app/users", Importing(commands), methods=["POST"]),
        Route(f"{PREFIX}/openapi.json", _openapi, methods=["GET"]),
        Route("/healthz", _health(clock, lambda: True), methods=["GET"]),
        Route("/readyz", _health(clock, is_ready), methods=["GET"]),
        Route(f"{PREFIX}/sync/stream", AsIs(sync.stream), methods=["GET"]),
        Route(f"{PREFIX}/sync/poll", AsIs(sync.poll), methods=["POST"]),
    ]
    if options.protocol_dir is not None:
        paths.append(Mount("/protocol", StaticFiles(directory=options.protocol_dir)))
    return Starlette(
        routes=[*paths, *routes],
        middleware=_middleware(options, noted),
        exception_handlers={
            Refusal: _refused,
            msgspec.DecodeError: _refused,
            ClientDisconnect: _hung_up,
            HTTPException: _no_such_path,
        },
    )


class AsIs:
    """An ASGI application that a route calls as it is, once for each request."""

    def __init__(self, answer: Callable[[Scope, Receive, Send], Awaitable[None]]) -> None:
        self._answer = answer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        await self._answer(scope, receive, send)


async def _openapi(_request: Request) -> Response:
    headers = {"cache-control": "public, max-age=300"}
    return Response(openapi_json(), 200, headers, "application/json")


def _health(clock: Clock, is_well: Callable[[], bool]) -> Answer:
    async def answer(_request: Request) -> Response:
        if not is_well():
            raise Unavailable
        body = msgspec.json.encode(Health("ok", clock.now_ms()))
        return Response(body, 200, {"cache-control": "no-store"}, "application/json")

    return answer


def _middleware(options: HttpOptions, noted: Noted) -> list[Middleware]:
    shared = "cross-origin" if options.allowed_origins else "same-origin"
    headers = {
        "x-content-type-options": "nosniff",
        "referrer-policy": "no-referrer",
        "content-security-policy": options.content_security_policy,
        "cross-origin-resource-policy": shared,
    }
    found = [Middleware(SecurityHeaders, headers=headers, noted=noted)]
    if options.allowed_origins:
        found.append(
            Middleware(
                CORSMiddleware,
                allow_origins=[one for one in options.allowed_origins if "*." not in one],
                allow_origin_regex=_subdomains(options.allowed_origins),
                allow_methods=["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"],
                allow_headers=[
                    "authorization",
                    "content-type",
                    "idempotency-key",
                    "last-event-id",
                    *TUS_REQUEST_HEADERS,
                ],
                expose_headers=(*EXPOSED, *TUS_HEADERS),
            )
        )
    return found


def _subdomains(origins: tuple[str, ...]) -> str | None:
    """Return a pattern of what ``https://*.example.org`` stands for; None for none of these."""
    patterns = [
        re.escape(one).replace(r"\*\.", r"([a-z0-9-]+\.)+") for one in origins if "*." in one
    ]
    return "|".join(patterns) or None


async def _refused(_request: Request, error: Exception) -> Response:
    return problem(error)


async def _hung_up(_request: Request, _error: Exception) -> Response:
    return problem(Invalid("The request ended before its body."))


async def _no_such_path(_request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        response = problem(MethodNotAllowed())
        response.headers.update(error.headers or {})
        return response
    return problem(NotFound("There is nothing at this path."))
