"""Pages of a list: their size, and the opaque text that says where the next one starts."""

import base64
from typing import Annotated, Any

import msgspec

from .errors import Invalid
from .limits import check_range

PAGE_MAX = 500
"""The most items that one page of a list may hold."""
_Number = Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)]
_decode = msgspec.json.Decoder(list[_Number | str]).decode


def check_page(limit: int) -> None:
    """Refuse a page size that is not 1 to ``PAGE_MAX``.

    Raises:
        Invalid: it is not.
    """
    check_range("limit", limit, 1, PAGE_MAX)


def write_page_token(*values: str | int) -> str:
    """Return the text that ``read_page_token`` turns back into these values."""
    return base64.urlsafe_b64encode(msgspec.json.encode(values)).decode().rstrip("=")


def read_page_token(after: str, *types: type) -> tuple[Any, ...]:
    """Return the values of a place; none for the empty text, which is the start of the list.

    Args:
        after: What ``write_page_token`` made, though a caller may have altered it.
        types: The values' types.

    Raises:
        Invalid: it is no place of these types.
    """
    if not after:
        return ()
    try:
        values = _decode(base64.urlsafe_b64decode(after + "=" * (-len(after) % 4)))
    except ValueError as error:
        raise Invalid("after is not a place in this list.", field="after") from error
    if [type(value) for value in values] != list(types):
        raise Invalid("after is not a place in this list.", field="after")
    return tuple(values)
