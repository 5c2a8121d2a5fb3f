"""``python -m benchmarks.postgres``: what a commit costs in PostgreSQL, beside SQLite.

Senders commit one message after the other, each to a log of its own choosing, in this process;
the CPU of this process and of all of PostgreSQL's are read from /proc.
"""

import argparse
import asyncio
import os
import random
import tempfile
import time
from pathlib import Path
from typing import Any

import psutil
import uvloop
from tests.engines.postgres import PostgresServer, find_binaries

from hongyan.domain.log.model import Append, Commit, Precondition
from hongyan.infra.postgres.store import PostgresStore
from hongyan.infra.sqlite.store import SqliteStore

BODY = b'{"content":{"type":"text","text":"' + b"x" * 160 + b'"}}'
SHAPES = ((1, 1), (64, 100), (1024, 10_000))


class Cpu:
    """CPU seconds of this process, and of a server with all its children."""

    def __init__(self, server: PostgresServer | None) -> None:
        self._server = psutil.Process(server.pid) if server else None
        self._own, self._others = self._now()

    def _now(self) -> tuple[float, float]:
        times = os.times()
        others = 0.0
        if self._server:
            spent = self._server.cpu_times()
            others = spent.user + spent.system + spent.children_user + spent.children_system
            for child in self._server.children(recursive=True):
                spent = child.cpu_times()
                others += spent.user + spent.system
        return times.user + times.system, others

    def spent(self) -> tuple[float, float]:
        """Return what was spent since this was made."""
        own, others = self._now()
        return own - self._own, others - self._others


async def measure(store: Any, senders: int, logs: int, seconds: float, cpu: Cpu) -> str:
    latencies: list[float] = []
    end = time.perf_counter() + seconds

    async def send(who: int) -> None:
        chance = random.Random(who)
        number = 0
        while time.perf_counter() < end:
            log_id: Any = f"g-{chance.randrange(logs)}"
            user: Any = f"u{who}"
            client_id: Any = f"{who}.{number}.{end}"
            append = Append(log_id, "message", user, BODY, 1, client_id, countable=True)
            began = time.perf_counter()
            await store.commit(Commit((append,), (), (Precondition(log_id, 0),)))
            latencies.append(time.perf_counter() - began)
            number += 1

    began = time.perf_counter()
    await asyncio.gather(*[send(who) for who in range(senders)])
    took = time.perf_counter() - began
    own, others = cpu.spent()
    latencies.sort()
    count = len(latencies)
    p50, p99 = latencies[count // 2] * 1e3, latencies[count * 99 // 100] * 1e3
    return (
        f"{senders:5} x {logs:6} | {count / took:8,.0f}/s | ack p50 {p50:6.2f} p99 {p99:6.2f} ms"
        f" | {own / count * 1e6:6.1f} us here, {others / count * 1e6:6.1f} us in PostgreSQL"
    )


async def compare(seconds: float, writers: int, kinds: list[str]) -> None:
    for kind in kinds:
        server = None
        folder = tempfile.TemporaryDirectory()
        if kind == "postgres":
            binaries = find_binaries()
            assert binaries is not None
            server = PostgresServer(binaries, autovacuum="on", shared_buffers="256MB")
            server.init()
            server.start()
            store: Any = PostgresStore(server.dsn(), [], writers=writers)
        else:
            store = SqliteStore(Path(folder.name) / "store.db", [])
        try:
            await store.start()
            print(kind, f"({writers} writers)" if server else "", flush=True)
            for senders, logs in SHAPES:
                await measure(store, senders, logs, 1, Cpu(server))
                print(await measure(store, senders, logs, seconds, Cpu(server)), flush=True)
            await store.close()
        finally:
            if server:
                server.remove()
            folder.cleanup()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=5)
    parser.add_argument("--writers", type=int, default=2)
    parser.add_argument("--only", choices=["postgres", "sqlite"])
    chosen = parser.parse_args()
    kinds = [chosen.only] if chosen.only else ["sqlite", "postgres"]
    uvloop.run(compare(chosen.seconds, chosen.writers, kinds))


if __name__ == "__main__":
    main()
