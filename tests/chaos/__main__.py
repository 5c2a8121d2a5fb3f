"""``python -m tests.chaos``: kill the server under load, and count what is lost."""

import argparse
import sys
import tempfile
from pathlib import Path

import uvloop

from .report import show
from .run import Plan, run


def main() -> int:
    """Play, print, and return 1 where anything is wrong."""
    plan = Plan()
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--kills", type=int, default=plan.kills)
    parser.add_argument("--seconds", type=float, default=0, help="stop killing after so long")
    parser.add_argument("--users", type=int, default=plan.users)
    parser.add_argument("--data", type=Path, help="a new folder to use, and to keep")
    chosen = parser.parse_args()
    plan = Plan(kills=chosen.kills, seconds=chosen.seconds, users=chosen.users)
    with tempfile.TemporaryDirectory(prefix="hongyan-chaos-") as temporary:
        outcome = uvloop.run(run(chosen.data or Path(temporary), plan))
    show(
        outcome,
        kills=outcome.kills,
        longest_unavailability=f"{outcome.longest_outage_s:.2f} s",
        slowest_start=f"{outcome.start_s:.2f} s",
        files_fetched=outcome.downloads,
        transfers_resumed=outcome.resumed,
        times_receiver_was_down=outcome.receiver_downs,
        batches_redelivered=outcome.redelivered,
    )
    enough = outcome.kills >= plan.kills or plan.seconds > 0
    worked = outcome.acknowledged and outcome.files and outcome.events
    return 0 if outcome.verdict.is_clean and enough and worked else 1


if __name__ == "__main__":
    sys.exit(main())
