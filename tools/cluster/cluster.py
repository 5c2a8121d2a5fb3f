"""A cluster as plain processes: engines, and gateways, backends and workers of Hongyan."""

import os
import re
import secrets
import shlex
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from pathlib import Path

from tests.engines.host import LOOPBACK, Host
from tests.engines.postgres import PostgresServer, find_binaries
from tests.engines.process import free_port

from hongyan.app.roles.link import calling
from hongyan.app.settings.sources import load
from hongyan.kernel.bus import Caller

from .engines import NatsProcess, RedisProcess
from .haproxy import HaproxyProcess

READY = re.compile(r" is ready: (\S+)")
STOP_S = 40.0
UNBUFFERED = {"PYTHONUNBUFFERED": "1"}


class Node:
    """One process of Hongyan.

    Args:
        role: ``gateway``, ``backend``, ``worker`` or ``all``.
        name: The node's name.
        folder: Where its output goes.
        settings: ``section.name`` -> value; secret ones too, for they go by the environment.
        port: Where a gateway listens; 0 for the others.
        host: Where it runs.
    """

    def __init__(
        self,
        role: str,
        name: str,
        folder: Path,
        settings: Mapping[str, str],
        port: int = 0,
        host: Host = LOOPBACK,
    ) -> None:
        self.role = role
        self.name = name
        self.port = port
        self.place = host
        self._log = folder / f"{name}.log"
        self._settings = {**settings, "cluster.node": name, "server.data_dir": str(folder / "data")}
        if port:
            self._settings["server.listen"] = f"{host.address}:{port}"
        self._process: subprocess.Popen[str] | None = None

    @property
    def url(self) -> str:
        """Where a gateway's clients connect."""
        return f"http://{self.place.address}:{self.port}"

    @property
    def pid(self) -> int:
        """The process that runs."""
        assert self._process is not None
        return self._process.pid

    @property
    def is_running(self) -> bool:
        """Whether the process was started and has not ended."""
        return self._process is not None and self._process.poll() is None

    def launch(self) -> None:
        """Start; ``wait_ready`` tells when it is there."""
        clean = {name: text for name, text in os.environ.items() if "HONGYAN" not in name}
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [*self.place.prefix, sys.executable, "-m", "hongyan", self.role],
                stdout=subprocess.PIPE,
                stderr=log,
                env=clean | environment(self._settings) | UNBUFFERED | dict(self.place.environment),
                text=True,
                start_new_session=True,
            )

    def wait_ready(self) -> None:
        """Return when it is ready.

        Raises:
            RuntimeError: it ended instead.
        """
        assert self._process is not None
        assert self._process.stdout is not None
        for line in self._process.stdout:
            if READY.search(line):
                return
        status = self._process.wait()
        raise RuntimeError(f"{self.name} ended with {status}: {self._log.read_text()[-3000:]}")

    def start(self) -> None:
        """Start and return when it is ready."""
        self.launch()
        self.wait_ready()

    def terminate(self) -> None:
        """Ask it to stop."""
        if self._process is not None:
            self._process.terminate()

    def wait_ended(self) -> int:
        """Return its exit status once it has ended."""
        process, self._process = self._process, None
        if process is None:
            return 0
        try:
            process.communicate(timeout=STOP_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
        return process.returncode

    def stop(self) -> int:
        """Ask it to stop, and wait."""
        self.terminate()
        return self.wait_ended()

    def kill(self) -> None:
        """End it without warning."""
        if self._process is not None:
            self._process.kill()
        self.wait_ended()

    def restart(self) -> None:
        """Stop it and start it again, as an upgrade does."""
        self.stop()
        self.start()


class Cluster:
    """Engines and nodes in a folder.

    Args:
        folder: Where everything is kept.
        gateways: How many.
        backends: How many.
        workers: How many.
        settings: Settings of all nodes, ``section.name`` -> value.
        with_proxy: Whether HAProxy stands before the gateways.
        host: Tells where what has this name runs.
    """

    def __init__(
        self,
        folder: Path,
        gateways: int = 2,
        backends: int = 2,
        workers: int = 1,
        settings: Mapping[str, str] | None = None,
        *,
        with_proxy: bool = True,
        host: Callable[[str], Host] = lambda _: LOOPBACK,
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self._place = host
        self.nats = NatsProcess(folder, host=host("nats"))
        self.redis = RedisProcess(folder, host=host("redis"))
        binaries = find_binaries()
        if binaries is None:
            raise FileNotFoundError("PostgreSQL is not installed: apt-get install postgresql")
        self.postgres = PostgresServer(binaries, host("postgres"))
        self.settings = {
            "cluster.secret": secrets.token_hex(32),
            "cluster.nats": self.nats.url,
            "cluster.redis": self.redis.url,
            "cluster.postgres": self.postgres.dsn(),
            "server.trusted_proxies": "127.0.0.1",
            **(settings or {}),
        }
        self.gateways = [self._node("gateway", n, free_port()) for n in range(1, gateways + 1)]
        self.backends = [self._node("backend", n) for n in range(1, backends + 1)]
        self.workers = [self._node("worker", n) for n in range(1, workers + 1)]
        ports = [gateway.port for gateway in self.gateways]
        self.proxy = HaproxyProcess(folder, ports) if with_proxy else None

    def _node(self, role: str, number: int, port: int = 0) -> Node:
        name = f"{role}-{number}"
        return Node(role, name, self.folder, self.settings, port, self._place(name))

    @property
    def url(self) -> str:
        """Where people connect."""
        return self.proxy.url if self.proxy is not None else self.gateways[0].url

    def nodes(self) -> Iterator[Node]:
        """Yield all nodes, those that others need first."""
        yield from (*self.backends, *self.workers, *self.gateways)

    def start(self) -> None:
        """Start everything, and return when people can come."""
        self.start_engines()
        first, *rest = self.nodes()
        first.start()  # makes the tables
        for node in rest:
            node.launch()
        for node in rest:
            node.wait_ready()
        if self.proxy is not None:
            self.proxy.start()

    def start_engines(self) -> None:
        """Start what the processes of a cluster need."""
        self.postgres.init()
        for engine in (self.nats, self.redis, self.postgres):
            engine.start()

    def stop(self) -> None:
        """Stop everything, by pid."""
        if self.proxy is not None:
            self.proxy.stop()
        for group in (self.gateways, self.workers, self.backends):
            for node in group:
                node.terminate()
            for node in group:
                node.wait_ended()
        self.redis.stop()
        self.nats.stop()
        self.postgres.remove()

    def write_script(self) -> Path:
        """Write the command ``hongyan`` with the settings of this cluster, and return its path."""
        path = self.folder / "hongyan"
        told = UNBUFFERED | environment(
            {**self.settings, "server.data_dir": str(self.folder / "data")}
        )
        exports = "".join(f"export {name}={shlex.quote(text)}\n" for name, text in told.items())
        python = shlex.quote(sys.executable)
        path.write_text(f'#!/bin/sh\n{exports}exec {python} -m hongyan "$@"\n')
        path.chmod(0o700)
        return path

    def calling(self) -> AbstractAsyncContextManager[Caller]:
        """Let its backends be asked, as the operator does."""
        return calling(load(environment(self.settings)).settings)

    def operate(self, *arguments: str) -> str:
        """Run an operator's command on the cluster and return what it prints.

        Raises:
            subprocess.CalledProcessError: it failed.
        """
        command = [str(self.write_script()), *arguments]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def environment(settings: Mapping[str, str]) -> dict[str, str]:
    """Return the variables that say these settings."""
    return {"HONGYAN_" + key.replace(".", "__").upper(): text for key, text in settings.items()}


def restarted_one_by_one(nodes: Sequence[Node]) -> None:
    """Restart each, the next when the one before is ready again."""
    for node in nodes:
        node.restart()
