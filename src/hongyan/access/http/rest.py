"""The REST API: every command at a path of its own."""

import hashlib
import re
from collections.abc import Sequence
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qsl, urlencode

import msgspec
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Match
from starlette.types import Receive, Scope, Send

from hongyan.access.admission import Guest
from hongyan.domain.integration.commands import FindAnswer, KeepAnswer
from hongyan.kernel.bus import Command
from hongyan.kernel.errors import Invalid, Refusal, Unauthenticated
from hongyan.kernel.turns import TakesTurns, Turns

from .commands import NO_STORE, Commands, json_response
from .errors import PROBLEM_TYPE, MethodNotAllowed, problem
from .limits import set_rate_headers
from .operations import Operation, Paths, retry_key_of
from .routes import NEVER_STORED, PREFIX

QUERY_FIELDS_MAX = 1_000
STORED_BYTES_MAX = 64 * 1024
_RAW_PREFIX = PREFIX.encode() + b"/"
_BAD_ESCAPE = re.compile(rb"%(?![0-9A-Fa-f]{2})")


class Rest(BaseRoute):
    """The route of all operations; finds one in as many steps as its path has segments.

    Args:
        commands: Runs commands.
        operations: What there is.
        turns: Lets a repeated request wait for the first one; None does so in this process.
    """

    def __init__(
        self,
        commands: Commands,
        operations: Sequence[Operation],
        turns: TakesTurns | None = None,
    ) -> None:
        self._commands = commands
        self._paths = Paths(operations)
        self._turns = turns or Turns()

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """Return whether there is an operation at the request's path."""
        if scope["type"] != "http":
            return Match.NONE, {}
        raw = scope.get("raw_path") or scope["path"].encode()
        raw = raw.partition(b"?")[0]
        if not raw.startswith(_RAW_PREFIX):
            return Match.NONE, {}
        try:
            found = self._paths.find(raw[len(_RAW_PREFIX) :])
        except Invalid as refusal:
            return Match.FULL, {"hongyan.refusal": refusal}
        if found is None:
            return Match.NONE, {}
        here, values = found
        operation = here.get(scope["method"])
        if operation is None:
            return Match.PARTIAL, {"hongyan.allowed": tuple(here)}
        return Match.FULL, {"hongyan.operation": operation, "hongyan.values": values}

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request that matched."""
        operation = scope.get("hongyan.operation")
        if operation is not None:
            request = Request(scope, receive)
            response = await self._answer(request, operation, scope["hongyan.values"])
        elif "hongyan.allowed" in scope:
            response = problem(MethodNotAllowed())
            response.headers["allow"] = ", ".join(scope["hongyan.allowed"])
        else:
            response = problem(scope["hongyan.refusal"])
        await response(scope, receive, send)

    async def _answer(
        self, request: Request, operation: Operation, values: Sequence[str]
    ) -> Response:
        guest = self._commands.guest(request)
        try:
            await self._commands.admit(guest, request, operation.command)
            response = await self._run(request, operation, values, guest)
        except (Refusal, msgspec.DecodeError) as error:
            response = problem(error)
        except RecursionError:
            response = problem(Invalid("The body is nested too deeply."))
        except OverflowError:
            response = problem(Invalid("A number is too large."))
        except ClientDisconnect:
            response = problem(Invalid("The request ended before its body."))
        set_rate_headers(guest, response.headers)
        return response

    async def _run(
        self, request: Request, operation: Operation, values: Sequence[str], guest: Guest
    ) -> Response:
        has_body = operation.verb not in ("GET", "DELETE")
        body = await self._commands.body(request) if has_body else b""
        query = query_of(request)
        header = request.headers.get("idempotency-key")
        retry_key = retry_key_of(header) if header is not None and operation.verb == "POST" else ""
        params = operation.read(values, query, body, retry_key)
        if (
            retry_key
            and not operation.takes_client_id
            and guest.actor.user_id
            and operation.method not in NEVER_STORED
        ):
            return await self._once(request, guest, params, body, retry_key)
        result = await guest.call(params)
        response = json_response(result)
        if operation.verb == "GET":
            _link_next(response, request, result, query)
        return response

    async def _once(
        self, request: Request, guest: Guest, params: Command[Any], body: bytes, retry_key: str
    ) -> Response:
        """Answer a repeated request with the first answer."""
        owner = f"{guest.actor.key_id}:{guest.actor.user_id}"
        asked = f"{request.method} {request.url.path}?{request.url.query}\n".encode() + body
        fingerprint = hashlib.sha256(asked).hexdigest()
        serve = self._commands.admission.serve
        async with self._turns.of(f"{owner} {retry_key}"):
            find = FindAnswer(owner=owner, key=retry_key, fingerprint=fingerprint)
            found = await serve(find)
            if found.status:
                kind = "application/json" if found.status < 400 else PROBLEM_TYPE
                headers = {**NO_STORE, "idempotency-replayed": "true"}
                return Response(found.body, found.status, headers, kind)
            try:
                response = json_response(await guest.call(params))
            except Refusal as refusal:
                if refusal.retryable or isinstance(refusal, Unauthenticated):
                    raise
                response = problem(refusal)
            if len(response.body) <= STORED_BYTES_MAX:
                keep = KeepAnswer(
                    owner=owner,
                    key=retry_key,
                    fingerprint=fingerprint,
                    status=response.status_code,
                    body=bytes(response.body).decode(),
                )
                await serve(keep)
        return response


def query_of(request: Request) -> list[tuple[str, str]]:
    """Return the query's parameters.

    Raises:
        Invalid: it is malformed.
    """
    raw: bytes = request.scope["query_string"]
    if not raw:
        return []
    if _BAD_ESCAPE.search(raw):
        raise Invalid("The query has a percent sign that escapes nothing.")
    try:
        found = parse_qsl(
            raw.decode("ascii"),
            keep_blank_values=True,
            errors="strict",
            max_num_fields=QUERY_FIELDS_MAX,
        )
    except ValueError as error:
        raise Invalid("The query is malformed or too long.") from error
    if any("\x00" in value for _, value in found):
        raise Invalid("The query has a character that cannot be.")
    return found


def _link_next(
    response: Response, request: Request, result: Any, query: Sequence[tuple[str, str]]
) -> None:
    """Name the next page in the header Link (RFC 8288)."""
    following = getattr(result, "next_after", None) or getattr(result, "next", None)
    if response.status_code == HTTPStatus.OK and following:
        rest = [(name, value) for name, value in query if name != "after"]
        path = request.scope["raw_path"].partition(b"?")[0].decode("ascii")
        target = f"{path}?{urlencode([*rest, ('after', following)])}"
        response.headers["link"] = f'<{target}>; rel="next"'
