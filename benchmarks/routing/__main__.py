"""``python -m benchmarks.routing``: which way to route facts, for how large a cluster.

Real brokers and processes are measured for 1, 2 and 4 gateways. The costs that explain those
measurements are then applied to what the real code sends in a simulation of up to 16 gateways.
"""

import argparse
import asyncio
import json
import statistics
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.routing.charts import panels
from benchmarks.routing.costs import FEATURES, Costs, Row
from benchmarks.routing.population import MIX, Population, Size
from benchmarks.routing.real import REAL, measure
from benchmarks.routing.simulator import Simulation

GATEWAYS = (1, 2, 4, 8, 16)
MEASURED_GATEWAYS = (1, 2, 4)
MEASURED_USERS = 6_000
BUCKETS = 1_024
QUIET, BUSY = 1, 32
"""Messages that a backend tells in one turn of its event loop."""
KINDS = (*MIX, "mix")
ORDER = ("broadcast", "broadcast-redis", "rpc", "registry", "interest", "exact")
LABELS = {
    "broadcast": "broadcast (NATS)",
    "broadcast-redis": "broadcast (Redis)",
    "interest": "interest, 1,024 buckets",
    "exact": "interest, own subjects",
}
NETWORK_BYTES_PER_S = 125e6
"""1 Gbit/s, what a broker's machine may send."""
FOLDER = Path(__file__).parents[2] / "docs" / "operate"


def simulate(
    people: Population,
    gateways: int,
    strategies: Sequence[str],
    kinds: Sequence[str],
    bursts: Sequence[int],
    events: int,
) -> list[Row]:
    """Return what is sent for a message, for each strategy, kind and burst."""

    async def run() -> list[Row]:
        rows: list[Row] = []
        for strategy in strategies:
            real = "broadcast" if strategy == "broadcast-redis" else strategy
            simulation = Simulation(real, people, gateways, BUCKETS)
            await simulation.start()
            for kind in kinds:
                for burst in bursts:
                    count = (await simulation.run(kind, events, burst)).per_event()
                    rows.append(
                        count
                        | {
                            "strategy": strategy,
                            "gateways": gateways,
                            "kind": kind,
                            "burst": burst,
                            "rounds": 1 / burst,
                            "arrived": count["handed_on"] + count["stray"],
                            "subscriptions": simulation.subscriptions,
                        }
                    )
            await simulation.close()
            print(f"  simulated {strategy}, {gateways} gateways", file=sys.stderr, flush=True)
        return rows

    return asyncio.run(run())


def measured(events: dict[int, int]) -> list[Row]:
    """Measure the real ones."""
    rows = []
    for gateways in MEASURED_GATEWAYS:
        for strategy in REAL:
            with tempfile.TemporaryDirectory(prefix="hongyan-bench-") as folder:
                print(f"  measuring {strategy}, {gateways} gateways", file=sys.stderr, flush=True)
                rows += measure(
                    Path(folder),
                    strategy,
                    gateways,
                    users=MEASURED_USERS,
                    events=events,
                    buckets=BUCKETS,
                )
    return rows


def counted(rows: Sequence[Row]) -> list[Row]:
    """Add what the same sends in the simulation."""
    people = Population(Size(MEASURED_USERS, has_hundred_thousand=False))
    bursts = tuple(sorted({row["burst"] for row in rows}))
    by: dict[tuple[Any, ...], Row] = {}
    for gateways in MEASURED_GATEWAYS:
        for row in simulate(people, gateways, ORDER, ("mix",), bursts, 4_000):
            by[row["strategy"], gateways, row["burst"]] = row
    return [row | by[row["strategy"], row["gateways"], row["burst"]] for row in rows]


def priced(costs: Costs, rows: Sequence[Row]) -> list[Row]:
    """Add what each process spends on a message, and where it ends."""
    for row in rows:
        for part in FEATURES:
            row[f"{part}_us"] = costs.of(part, row)
        row["gateway_us"] = row["gateways_us"] / row["gateways"]
        row["whole_us"] = costs.whole(row)
        ends = {
            "a backend": 1e6 / row["teller_us"],
            "NATS": 1e6 / max(row["nats_us"], 1e-9),
            "Redis": 1e6 / max(row["redis_us"], 1e-9),
            "each gateway": 1e6 / row["gateway_us"],
            "1 Gbit/s of the broker": NETWORK_BYTES_PER_S / row["delivered_bytes"],
        }
        row["first_full"] = min(ends, key=lambda end: ends[end])
        row["messages_per_s"] = ends[row["first_full"]]
    return list(rows)


def draw(rows: Sequence[Row]) -> None:
    """Write the charts."""

    def chart(burst: int, value: str, kinds: Sequence[str]) -> dict[str, dict[str, list[float]]]:
        by = {(r["kind"], r["strategy"], r["gateways"]): r for r in rows if r["burst"] == burst}
        return {
            kind: {
                LABELS.get(name, name): [by[kind, name, g][value] for g in GATEWAYS]
                for name in ORDER
            }
            for kind in kinds
        }

    for name, title, unit, burst, value in (
        ("messages", "Bus messages delivered for a chat message, quiet", "messages", QUIET,
         "delivered"),
        ("messages-busy", "Bus messages delivered for a chat message, busy", "messages", BUSY,
         "delivered"),
        ("bytes", "Bytes that the broker delivers for a chat message, busy", "bytes", BUSY,
         "delivered_bytes"),
        ("cpu", "CPU of all processes for a chat message, busy", "µs", BUSY, "whole_us"),
        ("cpu-quiet", "CPU of all processes for a chat message, quiet", "µs", QUIET, "whole_us"),
    ):  # fmt: skip
        svg = panels(title, unit, GATEWAYS, chart(burst, value, KINDS))
        (FOLDER / f"routing-{name}.svg").write_text(svg)


def table(rows: Sequence[Row], burst: int) -> str:
    """Return the mix as a table of Markdown."""
    lines = [
        "| strategy | gateways | bus messages in, out | bytes out | a backend µs | NATS µs | "
        "Redis µs | each gateway µs | all µs | full first | at messages/s |",
        "|---|--:|--:|--:|--:|--:|--:|--:|--:|---|--:|",
    ]
    chosen = [r for r in rows if r["kind"] == "mix" and r["burst"] == burst]
    for row in sorted(chosen, key=lambda r: (ORDER.index(r["strategy"]), r["gateways"])):
        lines.append(
            f"| {LABELS.get(row['strategy'], row['strategy'])} | {row['gateways']} | "
            f"{row['published']:.2f}, {row['delivered']:.2f} | "
            f"{row['delivered_bytes']:,.0f} | {row['teller_us']:.1f} | "
            f"{row['nats_us']:.1f} | {row['redis_us']:.1f} | {row['gateway_us']:.1f} | "
            f"{row['whole_us']:.0f} | {row['first_full']} | {row['messages_per_s']:,.0f} |"
        )
    return "\n".join(lines)


def show(rows: Sequence[Row]) -> None:
    """Draw, and print the tables."""
    draw(rows)
    for name, burst in (("busy", BUSY), ("quiet", QUIET)):
        print(f"\n{name}: {burst} messages a round\n\n{table(rows, burst)}")


def save(path: Path, rows: Sequence[Row]) -> None:
    """Write rows, a line each."""
    rounded = [
        {name: round(value, 4) if isinstance(value, float) else value for name, value in r.items()}
        for r in rows
    ]
    path.write_text("[\n" + ",\n".join(json.dumps(row) for row in rounded) + "\n]\n")


def main() -> None:
    """Measure, simulate, draw and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.routing", description=__doc__)
    parser.add_argument("--users", type=int, default=100_000, help="users in the simulation")
    parser.add_argument("--measured", type=Path, help="what was measured before; made if missing")
    parser.add_argument("--json", type=Path, help="where to write the figures")
    parser.add_argument(
        "--again", action="store_true", help="price and draw again what --json holds"
    )
    parser.add_argument("--only-measure", action="store_true", help="leave the simulation out")
    chosen = parser.parse_args()
    if chosen.measured is not None and chosen.measured.exists():
        real: list[Any] = json.loads(chosen.measured.read_text())
    else:
        real = measured({1: 4_000, 8: 12_000, 64: 20_000})
        if chosen.measured is not None:
            save(chosen.measured, real)
    real = counted(real)
    costs = Costs(real)
    errors = costs.errors(real)
    print("costs, µs:", json.dumps(costs.found, indent=1))
    print(f"the costs explain what was measured within {statistics.median(map(abs, errors)):.0%} "
          f"(median), {max(map(abs, errors)):.0%} (worst)")  # fmt: skip
    if chosen.only_measure:
        return
    rows: list[Row] = []
    if chosen.again:
        rows = json.loads(chosen.json.read_text())
    else:
        people = Population(Size(chosen.users))
        for gateways in GATEWAYS:
            rows += simulate(people, gateways, ORDER, KINDS, (QUIET, BUSY), 3_200)
    rows = priced(costs, rows)
    show(rows)
    if chosen.json is not None:
        save(chosen.json, rows)


if __name__ == "__main__":
    main()
