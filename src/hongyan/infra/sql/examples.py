"""Examples in diagnostics: some places, and how many more there are."""

from collections.abc import Sequence

SHOWN = 5


def examples(places: Sequence[str]) -> str:
    """Return the first places, and how many are left out."""
    more = f" and {len(places) - SHOWN} more" if len(places) > SHOWN else ""
    return ", ".join(places[:SHOWN]) + more
