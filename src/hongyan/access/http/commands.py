"""From a request to a command and back: the seam for every path that runs a command."""

import asyncio
from typing import Any

import msgspec
from msgspec import structs
from starlette.requests import Request
from starlette.responses import Response

from hongyan.domain.user.api import Authenticate
from hongyan.kernel.bus import ANONYMOUS, Access, Actor, Caller, Command
from hongyan.kernel.errors import Forbidden, Unauthenticated, UnknownMethod

from .errors import BodyTooLarge, BodyTooSlow, NotJson


class Commands:
    """Runs commands for requests.

    Args:
        caller: Carries the commands.
        body_bytes_max: The largest body of a request.
        body_timeout_s: How long a body may take to come.
    """

    def __init__(self, caller: Caller, body_bytes_max: int, body_timeout_s: float) -> None:
        self._caller = caller
        self._body_bytes_max = body_bytes_max
        self._body_timeout_s = body_timeout_s

    async def run(self, request: Request, command: type[Command[Any]]) -> Response:
        """Run the command whose parameters are the request's JSON body, and answer with JSON.

        Raises:
            Refusal: the door's, or the handler's.
            msgspec.DecodeError, msgspec.ValidationError: the body is not the command's.
        """
        actor = await self._actor(request, command.ACCESS)
        params = msgspec.json.decode(await self._body(request) or b"{}", type=command)
        result = await self._caller.call(actor, params)
        headers = {"cache-control": "no-store"}
        return Response(msgspec.json.encode(result), 200, headers, "application/json")

    async def _actor(self, request: Request, access: str) -> Actor:
        """Return who asks.

        Raises:
            Unauthenticated, Forbidden: the command is not for that one.
            UnknownMethod: the command is for nobody outside.
        """
        if access == Access.INTERNAL:
            raise UnknownMethod
        address = address_of(request)
        if access == Access.ANYONE:
            return structs.replace(ANONYMOUS, address=address)
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer":
            raise Unauthenticated
        actor = await self._caller.call(ANONYMOUS, Authenticate(access_token=token.strip()))
        if access == Access.ADMIN and not actor.admin:
            raise Forbidden
        return structs.replace(actor, address=address)

    async def _body(self, request: Request) -> bytes:
        """Return the whole body, holding no more than the limit.

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
        content_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if body and content_type != "application/json":
            raise NotJson
        return bytes(body)


def address_of(request: Request) -> str:
    """Return the peer's address; the server below has already looked behind the proxies."""
    return request.client.host if request.client is not None else ""
