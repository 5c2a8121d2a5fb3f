"""``python -m benchmarks.cluster``: what a message costs each process of a cluster.

Two gateways, two backends and a worker with PostgreSQL, NATS and Redis share core 0, as the
embedded server does in its turn, so that the figures are of the same machine: what a cluster
costs more for each message, not what it could do on more cores. The load is on core 1.
"""

import argparse
import asyncio
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import psutil
from rich.console import Console
from rich.table import Table
from tools.cluster.cluster import Cluster

from benchmarks import servers
from benchmarks.prepare import MANIFEST, Preparation

PAIRS = 100
EMBEDDED = "hongyan serve"
ALL = "all processes"
Result = dict[str, Any]


def people_of(cluster: Cluster) -> list[dict[str, Any]]:
    """Make people in pairs, and return their connections, over all gateways."""
    return asyncio.run(_people(cluster))


async def _people(cluster: Cluster) -> list[dict[str, Any]]:
    async with cluster.calling() as caller:
        made = Preparation(caller)
        people = await made.users(PAIRS * 2)
        names = [name for name, _ in people]
        direct = await made.direct(list(zip(names[::2], names[1::2], strict=True)))
    ports = [gateway.port for gateway in cluster.gateways]
    return [
        {"path": "/ws", "token": token, "to": direct[i // 2], "port": ports[(i // 2 + i) % 2]}
        for i, (_, token) in enumerate(people)
    ]


def parts_of(cluster: Cluster) -> dict[str, list[int]]:
    """Return the processes by what they are."""
    database = psutil.Process(cluster.postgres.pid)
    return {
        "gateways": [one.pid for one in cluster.gateways],
        "backends": [one.pid for one in cluster.backends],
        "worker": [one.pid for one in cluster.workers],
        "NATS": [cluster.nats.pid],
        "Redis": [cluster.redis.pid],
        "PostgreSQL": [database.pid, *(one.pid for one in database.children(recursive=True))],
    }


def on_cluster(folder: Path, in_flight: int, times: dict[str, float]) -> Result:
    """Measure a fresh cluster."""
    settings = dict(one.split("=", 1) for one in servers.SETTINGS)
    cluster = Cluster(folder, 2, 2, 1, settings, with_proxy=False)
    try:
        cluster.start()
        connections = people_of(cluster)
        parts = parts_of(cluster)
        for pid in (pid for pids in parts.values() for pid in pids):
            for task in Path(f"/proc/{pid}/task").iterdir():
                os.sched_setaffinity(int(task.name), {servers.SERVER_CORE})
        job = {"connections": connections, "mode": "pairs", "in_flight": in_flight, "parts": parts}
        first = cluster.gateways[0]
        return servers.load_at(first.port, first.pid, **job, **times)
    finally:
        cluster.stop()


def embedded(folder: Path, in_flight: int, times: dict[str, float]) -> Result:
    """Measure ``hongyan serve`` on a fresh folder."""
    sizes = (str(PAIRS * 2), "2", "1", "1")
    subprocess.run([sys.executable, "-m", "benchmarks.prepare", str(folder), *sizes], check=True)
    manifest = json.loads((folder / MANIFEST).read_text())
    connections = [
        {"path": "/ws", "token": token, "to": manifest["direct"][i // 2]}
        for i, (_, token) in enumerate(manifest["people"])
    ]
    with servers.hongyan(folder) as server:
        job = {"connections": connections, "mode": "pairs", "in_flight": in_flight}
        result = servers.load(server, **job, **times)
    result["parts_cpu_s"] = {EMBEDDED: result["server_cpu_s"]}
    return result


def show(results: dict[str, Result]) -> None:
    """Print rates and what a message cost where."""
    table = Table(title="Acknowledged and delivered messages, server CPU each", box=None)
    table.add_column("")
    for name in results:
        table.add_column(name, justify="right")
    rates = [min(r["acks"], r["deliveries"]) / r["seconds"] for r in results.values()]
    table.add_row("messages/s", *[f"{rate:,.0f}" for rate in rates])
    table.add_row("errors", *[str(r["errors"]) for r in results.values()])
    table.add_row("undelivered", *[str(r["undelivered"]) for r in results.values()])
    names = dict.fromkeys(name for result in results.values() for name in result["parts_cpu_s"])
    for name in (*names, ALL):
        row = []
        for result in results.values():
            parts = result["parts_cpu_s"]
            spent_s = sum(parts.values()) if name == ALL else parts.get(name)
            acks = max(result["acks"], 1)
            row.append("" if spent_s is None else f"{spent_s * 1e6 / acks:.1f} µs")
        table.add_row(name, *row)
    Console(width=None if sys.stdout.isatty() else 110).print(table)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.cluster", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="for a moment only")
    chosen = parser.parse_args()
    times = {"warmup_s": 1.0, "seconds": 2.0} if chosen.quick else {"warmup_s": 2.0, "seconds": 8.0}
    results: dict[str, Result] = {}
    for in_flight in (1, 8):
        with tempfile.TemporaryDirectory(prefix="hongyan-bench-") as name:
            folder = Path(name)
            for what, measure in (("embedded", embedded), ("cluster", on_cluster)):
                print(f"{what}, {in_flight} in flight ...", file=sys.stderr, flush=True)
                results[f"{what}, {in_flight} in flight"] = measure(folder / what, in_flight, times)
    show(results)


if __name__ == "__main__":
    main()
