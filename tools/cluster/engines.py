"""Real engines for tests and for clusters on this machine, as plain processes on loopback."""

import os
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path

from tests.engines.host import LOOPBACK, Host
from tests.engines.process import free_port

BIN = Path(sys.executable).parent
START_S = 20.0


def wait_for_port(
    port: int,
    process: subprocess.Popen[bytes],
    seconds: float = START_S,
    address: str = LOOPBACK.address,
) -> None:
    """Return once somebody listens on the port.

    Raises:
        RuntimeError: the process ended, or the time is over.
    """
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise RuntimeError(f"{process.args!r} ended with {process.returncode}")
        with socket.socket() as probe:
            probe.settimeout(0.2)
            if probe.connect_ex((address, port)) == 0:
                return
        time.sleep(0.02)
    raise RuntimeError(f"{process.args!r} does not listen on {port}")


def program(name: str) -> str:
    """Return where a program is: beside Python, or on the path.

    Raises:
        FileNotFoundError: it is nowhere.
    """
    beside = BIN / name
    found = str(beside) if beside.exists() else shutil.which(name)
    if found is None:
        raise FileNotFoundError(name)
    return found


class Engine:
    """A program that listens on a free port.

    Args:
        folder: Where its log and its data go.
        port: The port; 0 chooses one, which is kept over restarts.
        host: Where it runs.
    """

    NAME = ""

    def __init__(self, folder: Path, port: int = 0, host: Host = LOOPBACK) -> None:
        self.place = host
        self.folder = folder
        self.port = port or free_port()
        self._process: subprocess.Popen[bytes] | None = None

    def command(self) -> list[str]:
        """Return how it is started."""
        raise NotImplementedError

    def start(self) -> None:
        """Start and return when it listens."""
        with (self.folder / f"{self.NAME}-{self.port}.log").open("ab") as log:
            self._process = subprocess.Popen(
                [*self.place.prefix, *self.command()],
                stdout=log,
                stderr=log,
                env={**os.environ, **self.place.environment},
            )
        wait_for_port(self.port, self._process, address=self.place.address)

    @property
    def pid(self) -> int:
        """The process that runs."""
        assert self._process is not None
        return self._process.pid

    def stop(self, *, kill: bool = False) -> None:
        """End it and wait."""
        process, self._process = self._process, None
        if process is not None:
            process.kill() if kill else process.terminate()
            process.wait(10)


class NatsProcess(Engine):
    """``nats-server``."""

    NAME = "nats"

    @property
    def url(self) -> str:
        """Where clients connect."""
        return f"nats://{self.place.address}:{self.port}"

    def command(self) -> list[str]:
        """See ``Engine.command``."""
        return [program("nats-server"), "-a", self.place.address, "-p", str(self.port)]


class RedisProcess(Engine):
    """``redis-server``, which keeps nothing: after a restart it is empty."""

    NAME = "redis"

    @property
    def url(self) -> str:
        """Where clients connect."""
        return f"redis://{self.place.address}:{self.port}/0"

    def command(self) -> list[str]:
        """See ``Engine.command``."""
        options = {
            "bind": self.place.address,
            "port": self.port,
            "save": "",
            "appendonly": "no",
            "protected-mode": "no",
        }
        words = [word for name, value in options.items() for word in (f"--{name}", str(value))]
        return [program("redis-server"), "--dir", str(self.folder), *words]
