"""``python -m tests.chaos``: kill the server under load, and count what is lost."""

import argparse
import sys
import tempfile
from pathlib import Path

import uvloop

from .play import Outcome, Plan, play


def show(outcome: Outcome) -> None:
    """Print what happened."""
    verdict = outcome.verdict
    figures = {
        "kills": outcome.kills,
        "messages acknowledged": outcome.acknowledged,
        "retries": outcome.retries,
        "entries in the logs": outcome.entries,
        "lost": len(verdict.lost),
        "duplicated": len(verdict.duplicated),
        "disordered": len(verdict.disordered),
        "unread wrong": len(verdict.unread),
        "files uploaded": outcome.files,
        "files fetched": outcome.downloads,
        "transfers resumed": outcome.resumed,
        "files damaged": len(verdict.files),
        "webhook events": outcome.events,
        "times receiver was down": outcome.receiver_downs,
        "batches redelivered": outcome.redelivered,
        "events missed": len(verdict.events_missed),
        "events doubled": len(verdict.events_doubled),
        "events disordered": len(verdict.events_disordered),
        "longest unavailability": f"{outcome.longest_outage_s:.2f} s",
        "slowest start": f"{outcome.start_s:.2f} s",
    }
    for name, value in figures.items():
        print(f"{name:<24}{value:>12}")
    for sentence in verdict.examples():
        print(f"  {sentence}")


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
        outcome = uvloop.run(play(chosen.data or Path(temporary), plan))
    show(outcome)
    enough = outcome.kills >= plan.kills or plan.seconds > 0
    worked = outcome.acknowledged and outcome.files and outcome.events
    return 0 if outcome.verdict.is_clean and enough and worked else 1


if __name__ == "__main__":
    sys.exit(main())
