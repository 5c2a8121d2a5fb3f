"""``python -m benchmarks``: one table of what the server does, beside a bare picows relay.

The server runs on core 0 and the load on core 1. Each figure is the median of a few rounds in
which the server and the reference take turns, so that both see the same machine. Where
``server_core`` is far below 1, others used the core too, or the disk was waited for; where
``load_core`` is near 1, the load generator held the server back.
"""

import argparse
import json
import platform
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks import profiling, servers
from benchmarks.prepare import MANIFEST

PAIR_CONNECTIONS = 200
Connections = list[dict[str, Any]]
Result = dict[str, Any]


class Bench:
    """Holds both servers and what the data folder has in it.

    Args:
        data_dir: A prepared folder.
        quick: Whether to measure for a moment only.
    """

    def __init__(self, data_dir: Path, quick: bool) -> None:
        self.data_dir = data_dir
        self.rounds = 1 if quick else 3
        self.times: dict[str, float] = (
            {"warmup_s": 0.5, "seconds": 1.5} if quick else {"warmup_s": 1, "seconds": 4}
        )
        manifest = json.loads((data_dir / MANIFEST).read_text())
        self.people: list[tuple[str, str]] = manifest["people"]
        self.direct: list[str] = manifest["direct"]
        self.group: str = manifest["group"]
        self.read: list[str] = manifest["read"]

    def pairs(self) -> tuple[Connections, Connections]:
        """Return 200 connections in pairs, of the server and of the reference."""
        count = len(self.direct) * 2
        ours = [self._logged_in(i, to=self.direct[i // 2]) for i in range(count)]
        return ours, [{"path": f"/pair/{i}", "to": self.direct[i // 2]} for i in range(count)]

    def members(self, count: int) -> tuple[Connections, Connections]:
        """Return the group's members."""
        ours = [self._logged_in(i, to=self.group) for i in range(count)]
        return ours, [{"path": f"/group/{i}", "to": self.group} for i in range(count)]

    def everybody(self) -> tuple[Connections, Connections]:
        """Return a connection for each user."""
        count = len(self.people) - 1
        return (
            [self._logged_in(i) for i in range(count)],
            [{"path": f"/idle/{i}"} for i in range(count)],
        )

    def reader(self, **params: Any) -> Connections:
        """Return the device that has many conversations."""
        return [self._logged_in(-1, method="conversation.sync", params=params)]

    def _logged_in(self, number: int, **more: Any) -> dict[str, Any]:
        return {"path": "/ws", "token": self.people[number][1], **more}

    def both(self, ours: Connections, theirs: Connections, **job: Any) -> tuple[Result, Result]:
        """Run a job against the server and the reference, in turns; return the medians."""
        results: list[tuple[Result, Result]] = []
        for _ in range(self.rounds):
            with servers.hongyan(self.data_dir) as server:
                mine = servers.load(server, connections=ours, **job)
            with servers.reference() as server:
                results.append((mine, servers.load(server, connections=theirs, **job)))
        return median([mine for mine, _ in results]), median([other for _, other in results])


def median(results: Sequence[Result]) -> Result:
    """Return the median of each number; complain of errors."""
    for result in results:
        if result["errors"]:
            print(f"{result['errors']} errors, such as: {result['error']}", file=sys.stderr)
    numbers = [name for name, value in results[0].items() if isinstance(value, int | float)]
    return {name: statistics.median([result[name] for result in results]) for name in numbers}


class Line:
    """One line of the table."""

    def __init__(
        self, name: str, unit: str, ours: float, reference: float, aim: str = "", **more: Any
    ) -> None:
        self.name, self.unit, self.aim = name, unit, aim
        self.ours, self.reference = ours, reference
        self.more = more

    @property
    def ratio(self) -> float:
        """Ours by the reference's."""
        return self.ours / self.reference if self.reference else 0.0


def throughput(bench: Bench, in_flight: int) -> list[Line]:
    """Durable, acknowledged and delivered messages between 100 pairs."""
    ours, theirs = bench.pairs()
    mine, other = bench.both(ours, theirs, mode="pairs", in_flight=in_flight, **bench.times)
    rates = [min(r["acks"], r["deliveries"]) / r["seconds"] for r in (mine, other)]
    costs = [r["server_cpu_s"] * 1e6 / max(r["acks"], 1) for r in (mine, other)]
    what = f"1:1, {len(ours)} connections, {in_flight} in flight"
    return [
        Line(
            what,
            "messages/s",
            ours=rates[0],
            reference=rates[1],
            aim="≥ 15,000" if in_flight == 1 else "≥ 35,000",
            load_core=mine["load_cpu_s"] / mine["seconds"],
            server_core=mine["server_cpu_s"] / mine["seconds"],
            undelivered=mine["undelivered"],
        ),
        Line(f"{what}: server CPU", "µs/message", *costs),
    ]


def latency(bench: Bench) -> list[Line]:
    """From sending to delivery, at 2,000 messages a second."""
    ours, theirs = bench.pairs()
    mine, other = bench.both(ours, theirs, mode="latency", rate=2000, **bench.times)
    lines = []
    for percent, aim in ((50, "≤ 3"), (99, "≤ 15")):
        key = f"delivered_p{percent}_ms"
        what = f"send to delivered at 2,000/s, p{percent}"
        lines.append(Line(what, "ms", mine[key], other[key], aim, undelivered=mine["undelivered"]))
    cores = [r["server_cpu_s"] / r["seconds"] * 100 for r in (mine, other)]
    return [*lines, Line("server CPU at 2,000/s", "% of a core", *cores)]


def fanout(bench: Bench, burst: int) -> list[Line]:
    """One message to all members of a group of 500."""
    ours, theirs = bench.members(500)
    job = {"mode": "fanout", "burst": burst, "in_flight": 4 if burst == 1 else 2}
    mine, other = bench.both(ours, theirs, **job, **bench.times)
    rates = [r["deliveries"] / r["seconds"] for r in (mine, other)]
    what = f"fan-out to {len(ours)}, " + ("single" if burst == 1 else f"bursts of {burst}")
    return [
        Line(
            what,
            "deliveries/s",
            ours=rates[0],
            reference=rates[1],
            aim="≥ 120,000" if burst == 1 else "≥ 350,000",
            load_core=mine["load_cpu_s"] / mine["seconds"],
            server_core=mine["server_cpu_s"] / mine["seconds"],
        )
    ]


def idle(bench: Bench) -> list[Line]:
    """Memory of a logged-in session that does nothing."""
    ours, theirs = bench.everybody()
    mine, other = bench.both(ours, theirs, mode="idle", seconds=2)
    sizes = [(r["rss_kib"] - r["rss_before_kib"]) / len(ours) for r in (mine, other)]
    return [Line(f"idle connection, {len(ours):,} sessions", "KiB", sizes[0], sizes[1], "≤ 24")]


def sync(bench: Bench) -> list[Line]:
    """A device with 1,000 conversations comes, new or back again."""
    count, lines = len(bench.read), []
    known = dict.fromkeys(bench.read, 21) | dict.fromkeys(bench.read[:100], 18)
    for what, params in (
        ("back, 100 have news", {"known": known, "limit": 1000}),
        ("new, 1 entry each", {"entries_per_conversation": 1, "limit": 1000}),
        ("new, 20 entries each", {"entries_per_conversation": 20, "limit": 1000}),
    ):
        asking = bench.reader(**params)
        with servers.hongyan(bench.data_dir) as server:
            mine = median([servers.load(server, mode="sync", connections=asking, rounds=15)])
        answering = asking[0] | {"path": f"/bytes/{mine['answer_bytes']:.0f}", "token": ""}
        with servers.reference() as server:
            other = median([servers.load(server, mode="sync", connections=[answering], rounds=15)])
        lines.append(
            Line(
                f"sync of {count:,} conversations, {what}",
                "ms",
                mine["p50_ms"],
                other["p50_ms"],
                aim="≤ 150",
                entries=mine["entries"],
                answer_bytes=mine["answer_bytes"],
                server_cpu_ms=mine["server_cpu_ms"],
            )
        )
    return lines


SCENARIOS: dict[str, Callable[[Bench], list[Line]]] = {
    "one": lambda bench: throughput(bench, 1),
    "eight": lambda bench: throughput(bench, 8),
    "latency": latency,
    "single": lambda bench: fanout(bench, 1),
    "bursts": lambda bench: fanout(bench, 8),
    "idle": idle,
    "sync": sync,
}


def prepared(data_dir: Path, quick: bool) -> Path:
    """Return the folder, filled in another process where it is empty."""
    if not (data_dir / MANIFEST).exists():
        numbers = ("1001", "500", "1000", "20") if quick else ("5001", "500", "1000", "20")
        command = [sys.executable, "-m", "benchmarks.prepare", str(data_dir), *numbers]
        subprocess.run(command, check=True)
    return data_dir


def show(lines: Sequence[Line]) -> None:
    """Print the table."""
    table = Table(title="Hongyan beside a bare picows relay", box=None, pad_edge=False)
    for heading in ("what", "unit"):
        table.add_column(heading)
    for heading in ("Hongyan", "bare", "ratio", "aim"):
        table.add_column(heading, justify="right")
    table.add_column("besides")
    for line in lines:
        digits = 0 if line.ours >= 1000 else 1 if line.ours >= 10 else 2
        table.add_row(
            line.name,
            line.unit,
            f"{line.ours:,.{digits}f}",
            f"{line.reference:,.{digits}f}",
            f"{line.ratio:.2f}",
            line.aim,
            ", ".join(f"{name} {value:,.4g}" for name, value in line.more.items()),
        )
    Console(width=None if sys.stdout.isatty() else 170).print(table)


def save(path: Path, lines: Sequence[Line]) -> None:
    """Write the figures as JSON."""
    figures = [
        {
            "name": line.name,
            "unit": line.unit,
            "hongyan": line.ours,
            "reference": line.reference,
            "ratio": line.ratio,
            "aim": line.aim,
            **line.more,
        }
        for line in lines
    ]
    about = {"python": platform.python_version(), "machine": platform.machine()}
    path.write_text(json.dumps({"about": about, "figures": figures}, indent=2) + "\n")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--only", action="append", choices=SCENARIOS, help="may be repeated")
    parser.add_argument("--quick", action="store_true", help="for a moment only: rough figures")
    parser.add_argument("--json", type=Path, help="where to write the figures too")
    parser.add_argument("--data", type=Path, help="a prepared folder to use (and to keep)")
    parser.add_argument("--profile", choices=SCENARIOS, help="print what the server spends")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="hongyan-bench-") as temporary:
        bench = Bench(prepared(chosen.data or Path(temporary), chosen.quick), chosen.quick)
        if chosen.profile:
            profiling.profile(lambda: SCENARIOS[chosen.profile](bench))
            return
        lines: list[Line] = []
        for name in chosen.only or SCENARIOS:
            print(f"{name} ...", file=sys.stderr, flush=True)
            lines += SCENARIOS[name](bench)
    show(lines)
    if chosen.json:
        save(chosen.json, lines)


if __name__ == "__main__":
    main()
