"""The link of a process to its cluster: the broker, and a name among the others."""

import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from hongyan.app.composition.routing import Routes
from hongyan.app.settings.sections import ClusterSettings, Secrets, Settings, SettingsError
from hongyan.infra.nats.caller import NatsCaller
from hongyan.infra.nats.connection import NatsConnection
from hongyan.infra.nats.nodes import Nodes
from hongyan.infra.nats.subjects import Subjects
from hongyan.kernel.bus import Caller

SECRET_DIGITS = 64


class ClusterLink:
    """The connection of one process to the cluster.

    Args:
        settings: What an operator may set.
        role: ``gateway``, ``backend``, ``worker``, or several of them joined by ``+``.

    Raises:
        SettingsError: a setting is missing.
    """

    def __init__(self, settings: Settings, role: str) -> None:
        cluster = settings.cluster
        self.name = node_name(settings, role)
        urls = tuple(url.strip() for url in needed(cluster, "nats").split(",") if url.strip())
        self.connection = NatsConnection(urls, f"hongyan {role} {self.name}")
        self.subjects = Subjects(cluster.name)
        self.nodes = Nodes(self.connection, self.subjects, self.name, role)
        self.routes = Routes(settings.routing, self.connection, cluster.name, cluster.redis)

    async def open(self) -> None:
        """Connect; others do not know of this process until ``nodes`` is started.

        Raises:
            OSError: no broker can be reached.
        """
        await self.connection.open()

    async def close(self) -> None:
        """Leave."""
        await self.nodes.stop()
        await self.connection.close()


@asynccontextmanager
async def calling(settings: Settings) -> AsyncIterator[Caller]:
    """Let the cluster's backends be asked, without taking part.

    Raises:
        SettingsError, OSError: they cannot be reached.
    """
    link = ClusterLink(settings, "operator")
    await link.open()
    caller = NatsCaller(link.connection, link.subjects, link.nodes)
    try:
        await caller.start()
        await link.nodes.start()
        yield caller
    finally:
        await caller.close()
        await link.close()


def needed(cluster: ClusterSettings, name: str) -> str:
    """Return a setting of the cluster.

    Raises:
        SettingsError: it is empty.
    """
    value = str(getattr(cluster, name))
    if not value:
        raise SettingsError(f"cluster.{name}: a process of a cluster cannot do without it")
    return value


def node_name(settings: Settings, role: str) -> str:
    """Return what the process is called."""
    if settings.cluster.node:
        return settings.cluster.node
    _, port = settings.host_and_port
    return f"{socket.gethostname()}-{port if 'gateway' in role else role}"


def shared_secrets(cluster: ClusterSettings) -> Secrets:
    """Return the secrets that all processes of the cluster have.

    Raises:
        SettingsError: there are none, or they are too short.
    """
    secret = needed(cluster, "secret")
    if len(secret) < SECRET_DIGITS or set(secret) - set("0123456789abcdefABCDEF"):
        raise SettingsError("cluster.secret: make 64 hexadecimal digits by: openssl rand -hex 32")
    return Secrets(access_token_key=secret)
