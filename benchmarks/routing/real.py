"""Real brokers, a publisher and 1, 2 or 4 gateways as processes: what each spends on a message."""

import json
import subprocess
import sys
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import psutil
from tools.cluster.engines import NatsProcess, RedisProcess

REAL = ("broadcast", "broadcast-redis", "rpc", "registry", "interest", "exact")
QUIET_S = 0.2


class Child:
    """A process of ``benchmarks.routing.process``."""

    def __init__(self, stack: ExitStack, about: dict[str, Any]) -> None:
        command = [sys.executable, "-m", "benchmarks.routing.process", json.dumps(about)]
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        stack.callback(self._end)

    def ask(self, line: str = "") -> dict[str, Any]:
        """Send a command, if any, and return the next answer."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        if line:
            self.process.stdin.write(line + "\n")
            self.process.stdin.flush()
        answer: dict[str, Any] = json.loads(self.process.stdout.readline())
        return answer

    def _end(self) -> None:
        self.process.kill()
        self.process.wait()


def _cpu_s(pid: int) -> float:
    """Return what the threads of a process spent, to the nanosecond."""
    threads = Path(f"/proc/{pid}/task").iterdir()
    return sum(int((each / "schedstat").read_text().split()[0]) for each in threads) / 1e9


def measure(
    folder: Path,
    strategy: str,
    gateways: int,
    *,
    users: int,
    events: dict[int, int],
    buckets: int,
) -> list[dict[str, Any]]:
    """Return the CPU µs per message of publisher, brokers and all gateways together.

    Args:
        folder: For the brokers' logs.
        strategy: One of ``REAL``.
        gateways: How many.
        users: How many users there are.
        events: Burst -> how many messages to tell in bursts of that size.
        buckets: Of ``interest``.
    """
    found = []
    with ExitStack() as stack:
        nats, redis = NatsProcess(folder), RedisProcess(folder)
        for engine in (nats, redis):
            engine.start()
            stack.callback(engine.stop)
        about = {
            "strategy": strategy,
            "gateways": gateways,
            "users": users,
            "buckets": buckets,
            "nats": nats.url,
            "redis": redis.url,
        }
        subscribers = [
            Child(stack, about | {"role": "station", "number": number})
            for number in range(gateways)
        ]
        started = [subscriber.ask() for subscriber in subscribers]
        rss = psutil.Process(nats.pid).memory_info().rss
        publisher = Child(stack, about | {"role": "teller"})
        publisher.ask()
        if strategy == "registry":
            time.sleep(2.2)  # until the registry is old enough to be believed
        publisher.ask("tell 4000 16")
        for burst, count in events.items():
            time.sleep(QUIET_S)
            before = [subscriber.ask("how") for subscriber in subscribers]
            brokers = [_cpu_s(nats.pid), _cpu_s(redis.pid)]
            spent = publisher.ask(f"tell {count} {burst}")["cpu_s"]
            after = _settled(subscribers)
            found.append(
                {
                    "strategy": strategy,
                    "gateways": gateways,
                    "burst": burst,
                    "teller_us": spent / count * 1e6,
                    "nats_us": (_cpu_s(nats.pid) - brokers[0]) / count * 1e6,
                    "redis_us": (_cpu_s(redis.pid) - brokers[1]) / count * 1e6,
                    "gateways_us": sum(
                        a["cpu_s"] - b["cpu_s"] for a, b in zip(after, before, strict=True)
                    )
                    / count
                    * 1e6,
                    "handed_on": sum(
                        a["facts"] - b["facts"] for a, b in zip(after, before, strict=True)
                    )
                    / count,
                    "doubts": sum(a["doubts"] for a in after),
                    "nats_rss_mib": rss / 2**20,
                    "start_cpu_s": sum(one["start_cpu_s"] for one in started),
                }
            )
    return found


def _settled(subscribers: list[Child]) -> list[dict[str, Any]]:
    """Return how the subscribers are when nothing arrives any more."""
    before: list[int] = []
    while True:
        time.sleep(QUIET_S)
        answers = [subscriber.ask("how") for subscriber in subscribers]
        events = [answer["facts"] for answer in answers]
        if events == before:
            return answers
        before = events
