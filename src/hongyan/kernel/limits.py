"""Checks of sizes that every service makes of what it is given."""

from collections.abc import Sized

from .errors import Invalid, LimitReached

CLIENT_ID_MAX = 64


def check_length(name: str, value: Sized, most: int, least: int = 0) -> None:
    """Refuse a text or a collection that is too long or too short.

    Args:
        name: The field's name, for the sentence and the details.
        value: What was given.
        most: The greatest length (characters of a text, items of a collection).
        least: The smallest length.

    Raises:
        LimitReached: it is longer than ``most``.
        Invalid: it is shorter than ``least``.
    """
    if len(value) > most:
        raise LimitReached(f"{name} has at most {most}.", field=name, limit=most)
    if len(value) < least:
        raise Invalid(f"{name} has at least {least}.", field=name)


def check_range(name: str, value: int, least: int, most: int) -> None:
    """Refuse a number outside of its range.

    Raises:
        Invalid: it is.
    """
    if not least <= value <= most:
        raise Invalid(f"{name} is {least} to {most}.", field=name)
