"""Where clients are tested: one embedded server, or a whole cluster."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Protocol

import pytest

from hongyan.kernel.bus import Command, Result
from tests.cluster.live_cluster import opened_cluster

from .live_server import LiveServer

SERVERS = ("embedded", pytest.param("cluster", marks=pytest.mark.xdist_group("cluster")))
"""For ``params`` and ``parametrize``. One process of pytest has all tests with a cluster."""


class Server(Protocol):
    """What is at a URL, whichever it is."""

    @property
    def url(self) -> str:
        """Where clients connect; the same over restarts."""
        ...

    def start(self) -> None:
        """Start, for the first time or after ``kill``, and return when it is ready."""
        ...

    def kill(self) -> None:
        """End all that serves people without warning, as a crash would."""
        ...

    async def call(self, command: Command[Result]) -> Result:
        """Ask it as the operator does."""
        ...

    async def add_user(self, handle: str, password: str, name: str = "") -> str:
        """Make an account, and return its user id."""
        ...


def opened(kind: str, folder: Path, *settings: str) -> AbstractContextManager[Server]:
    """Start a house of one of the ``SERVERS`` in the folder, and stop it at the end.

    Settings are told as ``section.name=value``.
    """
    open_it = opened_server if kind == "embedded" else opened_cluster
    return open_it(folder, *settings)


@contextmanager
def opened_server(folder: Path, *settings: str) -> Iterator[LiveServer]:
    """Start an embedded server, and stop it at the end."""
    server = LiveServer(folder / "data", *settings)
    try:
        server.start()
        yield server
    finally:
        server.stop()
