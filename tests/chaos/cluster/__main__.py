"""``python -m tests.chaos.cluster``: let faults befall a cluster, and count what is lost."""

import argparse
import sys
import tempfile
from pathlib import Path

import uvloop
from rich.console import Console
from rich.table import Table

from tests.chaos.report import show

from .environment import Environment
from .faults import FAULTS
from .run import Blow, Plan, run

SHAPE = (2, 2, 2)


def _by_kind(blows: list[Blow]) -> Table:
    table = Table("fault", "times", "nobody served, at most", "a message waited, at most", box=None)
    for kind in FAULTS:
        those = [blow for blow in blows if blow.kind == kind]
        if those:
            silence_s = max(blow.silence_s for blow in those)
            slowest_s = max(blow.slowest_s for blow in those)
            table.add_row(kind, str(len(those)), f"{silence_s:.2f} s", f"{slowest_s:.2f} s")
    return table


def tell(blow: Blow) -> None:
    """Print one fault."""
    print(
        f"{blow.kind:<20}{blow.what:<28}{blow.lasted_s:6.1f} s;"
        f" nobody served {blow.silence_s:5.2f} s, a message waited {blow.slowest_s:5.2f} s",
        flush=True,
    )


def main() -> int:
    """Play, print, and return 1 where anything is wrong."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos.cluster", description=__doc__)
    parser.add_argument("--faults", type=int, default=Plan.faults)
    parser.add_argument("--users", type=int, default=Plan.users)
    parser.add_argument("--kind", action="append", choices=list(FAULTS), help="only these")
    parser.add_argument("--folder", type=Path, help="a new folder to use, and to keep")
    chosen = parser.parse_args()
    plan = Plan(chosen.faults, chosen.kind or tuple(FAULTS), chosen.users)
    with tempfile.TemporaryDirectory(prefix="hongyan-chaos-") as temporary:
        environment = Environment(chosen.folder or Path(temporary), SHAPE)
        try:
            environment.open()
            outcome = uvloop.run(run(environment, plan, tell))
        finally:
            environment.close()
    Console(width=100).print(_by_kind(outcome.blows))
    show(outcome, faults=len(outcome.blows))
    worked = outcome.acknowledged and outcome.files and outcome.events
    return 0 if outcome.verdict.is_clean and worked and len(outcome.blows) == plan.faults else 1


if __name__ == "__main__":
    sys.exit(main())
