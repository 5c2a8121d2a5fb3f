"""Refusals over HTTP: one table of statuses, and RFC 9457 problem details."""

import math
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final

import msgspec
from msgspec import Struct
from starlette.responses import Response

from hongyan.domain.integration.commands import RefusedByHook
from hongyan.domain.media.commands import FileTooLarge, QuotaExceeded, UnsupportedType
from hongyan.domain.user.commands import MailNotConfigured
from hongyan.kernel.errors import (
    Busy,
    Conflict,
    Forbidden,
    Internal,
    Invalid,
    LimitReached,
    NotFound,
    RateLimited,
    Refusal,
    StorageFull,
    Unauthenticated,
    Unavailable,
    UnknownMethod,
)

PROBLEM_TYPE = "application/problem+json"


class BodyTooLarge(LimitReached):
    """The request's body is larger than ``limit`` bytes."""

    code = "body_too_large"
    message = "The body of the request is too large."


class BodyTooSlow(Unavailable):
    """The request's body did not come in time."""

    code = "body_too_slow"
    message = "The body of the request did not come in time."


class NotJson(Invalid):
    """The request's body is of another type than JSON."""

    code = "not_json"
    message = "Send JSON, with the content type application/json."


class NotJsonLines(NotJson):
    """The request's body is of another type than JSON lines."""

    code = "not_json_lines"
    message = "Send lines of JSON, with the content type application/x-ndjson."


class MethodNotAllowed(Invalid):
    """The path exists, but not for this HTTP method."""

    code = "method_not_allowed"
    message = "This path does not take this HTTP method."


STATUSES: Final[Mapping[type[Refusal], HTTPStatus]] = {
    Invalid: HTTPStatus.BAD_REQUEST,
    NotJson: HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
    MethodNotAllowed: HTTPStatus.METHOD_NOT_ALLOWED,
    UnknownMethod: HTTPStatus.NOT_FOUND,
    Unauthenticated: HTTPStatus.UNAUTHORIZED,
    Forbidden: HTTPStatus.FORBIDDEN,
    RefusedByHook: HTTPStatus.FORBIDDEN,
    NotFound: HTTPStatus.NOT_FOUND,
    Conflict: HTTPStatus.CONFLICT,
    RateLimited: HTTPStatus.TOO_MANY_REQUESTS,
    LimitReached: HTTPStatus.UNPROCESSABLE_ENTITY,
    BodyTooSlow: HTTPStatus.REQUEST_TIMEOUT,
    BodyTooLarge: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    Busy: HTTPStatus.SERVICE_UNAVAILABLE,
    StorageFull: HTTPStatus.INSUFFICIENT_STORAGE,
    Unavailable: HTTPStatus.SERVICE_UNAVAILABLE,
    MailNotConfigured: HTTPStatus.NOT_IMPLEMENTED,
    FileTooLarge: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    QuotaExceeded: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    UnsupportedType: HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
    Internal: HTTPStatus.INTERNAL_SERVER_ERROR,
}
"""A refusal has the status of the nearest class that it descends from."""


class Problem(Struct, frozen=True):
    """RFC 9457, section 3, and what the native protocol's errors say besides."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    retryable: bool
    details: dict[str, Any]


def status_of(kind: type[Refusal]) -> HTTPStatus:
    """Return a refusal's status.

    Raises:
        LookupError: no class that it descends from is in the table.
    """
    for ancestor in kind.__mro__:
        if ancestor in STATUSES:
            return STATUSES[ancestor]
    raise LookupError(kind.code)


def problem(error: Exception, named_status: int = 0) -> Response:
    """Return the answer for whatever a request raised.

    A refusal speaks for itself; a value that does not fit its type is ``invalid``; anything
    else is a defect of ours, of which the caller learns nothing but that it happened.

    Args:
        error: What was raised.
        named_status: Where a protocol names another status for it; 0 takes the table's.
    """
    if isinstance(error, msgspec.ValidationError | msgspec.DecodeError):
        error = Invalid(str(error))
    if not isinstance(error, Refusal):
        error = Internal()
    status = named_status or status_of(type(error))
    body = Problem(
        type=f"/protocol/errors.md#{error.code}",
        title=type(error).message,
        status=status,
        detail=error.text,
        code=error.code,
        retryable=error.retryable,
        details=dict(error.details),
    )
    headers = _headers(error, status)
    return Response(msgspec.json.encode(body), status, headers, PROBLEM_TYPE)


def _headers(error: Refusal, status: int) -> dict[str, str]:
    headers = {"cache-control": "no-store"}
    if status == HTTPStatus.UNAUTHORIZED:
        headers["www-authenticate"] = 'Bearer realm="hongyan"'  # RFC 6750, section 3
    wait_ms = error.details.get("retry_after_ms", 1_000 if error.retryable else None)
    if wait_ms is not None:
        headers["retry-after"] = str(math.ceil(wait_ms / 1_000))
    return headers
