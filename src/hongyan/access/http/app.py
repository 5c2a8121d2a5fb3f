"""The HTTP application: its paths and what goes around them."""

import math
import re
from collections.abc import Awaitable, Callable
from functools import partial
from http import HTTPStatus
from pathlib import Path
from typing import Any

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

from hongyan.access.rates import Buckets
from hongyan.domain.user.api import LogIn, LogOut, Refresh, Register
from hongyan.kernel.addresses import network_of
from hongyan.kernel.bus import Caller, Command
from hongyan.kernel.clock import Clock
from hongyan.kernel.errors import Invalid, NotFound, RateLimited, Refusal, Unavailable

from .commands import Commands, address_of
from .errors import MethodNotAllowed, problem
from .middleware import Outermost

Answer = Callable[[Request], Awaitable[Response]]
EXPOSED = ("Retry-After", "RateLimit", "RateLimit-Policy", "WWW-Authenticate")


class HttpOptions(Struct, frozen=True, kw_only=True):
    """What an operator may set of the HTTP door."""

    body_bytes_max: int = 1024 * 1024
    """The largest body of a request."""
    body_timeout_s: float = 30.0
    """Seconds in which a request's body must have come."""
    address_per_s: float = 2.0
    """Registrations, log-ins and refreshes a second from one address. 0 means no limit."""
    address_burst: float = 30.0
    """How many of them one address may save up."""
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
    caller: Caller,
    clock: Clock,
    options: HttpOptions = HttpOptions(),  # noqa: B008
    is_ready: Callable[[], bool] = lambda: True,
    routes: tuple[BaseRoute, ...] = (),
) -> Starlette:
    """Return the application.

    The peer's address is taken from the connection's scope: whoever serves the application
    has looked behind trusted proxies already.

    Args:
        caller: Carries the commands.
        clock: The server's time.
        options: The settings.
        is_ready: Whether requests can be answered now; ``/readyz`` tells it.
        routes: Further paths, such as a web client's; ours come first.
    """
    commands = Commands(caller, options.body_bytes_max, options.body_timeout_s)
    limited = partial(_limited, Buckets(options.address_per_s, options.address_burst), options)
    paths: list[BaseRoute] = [
        _post("/api/v1/auth/register", limited(_runs(commands, Register))),
        _post("/api/v1/auth/login", limited(_runs(commands, LogIn))),
        _post("/api/v1/auth/refresh", limited(_runs(commands, Refresh))),
        _post("/api/v1/auth/logout", _runs(commands, LogOut)),
        Route("/healthz", _health(clock, lambda: True), methods=["GET"]),
        Route("/readyz", _health(clock, is_ready), methods=["GET"]),
    ]
    if options.protocol_dir is not None:
        paths.append(Mount("/protocol", StaticFiles(directory=options.protocol_dir)))
    return Starlette(
        routes=[*paths, *routes],
        middleware=_middleware(options),
        exception_handlers={
            Refusal: _refused,
            msgspec.DecodeError: _refused,
            ClientDisconnect: _hung_up,
            HTTPException: _no_such_path,
        },
    )


def _post(path: str, answer: Answer) -> Route:
    return Route(path, answer, methods=["POST"])


def _runs(commands: Commands, command: type[Command[Any]]) -> Answer:
    """Return the answer that runs this command."""

    async def answer(request: Request) -> Response:
        return await commands.run(request, command)

    return answer


def _limited(buckets: Buckets, options: HttpOptions, answer: Answer) -> Answer:
    """Return the answer behind a limit by address, told in the RateLimit headers."""
    if options.address_per_s <= 0:
        return answer
    quota, rate = math.floor(options.address_burst), options.address_per_s
    policy = f'"auth";q={quota};w={math.ceil(quota / rate)}'

    async def guarded(request: Request) -> Response:
        bucket = buckets.of(network_of(address_of(request)))
        wait_s = bucket.take()
        try:
            if wait_s:
                raise RateLimited(retry_after_ms=math.ceil(wait_s * 1_000))
            response = await answer(request)
        except (Refusal, msgspec.DecodeError) as error:
            response = problem(error)
        left = math.floor(bucket.tokens)
        full_s = math.ceil((options.address_burst - bucket.tokens) / rate)
        response.headers["ratelimit-policy"] = policy
        response.headers["ratelimit"] = f'"auth";r={left};t={full_s}'
        return response

    return guarded


def _health(clock: Clock, is_well: Callable[[], bool]) -> Answer:
    async def answer(_request: Request) -> Response:
        if not is_well():
            raise Unavailable
        body = msgspec.json.encode(Health("ok", clock.now_ms()))
        return Response(body, 200, {"cache-control": "no-store"}, "application/json")

    return answer


def _middleware(options: HttpOptions) -> list[Middleware]:
    shared = "cross-origin" if options.allowed_origins else "same-origin"
    headers = {
        "x-content-type-options": "nosniff",
        "referrer-policy": "no-referrer",
        "content-security-policy": options.content_security_policy,
        "cross-origin-resource-policy": shared,
    }
    found = [Middleware(Outermost, headers=headers)]
    if options.allowed_origins:
        found.append(
            Middleware(
                CORSMiddleware,
                allow_origins=[one for one in options.allowed_origins if "*." not in one],
                allow_origin_regex=_subdomains(options.allowed_origins),
                allow_methods=["GET", "POST", "PUT", "PATCH", "DELETE"],
                allow_headers=["authorization", "content-type"],
                expose_headers=EXPOSED,
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
