"""What a refusal looks like on the native protocol's wire."""

import msgspec

from hongyan.kernel.errors import Internal, Invalid, Refusal
from hongyan.wire.native.codec import WireError


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
