"""Positions as clients see them: tokens that sort as text in the order of the positions."""

from hongyan.kernel.errors import Invalid

DIGITS = 16


def token_of(position: int) -> str:
    """Return the token of a position."""
    return f"{position:0{DIGITS}x}"


def position_of(token: str) -> int:
    """Return the position that a token names; 0 for an empty one.

    Raises:
        Invalid: it is none of ours.
    """
    if not token:
        return 0
    try:
        position = int(token, 16)
    except ValueError:
        position = -1
    if position < 0 or token_of(position) != token or position >= 2**63:
        raise Invalid("This is no position of this server's.")
    return position
