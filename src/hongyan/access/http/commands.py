"""From a request to a command and back: the seam for every path that runs a command."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import msgspec
from msgspec import structs
from starlette.requests import Request
from starlette.responses import Response

from hongyan.access.keys import identify
from hongyan.domain.integration.scopes import check_scope
from hongyan.kernel.bus import ANONYMOUS, Access, Actor, Caller, Command
from hongyan.kernel.errors import Forbidden, Unauthenticated, UnknownMethod

from .errors import BodyTooLarge, BodyTooSlow, NotJson

ON_BEHALF_OF = "hongyan-on-behalf-of"
NO_STORE = {"cache-control": "no-store"}
_encode = msgspec.json.Encoder().encode


class Commands:
    """Runs commands for requests.

    Args:
        caller: Carries the commands.
        body_bytes_max: The largest body of a request.
        body_timeout_s: How long a body may take to come.
    """

    def __init__(self, caller: Caller, body_bytes_max: int, body_timeout_s: float) -> None:
        self.caller = caller
        self._body_bytes_max = body_bytes_max
        self._body_timeout_s = body_timeout_s

    async def run(self, request: Request, command: type[Command[Any]]) -> Response:
        """Run the command whose parameters are the request's JSON body, and answer with JSON.

        Raises:
            Refusal: the door's, or the handler's.
            msgspec.DecodeError, msgspec.ValidationError: the body is not the command's.
        """
        actor = await self.admit(request, command)
        params = msgspec.json.decode(await self.body(request) or b"{}", type=command)
        return json_response(await self.caller.call(actor, params))

    async def admit(self, request: Request, command: type[Command[Any]]) -> Actor:
        """Return who asks, if the command is for that one.

        Raises:
            Unauthenticated, Forbidden: the command is not for that one.
            Invalid: the header that says for whom a key acts is wrong or missing.
            UnknownMethod: the command is for nobody outside.
        """
        if command.ACCESS == Access.INTERNAL:
            raise UnknownMethod
        address = address_of(request)
        if command.ACCESS == Access.ANYONE:
            return structs.replace(ANONYMOUS, address=address)
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer":
            raise Unauthenticated
        on_behalf_of = request.headers.get(ON_BEHALF_OF, "")
        actor = await identify(self.caller, token.strip(), address, on_behalf_of)
        check_scope(actor, command)
        if command.ACCESS == Access.ADMIN and not actor.admin:
            raise Forbidden
        return actor

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
