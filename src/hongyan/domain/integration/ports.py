"""The port of integration to the outside: HTTP posts."""

from collections.abc import Mapping
from typing import Protocol

from msgspec import Struct


class Posted(Struct, frozen=True):
    """The receiver's answer; its body is cut at a bound."""

    status: int
    body: bytes = b""


class Unreachable(Exception):
    """No answer came: refused, too slow, or an address that may not be called."""


class Poster(Protocol):
    """Posts to receivers, and never to addresses that the operator did not allow."""

    async def post(self, url: str, headers: Mapping[str, str], body: bytes) -> Posted:
        """Post JSON and return the answer, whatever its status; redirects are not followed.

        Raises:
            Unreachable: there was no answer in time.
        """
        ...
