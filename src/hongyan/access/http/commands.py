"""The common parts of requests: who sends them, their bodies, and answers in JSON."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from hongyan.access.admission import Admission, Guest
from hongyan.kernel.bus import Command

from .errors import BodyTooLarge, BodyTooSlow, NotJson

ON_BEHALF_OF = "hongyan-on-behalf-of"
NO_STORE = {"cache-control": "no-store"}
_encode = msgspec.json.Encoder().encode


class Commands:
    """Admits requests, and reads their bodies.

    Args:
        admission: Admits commands, and carries them.
        body_bytes_max: The largest body of a request.
        body_timeout_s: How long a body may take to come.
    """

    def __init__(self, admission: Admission, body_bytes_max: int, body_timeout_s: float) -> None:
        self.admission = admission
        self._body_bytes_max = body_bytes_max
        self._body_timeout_s = body_timeout_s

    def guest(self, request: Request) -> Guest:
        """Return whoever sent the request, a stranger still."""
        return self.admission.connect(address_of(request))

    async def admit(self, guest: Guest, request: Request, command: type[Command[Any]]) -> None:
        """Let the request's headers say who asks, and admit the command.

        Raises:
            Refusal: as ``Guest.admit``.
        """
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        token = token.strip() if scheme.lower() == "bearer" else ""
        await guest.admit(command, token, request.headers.get(ON_BEHALF_OF, ""))

    async def body(self, request: Request) -> bytes:
        """Return the whole body of JSON, holding no more than the limit.

        Raises:
            BodyTooLarge, BodyTooSlow, NotJson: as they say.
        """
        body = bytearray()
        try:
            async with asyncio.timeout(self._body_timeout_s):
                async for chunk in request.stream():
                    body += chunk
                    if len(body) > self._body_bytes_max:
                        raise BodyTooLarge(limit=self._body_bytes_max)
        except TimeoutError as error:
            raise BodyTooSlow from error
        if body and content_type_of(request) != "application/json":
            raise NotJson
        return bytes(body)

    async def chunks(self, request: Request) -> AsyncIterator[bytes]:
        """Yield the body as it comes; each piece must come in time.

        Raises:
            BodyTooSlow: one did not.
        """
        stream = request.stream().__aiter__()
        while True:
            try:
                async with asyncio.timeout(self._body_timeout_s):
                    chunk = await anext(stream, None)
            except TimeoutError as error:
                raise BodyTooSlow from error
            if chunk is None:
                return
            yield chunk


def json_response(result: Any) -> Response:
    """Return the answer that carries a command's result."""
    return Response(_encode(result), 200, NO_STORE, "application/json")


def content_type_of(request: Request) -> str:
    """Return the media type of the body, without its parameters."""
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


def address_of(request: Request) -> str:
    """Return the peer's address; the server below has already looked behind the proxies."""
    return request.client.host if request.client is not None else ""
