"""The exceptions of the SDK."""

from collections.abc import Mapping
from typing import Any


class HongyanError(Exception):
    """The base of all that this package raises."""


class Refused(HongyanError):
    """The server understood the request and refused it; nothing was changed.

    Attributes:
        code: Stable, such as ``not_a_member``; decide on this one.
        message: A sentence for a person.
        retryable: Whether the same request may succeed later.
        details: Values for a program, such as ``{"retry_after_ms": 1500}``.
    """

    def __init__(
        self,
        code: str,
        message: str = "",
        retryable: bool = False,
        details: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(f"{code}: {message}" if message else code)
        self.code = code
        self.message = message
        self.retryable = retryable
        self.details: Mapping[str, Any] = details or {}

    @property
    def retry_after_ms(self) -> int:
        """The wait before another try that the server asks for; 0 when it does not say."""
        value = self.details.get("retry_after_ms", 0)
        return value if isinstance(value, int) else 0


class ConnectionLost(HongyanError):
    """There is no connection, or it broke before the answer came; the request may have worked.

    Args:
        reason: A sentence for a person.
        code: The WebSocket close code; 0 when there was none.
    """

    def __init__(self, reason: str, code: int = 0) -> None:
        super().__init__(reason)
        self.reason = reason
        self.code = code


class LoggedOut(HongyanError):
    """The device may not connect any more: log in again.

    Args:
        reason: ``kicked``, ``replaced``, ``password_changed``, ``unauthenticated`` and so on.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(f"this device is logged out: {reason}")
        self.reason = reason


class StoreInUse(HongyanError):
    """Another process works with this store, or it holds another account."""


class ProtocolError(HongyanError):
    """The server said something that the protocol does not allow."""
