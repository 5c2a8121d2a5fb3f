"""Counts and durations: noted for less than half a microsecond, read when somebody asks."""

from bisect import bisect_left
from typing import Final

BOUNDS_S: Final = (
    0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0,
)  # fmt: skip
"""The upper bounds of the buckets; one more holds what took longer."""


class Durations:
    """Durations of something, as a histogram.

    Attributes:
        counts: How often, by bucket: one more than there are bounds.
        total_s: All of them together.
    """

    __slots__ = ("counts", "total_s")

    def __init__(self) -> None:
        self.counts = [0] * (len(BOUNDS_S) + 1)
        self.total_s = 0.0

    def note(self, seconds: float) -> None:
        """Note one."""
        self.counts[bisect_left(BOUNDS_S, seconds)] += 1
        self.total_s += seconds


class Meters(dict[str, Durations]):
    """Durations by name; the names must be few, so never what a client chose."""

    def __missing__(self, name: str) -> Durations:
        made = self[name] = Durations()
        return made
