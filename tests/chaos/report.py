"""What a play came to, printed."""

from collections.abc import Mapping
from typing import Protocol

from .checker import Verdict


class Outcome(Protocol):
    """What every play counts."""

    acknowledged: int
    retries: int
    entries: int
    files: int
    events: int
    verdict: Verdict


def show(outcome: Outcome, **more: object) -> None:
    """Print what happened, and a few sentences on what is wrong.

    Args:
        outcome: What was counted and judged.
        more: What this play counts besides, by name.
    """
    verdict = outcome.verdict
    figures: Mapping[str, object] = {
        **more,
        "messages acknowledged": outcome.acknowledged,
        "retries": outcome.retries,
        "entries in the logs": outcome.entries,
        "lost": len(verdict.lost),
        "duplicated": len(verdict.duplicated),
        "disordered": len(verdict.disordered),
        "unread wrong": len(verdict.unread),
        "files uploaded": outcome.files,
        "files damaged": len(verdict.files),
        "webhook events": outcome.events,
        "events missed": len(verdict.events_missed),
        "events doubled": len(verdict.events_doubled),
        "events disordered": len(verdict.events_disordered),
    }
    for name, value in figures.items():
        print(f"{name.replace('_', ' '):<24}{value:>12}")
    for sentence in verdict.examples():
        print(f"  {sentence}")
