"""``python -m benchmarks.compare CHECKOUT``: two versions side by side, in slices of a moment.

A shared machine is now fast, now slow, by a quarter and for minutes. So the server of another
checkout and the one of this are up at once and are loaded in turns, a second and a half each; what
is compared is the server CPU of neighbours in time, and the median of all such pairs is printed.
"""

import argparse
import statistics
import subprocess
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from benchmarks import servers
from benchmarks.__main__ import Bench

ROOT = Path(__file__).parents[1]
TIMES = {"warmup_s": 0.3, "seconds": 1.5}
SIZES = ("600", "500", "1", "1")
"""Users, members of the group, conversations of the device that reads, messages in each."""
JOBS: dict[str, dict[str, Any]] = {
    "one in flight": {"mode": "pairs", "in_flight": 1},
    "eight in flight": {"mode": "pairs", "in_flight": 8},
    "fan-out to 500": {"mode": "fanout", "burst": 1, "in_flight": 4},
}


class Side:
    """One checkout, with its own interpreter, folder and server."""

    def __init__(self, checkout: Path, folder: Path, stack: ExitStack) -> None:
        python = str(checkout / ".venv" / "bin" / "python")
        subprocess.run(
            [python, "-m", "benchmarks.prepare", str(folder), *SIZES], cwd=checkout, check=True
        )
        self.server = stack.enter_context(servers.hongyan(folder, python, checkout))
        self.bench = Bench(folder, quick=True)

    def cost_us(self, job: dict[str, Any]) -> float:
        """Return the server CPU of a message, or of a delivery of the fan-out, in microseconds."""
        people = self.bench.pairs() if job["mode"] == "pairs" else self.bench.members(500)
        result = servers.load(self.server, connections=people[0], **job, **TIMES)
        if result["errors"]:
            raise RuntimeError(f"{result['errors']} errors, such as: {result['error']}")
        return float(result["server_cpu_s"] * 1e6 / max(result["acks"] or result["deliveries"], 1))


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.compare", description=__doc__)
    parser.add_argument("checkout", type=Path, help="another checkout, with a .venv of its own")
    parser.add_argument("--slices", type=int, default=20)
    parser.add_argument("--only", action="append", choices=JOBS, help="may be repeated")
    chosen = parser.parse_args()
    with ExitStack() as stack:
        temporary = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="hongyan-")))
        other = Side(chosen.checkout.resolve(), temporary / "other", stack)
        this = Side(ROOT, temporary / "this", stack)
        for name in chosen.only or JOBS:
            pairs = [_pair(other, this, JOBS[name], turn) for turn in range(chosen.slices)]
            ratios = sorted(mine / theirs for theirs, mine in pairs)
            sides = [sorted(side) for side in zip(*pairs, strict=True)]
            middle = [statistics.median(side) for side in sides]
            best = [statistics.mean(side[: max(1, len(side) // 6)]) for side in sides]
            quarter = len(ratios) // 4
            print(
                f"{name}: {middle[0]:.2f} -> {middle[1]:.2f} us,"
                f" ratio {statistics.median(ratios):.3f}"
                f" (half of the pairs {ratios[quarter]:.3f} to {ratios[-1 - quarter]:.3f});"
                f" the fastest sixth {best[0]:.2f} -> {best[1]:.2f} us, {best[1] / best[0]:.3f}",
                flush=True,
            )


def _pair(other: Side, this: Side, job: dict[str, Any], turn: int) -> tuple[float, float]:
    """Load both, who is first in turns; return the costs of the other and of this."""
    if turn % 2:
        mine = this.cost_us(job)
        return other.cost_us(job), mine
    theirs = other.cost_us(job)
    return theirs, this.cost_us(job)


if __name__ == "__main__":
    main()
