"""What an examination finds, and what to do about it."""

from collections.abc import Iterable
from typing import Literal

from msgspec import Struct

Level = Literal["fine", "note", "warning", "problem"]
"""``note``: for your information; ``warning``: mend it soon; ``problem``: mend it now."""


class Finding(Struct, frozen=True, omit_defaults=True):
    """One thing that was looked at."""

    check: str
    """What was looked at: ``database``, ``disk``."""
    level: Level
    text: str
    remedy: str = ""
    """What to do."""


def fine(check: str, text: str) -> Finding:
    """It is as it should be."""
    return Finding(check, "fine", text)


def note(check: str, text: str, remedy: str = "") -> Finding:
    """It is worth knowing."""
    return Finding(check, "note", text, remedy)


def warning(check: str, text: str, remedy: str) -> Finding:
    """It works, but not as it should."""
    return Finding(check, "warning", text, remedy)


def problem(check: str, text: str, remedy: str) -> Finding:
    """It does not work, or data is in danger."""
    return Finding(check, "problem", text, remedy)


def troubles(check: str, found: Iterable[str], all_well: str, remedy: str) -> list[Finding]:
    """Return a problem for each sentence, or that all is well."""
    problems = [problem(check, text, remedy) for text in found]
    return problems or [fine(check, all_well)]
