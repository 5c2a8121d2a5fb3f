"""A process that a test starts, waits for and ends."""

import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path


def free_ports(count: int) -> list[int]:
    """Return ports of loopback that nobody has at this moment."""
    sockets = [socket.socket() for _ in range(count)]
    try:
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]
    finally:
        for one in sockets:
            one.close()


def free_port() -> int:
    """Return a port of loopback that nobody has at this moment."""
    (port,) = free_ports(1)
    return port


def listens(port: int) -> bool:
    """Return whether somebody listens at a port of loopback."""
    with socket.socket() as client:
        client.settimeout(1)
        return client.connect_ex(("127.0.0.1", port)) == 0


class Process:
    """A component in a process group of its own.

    Args:
        name: What it is, for messages.
        command: The command line.
        log: Where its output goes.
        environment: Variables beside our own.
    """

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        log: Path,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self._name = name
        self._log = log
        with log.open("ab") as output:
            self._process = subprocess.Popen(
                list(command),
                stdout=output,
                stderr=output,
                stdin=subprocess.DEVNULL,
                start_new_session=True,
                env={**os.environ, **(environment or {})},
            )

    @property
    def pid(self) -> int:
        return self._process.pid

    def wait_for(self, is_ready: Callable[[], bool], seconds: float = 60.0) -> None:
        """Wait until it works; ends it and raises where it does not."""
        end = time.monotonic() + seconds
        while not is_ready():
            if self._process.poll() is not None or time.monotonic() > end:
                self.stop()
                tail = self._log.read_text(errors="replace")[-3000:]
                raise RuntimeError(f"{self._name} did not start:\n{tail}")
            time.sleep(0.05)

    def stop(self, number: signal.Signals = signal.SIGTERM, seconds: float = 10.0) -> None:
        """End it, by force where it does not listen."""
        with suppress(ProcessLookupError):
            self._process.send_signal(number)
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(seconds)
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
