"""What a message, a round and an answer cost in CPU, fitted to what was measured."""

from collections.abc import Callable, Sequence
from typing import Any

Row = dict[str, Any]
"""What was measured or counted, for one message: see ``FEATURES``."""
FEATURES: dict[str, tuple[str, ...]] = {
    "teller": ("facts", "rounds", "published", "moves", "lookups"),
    "nats": ("published", "delivered", "rounds", "wakes"),
    "redis": ("published", "delivered", "wakes", "moves", "lookups"),
    "gateways": ("arrived", "delivered", "wakes"),
}
"""Process -> what its cost is made of: messages told, rounds of the publisher, bus messages sent
and delivered, times that a gateway was woken, looks at the registry's changes, conversations looked
up, messages that arrived."""
FAMILIES = {
    "broadcast": "nats",
    "interest": "nats",
    "exact": "nats",
    "registry": "nats",
    "broadcast-redis": "redis",
    "rpc": "rpc",
}
"""Strategies whose processes do the same with a bus message are fitted together."""


def fit(rows: Sequence[Row], names: Sequence[str], measured: Sequence[float]) -> dict[str, float]:
    """Return the costs, none negative, that explain what was measured with the least error.

    Errors count in proportion to what was measured.
    """
    names = [name for name in names if any(row[name] for row in rows)]
    while names:
        scaled = [[row[name] / m for name in names] for row, m in zip(rows, measured, strict=True)]
        found = _least_squares(scaled)
        if all(value >= 0 for value in found):
            return dict(zip(names, found, strict=True))
        names.pop(found.index(min(found)))
    return {}


def _least_squares(rows: Sequence[Sequence[float]]) -> list[float]:
    """Solve for weighted sums of 1, by the normal equations."""
    size = len(rows[0])
    matrix = [
        [sum(row[i] * row[j] for row in rows) + (1e-12 if i == j else 0) for j in range(size)]
        + [sum(row[i] for row in rows)]
        for i in range(size)
    ]
    for i in range(size):
        pivot = max(range(i, size), key=lambda k: abs(matrix[k][i]))
        matrix[i], matrix[pivot] = matrix[pivot], matrix[i]
        for k in range(size):
            if k != i:
                factor = matrix[k][i] / matrix[i][i]
                matrix[k] = [a - factor * b for a, b in zip(matrix[k], matrix[i], strict=True)]
    return [matrix[i][size] / matrix[i][i] for i in range(size)]


class Costs:
    """The costs of all processes of all families.

    Args:
        measured: Rows of ``real.measure``, each with the counts of the simulation of the same.
    """

    def __init__(self, measured: Sequence[Row]) -> None:
        self.found: dict[str, dict[str, dict[str, float]]] = {}
        for family in set(FAMILIES.values()):
            rows = [row for row in measured if FAMILIES[row["strategy"]] == family]
            self.found[family] = {part: fit(*_worth(rows, part)) for part in FEATURES}

    def of(self, part: str, row: Row) -> float:
        """Return what a process spends on a message, in µs; ``gateways`` are all of them."""
        costs = self.found[FAMILIES[row["strategy"]]][part]
        return float(sum(cost * row[name] for name, cost in costs.items()))

    def whole(self, row: Row) -> float:
        """Return what all processes spend on a message, in µs."""
        return sum(self.of(part, row) for part in FEATURES)

    def errors(self, measured: Sequence[Row]) -> list[float]:
        """Return by how much each measured row's whole differs from what the costs say."""
        wholes = [(sum(row[f"{part}_us"] for part in FEATURES), row) for row in measured]
        return [self.whole(row) / whole - 1 for whole, row in wholes]


def _worth(rows: Sequence[Row], part: str) -> tuple[list[Row], tuple[str, ...], list[float]]:
    """Leave out rows in which the process did nothing to speak of."""
    names = FEATURES[part]
    is_worth: Callable[[Row], bool] = lambda row: row[f"{part}_us"] > 0.3  # noqa: E731
    if part == "redis":
        if not any(row["moves"] or row["strategy"] == "broadcast-redis" for row in rows):
            return [dict.fromkeys(names, 0.0)], names, [1.0]
        if any(row["moves"] for row in rows):
            names = ("moves", "lookups")
            is_worth = lambda row: bool(row["moves"])  # noqa: E731
    elif part == "nats" and rows[0]["strategy"] == "broadcast-redis":
        return [dict.fromkeys(names, 0.0)], names, [1.0]
    worth = [row for row in rows if is_worth(row)]
    return worth, names, [row[f"{part}_us"] for row in worth]
