"""Refusals: what the domain says instead of doing something.

A refusal has a stable ``code`` (part of the protocol), a sentence for a person, whether the
same request may succeed later (``retryable``), and details for a program. Refusing changes
nothing. Services declare their own refusals in their ``api.py``, beside the commands.
"""

from collections.abc import Mapping
from typing import Any, ClassVar


class Refusal(Exception):
    """A request that was understood and is not carried out.

    Args:
        message: One sentence for a person, saying what to do next where that helps.
        details: JSON-able values for a program, such as ``{"limit": 500}``.
    """

    code: ClassVar[str] = "refused"
    message: ClassVar[str] = "The request was refused."
    retryable: ClassVar[bool] = False

    def __init__(self, message: str | None = None, **details: Any) -> None:
        super().__init__(message or self.message)
        self.details: Mapping[str, Any] = details

    @property
    def text(self) -> str:
        """The sentence for a person."""
        return str(self.args[0])


class Invalid(Refusal):
    """The request's shape or a value in it is wrong."""

    code = "invalid"
    message = "The request is not valid."


class UnknownMethod(Refusal):
    """No command of that name."""

    code = "unknown_method"
    message = "There is no such method."


class Unauthenticated(Refusal):
    """Nobody is logged in, or the token is wrong, expired or revoked."""

    code = "unauthenticated"
    message = "Log in first."


class Forbidden(Refusal):
    """The caller may not do this."""

    code = "forbidden"
    message = "You may not do this."


class NotFound(Refusal):
    """The thing does not exist, or the caller may not know that it does."""

    code = "not_found"
    message = "There is no such thing."


class Conflict(Refusal):
    """The request clashes with what is there already."""

    code = "conflict"
    message = "This clashes with what exists already."


class RateLimited(Refusal):
    """Too many requests; ``details["retry_after_ms"]`` says how long to wait."""

    code = "rate_limited"
    message = "Too many requests; wait a moment."
    retryable = True


class LimitReached(Refusal):
    """A count or size would exceed its limit; ``details["limit"]`` names it."""

    code = "limit_reached"
    message = "The limit is reached."


class Busy(Refusal):
    """A bounded queue is full, or others kept changing the same thing; try again."""

    code = "busy"
    message = "The server is busy; try again."
    retryable = True


class StorageFull(Refusal):
    """The disk is full. Nothing was written."""

    code = "storage_full"
    message = "The server's disk is full; nothing was saved. Tell its administrator."
    retryable = True


class Unavailable(Refusal):
    """The server is stopping, or a part that it needs is down."""

    code = "unavailable"
    message = "The server is not available now; try again."
    retryable = True


class Internal(Refusal):
    """A defect on our side; the log has the story."""

    code = "internal"
    message = "Something went wrong on the server."
    retryable = True
