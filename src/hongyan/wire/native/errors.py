"""Refusals on the wire, and back."""

from collections.abc import Iterator

import msgspec

from hongyan.kernel.errors import Internal, Invalid, Refusal

from .codec import WireError


def wire_error(error: BaseException) -> WireError:
    """Return the wire's error for whatever a command raised.

    A refusal speaks for itself; a value that does not fit its type is ``invalid``; anything
    else is a defect of ours, of which the caller learns nothing but that it happened.
    """
    if isinstance(error, msgspec.ValidationError):
        error = Invalid(str(error))
    if isinstance(error, OverflowError):  # of the store: an integer of more than 64 bits
        error = Invalid("A number is too large.")
    if not isinstance(error, Refusal):
        error = Internal()
    return WireError(error.code, error.text, error.retryable, dict(error.details))


def refusal_of(error: WireError) -> Refusal:
    """Return the refusal that travelled as this error.

    A code that this process does not know (the other one is newer) stays what it is.
    """
    kind = _known.get(error.code)
    if kind is None:
        _known.update({kind.code: kind for kind in _kinds(Refusal)})
        kind = _known.get(error.code)
    if kind is None:
        attributes = {"code": error.code, "retryable": error.retryable}
        kind = type("Foreign", (Internal,), attributes)
    return kind(error.message, **error.details)


_known: dict[str, type[Refusal]] = {}


def _kinds(kind: type[Refusal]) -> Iterator[type[Refusal]]:
    if kind.__name__ != "Foreign":
        yield kind
    for narrower in kind.__subclasses__():
        yield from _kinds(narrower)
