"""The two servers under load, each a process pinned to one core."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from types import TracebackType
from typing import Any

SERVER_CORE, LOAD_CORE = 0, 1
SETTINGS = (
    "rates.connection_per_s=0",
    "rates.user_per_s=0",
    "rates.address_per_s=0",
    "server.drain_s=0",
    "server.log_level=warning",
    "users.access_token_s=86400",
)


def pin(pid: int, core: int) -> None:
    """Pin a process that has just begun to a core, where that is possible."""
    if hasattr(os, "sched_setaffinity") and core < (os.cpu_count() or 1):
        os.sched_setaffinity(pid, {core})


class Process:
    """A server process that prints where it listens."""

    def __init__(self, command: list[str], profiled: bool = False, cwd: Path | None = None) -> None:
        self._profiled = profiled
        self._profiler: subprocess.Popen[bytes] | None = None
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=cwd)
        self.pid = self._process.pid
        pin(self.pid, SERVER_CORE)
        assert self._process.stdout is not None
        self.port = self._port(self._process.stdout.readline())

    def _port(self, line: str) -> int:
        if not line:
            raise RuntimeError(f"the server did not start: {self._process.wait()}")
        return int(line.rpartition(":")[2].strip().rstrip("/"))

    def __enter__(self) -> "Process":
        if PROFILER is not None and self._profiled:
            command = [*PROFILER, "--pid", str(self.pid)]
            self._profiler = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        ends = ((self._profiler, signal.SIGINT), (self._process, signal.SIGTERM))
        for process, end in ends:
            if process is not None:
                process.send_signal(end)
                try:
                    process.wait(30)
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait()


def reference() -> Process:
    """Start the bare relay."""
    return Process([sys.executable, "-m", "benchmarks.reference"])


def hongyan(data_dir: Path, python: str = sys.executable, cwd: Path | None = None) -> Process:
    """Start the real server on a prepared folder; another checkout's by its interpreter."""
    command = [
        *(python, "-m", "hongyan", "serve"),
        *("--data", str(data_dir), "--listen", "127.0.0.1:0"),
    ]
    for setting in SETTINGS:
        command += ["--set", setting]
    return Process(command, profiled=True, cwd=cwd)


PROFILER: tuple[str, ...] | None = None
"""A command that watches the server while it is under load; it is given ``--pid`` too."""


def load(server: Process, **job: Any) -> dict[str, Any]:
    """Run one job of the load generator against a server and return what it measured."""
    return load_at(server.port, server.pid, **job)


def load_at(port: int, pid: int, **job: Any) -> dict[str, Any]:
    """Run one job of the load generator against a port and the process behind it."""
    job |= {"port": port, "pid": pid}
    pipe = subprocess.PIPE
    command = [sys.executable, "-m", "benchmarks.load"]
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True) as process:
        pin(process.pid, LOAD_CORE)
        output, _ = process.communicate(json.dumps(job))
    if process.returncode:
        raise RuntimeError("the load generator failed")
    result: dict[str, Any] = json.loads(output)
    return result
