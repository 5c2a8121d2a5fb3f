"""A cluster of which each process has a host and weather of its own."""

import asyncio
import os
import signal
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tools.cluster.cluster import Cluster, Node
from tools.cluster.engines import NatsProcess, program

from tests.chaos.population import Population, fill
from tests.chaos.receiver import Receiver
from tests.chaos.server import SETTINGS
from tests.engines.host import Host
from tests.engines.process import free_port
from tests.engines.seaweed import Seaweed

from .disturbance import Disturbance, build
from .network import SUBNET, Network

ENGINES = ("nats", "redis", "postgres")
BUCKET, CLIENT = "bucket", "client"
NATS_CONFIG = """
max_payload: 65536
max_pending: 131072
write_deadline: 2s
ping_interval: 5s
ping_max: 2
"""
"""A broker whose buffer for each connection is soon full."""


class TightNats(NatsProcess):
    """NATS with small buffers."""

    def command(self) -> list[str]:
        """See ``Engine.command``."""
        config = self.folder / "nats.conf"
        config.write_text(NATS_CONFIG)
        where = ["-a", self.place.address, "-p", str(self.port)]
        return [program("nats-server"), "-c", str(config), *where]


class Environment:
    """Where the faults happen. Open it before anything else: it moves the process to a host.

    Args:
        folder: For everything; other users must be able to look into it.
        shape: How many gateways, backends and workers.
        settings: Settings of the nodes, ``section.name`` -> value.
    """

    def __init__(
        self, folder: Path, shape: tuple[int, int, int], settings: dict[str, str] | None = None
    ) -> None:
        roles = zip(("gateway", "backend", "worker"), shape, strict=True)
        self.names = [f"{role}-{n}" for role, count in roles for n in range(1, count + 1)]
        hosts = [*self.names, *ENGINES, BUCKET, CLIENT]
        self.network = Network(hosts, f"hy{os.getpid()}")
        folder.mkdir(parents=True, exist_ok=True)
        folder.chmod(0o755)
        library = build(folder)
        weathered = (*self.names, "postgres")
        self.disturbance = {
            name: Disturbance(library, folder / f"{name}.weather") for name in weathered
        }
        self._folder, self._shape, self._settings = folder, shape, settings or {}
        self._bucket: Seaweed | None = None
        self.receiver = Receiver(free_port(), self.network.address(CLIENT))

    def _place(self, name: str) -> Host:
        preloaded = self.disturbance[name].environment if name in self.disturbance else {}
        return Host(self.network.address(name), self.network.on(name), preloaded)

    def open(self) -> None:
        """Make the network, move to the clients' host, and start the cluster."""
        self.network.open()
        self.network.enter(CLIENT)
        self._bucket = Seaweed(self._folder / BUCKET, self._place(BUCKET))
        said = dict(one.split("=", 1) for one in (*SETTINGS, *self._bucket.settings()))
        said["integration.allowed_networks"] = f"{SUBNET}.0/24"
        self.cluster = Cluster(
            self._folder,
            *self._shape,
            settings=said | self._settings,
            with_proxy=False,
            host=self._place,
        )
        nats = self.cluster.nats
        self.cluster.nats = TightNats(self._folder, nats.port, nats.place)
        self.cluster.start()

    def close(self) -> None:
        """Stop everything."""
        if self._bucket is not None:
            self._bucket.stop()
        if hasattr(self, "cluster"):
            self.cluster.stop()
        self.network.close()

    async def fill(self, users: int) -> Population:
        """Make people, by commands to the cluster."""
        async with self.cluster.calling() as caller:
            return await fill(caller, users, self.receiver.url)

    @property
    def places(self) -> Sequence[str]:
        """Where clients connect."""
        return [f"{one.place.address}:{one.port}" for one in self.cluster.gateways]

    def node(self, name: str) -> Node:
        """Return the node of this name."""
        return next(one for one in self.cluster.nodes() if one.name == name)

    def signal(self, name: str, number: int) -> None:
        """Send a signal to all processes of a host."""
        cluster = self.cluster
        if name == "postgres":
            cluster.postgres.signal_all(number)
        elif name in ENGINES:
            os.kill(getattr(cluster, name).pid, number)
        else:
            os.kill(self.node(name).pid, number)

    def kill(self, name: str) -> None:
        """End a host's process without warning."""
        cluster = self.cluster
        if name == "postgres":
            cluster.postgres.kill()
        elif name in ENGINES:
            getattr(cluster, name).stop(kill=True)
        else:
            self.node(name).kill()

    async def start(self, name: str) -> None:
        """Start a host's process again, and return when it is ready."""
        part: Any = getattr(self.cluster, name) if name in ENGINES else self.node(name)
        await asyncio.to_thread(part.start)

    async def restart(self, name: str) -> None:
        """End a host's process in peace and start it again."""
        part: Any = getattr(self.cluster, name) if name in ENGINES else self.node(name)
        await asyncio.to_thread(part.stop)
        await self.start(name)

    async def hold(self, name: str, seconds: float) -> None:
        """Let a host's processes stand still for so long."""
        self.signal(name, signal.SIGSTOP)
        try:
            await asyncio.sleep(seconds)
        finally:
            self.signal(name, signal.SIGCONT)
