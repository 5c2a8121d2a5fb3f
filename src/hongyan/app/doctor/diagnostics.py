"""Diagnostics: findings of an examination, each with a remedy."""

from collections.abc import Iterable
from typing import Literal

from msgspec import Struct

Level = Literal["fine", "note", "warning", "problem"]
"""``note``: for your information; ``warning``: mend it soon; ``problem``: mend it now."""


class Diagnostic(Struct, frozen=True, omit_defaults=True):
    """One thing that was looked at."""

    check: str
    """The thing that was looked at: ``database``, ``disk``."""
    level: Level
    text: str
    remedy: str = ""
    """The thing to do."""


def fine(check: str, text: str) -> Diagnostic:
    """Return a diagnostic of something that is as it should be."""
    return Diagnostic(check, "fine", text)


def note(check: str, text: str, remedy: str = "") -> Diagnostic:
    """Return a diagnostic that is worth knowing."""
    return Diagnostic(check, "note", text, remedy)


def warning(check: str, text: str, remedy: str) -> Diagnostic:
    """Return a diagnostic of something that works, but not as it should."""
    return Diagnostic(check, "warning", text, remedy)


def problem(check: str, text: str, remedy: str) -> Diagnostic:
    """Return a diagnostic of something that does not work, or of data in danger."""
    return Diagnostic(check, "problem", text, remedy)


def troubles(check: str, found: Iterable[str], all_well: str, remedy: str) -> list[Diagnostic]:
    """Return a problem for each sentence, or that all is well."""
    problems = [problem(check, text, remedy) for text in found]
    return problems or [fine(check, all_well)]
