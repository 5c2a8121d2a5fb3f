"""Registering, logging in and renewing tokens: plain HTTP beside the WebSocket."""

import asyncio
import http.client
import urllib.error
import urllib.request
from typing import Any

import msgspec
from msgspec import Struct

from .errors import ConnectionLost, Refused
from .wire import read

TIMEOUT_S = 20.0


class Tokens(Struct, frozen=True):
    """The tokens of a device that has logged in."""

    user_id: str
    device_id: str
    access_token: str
    expires_in_s: int
    refresh_token: str


class _Problem(Struct, frozen=True):
    """RFC 9457 problem details, with our members."""

    code: str
    detail: str = ""
    retryable: bool = False
    details: dict[str, Any] = {}


async def ask(url: str, path: str, params: dict[str, Any], token: str = "") -> bytes:
    """POST JSON to the server and return the answer's JSON.

    Args:
        url: The server's address, ``http(s)://`` or ``ws(s)://``.
        path: Such as ``/api/v1/auth/login``.
        params: The body.
        token: An access token, where the call needs one.

    Raises:
        Refused: the server says no.
        ConnectionLost: it cannot be reached or talks nonsense.
    """
    return await asyncio.to_thread(_post, http_url(url) + path, params, token)


async def log_in(url: str, path: str, params: dict[str, Any]) -> Tokens:
    """Return the tokens that ``register``, ``login`` or ``refresh`` gives.

    Raises:
        Refused, ConnectionLost: see ``ask``.
    """
    return read(await ask(url, f"/api/v1/auth/{path}", params), Tokens)


def http_url(url: str) -> str:
    """Return the HTTP address of the server at this ``http(s)`` or ``ws(s)`` address."""
    scheme, _, rest = url.rstrip("/").partition("://")
    if not rest:
        scheme, rest = "http", scheme
    schemes = {"http": "http", "https": "https", "ws": "http", "wss": "https"}
    if scheme not in schemes:
        raise ValueError(f"not a server's address: {url}")
    return f"{schemes[scheme]}://{rest.removesuffix('/ws')}"


def _post(url: str, params: dict[str, Any], token: str) -> bytes:
    headers = {"Content-Type": "application/json", "Accept": "application/json"}
    if token:
        headers["Authorization"] = f"Bearer {token}"
    request = urllib.request.Request(url, msgspec.json.encode(params), headers)
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=TIMEOUT_S) as answer:
            body: bytes = answer.read()
            return body
    except urllib.error.HTTPError as error:
        raise _refusal(error.code, error.read()) from error
    except (OSError, http.client.HTTPException) as error:
        raise ConnectionLost(f"cannot reach {url}: {error}") from error


def _refusal(status: int, body: bytes) -> Exception:
    try:
        problem = msgspec.json.decode(body, type=_Problem)
    except msgspec.MsgspecError:
        return ConnectionLost(f"the server answered {status}")
    return Refused(problem.code, problem.detail, problem.retryable, problem.details)
