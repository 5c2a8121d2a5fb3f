"""A cluster that tests use as they use ``LiveServer``."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from tools.cluster.cluster import Cluster, Node

from hongyan.domain.user.commands_admin import CreateUser
from hongyan.kernel.bus import ANONYMOUS, Command, Result
from tests.e2e.live_server import SETTINGS
from tests.engines.seaweed import Seaweed


class LiveCluster(Cluster):
    """Engines, two gateways, two backends and a worker, behind HAProxy.

    Args:
        folder: Where everything is kept.
        settings: More settings, as ``section.name=value``.
        shape: How many gateways, backends and workers.
        with_proxy: Whether HAProxy stands before the gateways.
    """

    def __init__(
        self,
        folder: Path,
        *settings: str,
        shape: tuple[int, int, int] = (2, 2, 1),
        with_proxy: bool = True,
    ) -> None:
        named = dict(one.split("=", 1) for one in (*SETTINGS, *settings))
        super().__init__(folder, *shape, settings=named, with_proxy=with_proxy)
        self._killed: list[Node] = []

    async def call(self, command: Command[Result]) -> Result:
        """Ask a backend as the operator does."""
        async with self.calling() as caller:
            return await caller.call(ANONYMOUS, command)

    async def add_user(self, handle: str, password: str, name: str = "") -> str:
        """Make an account, and return its user id."""
        made = await self.call(CreateUser(handle=handle, password=password, name=name))
        return made.user_id

    def start(self) -> None:
        """Start everything; after ``kill``, what that ended."""
        if not self._killed:
            super().start()
            return
        ended, self._killed = self._killed, []
        for node in ended:
            node.launch()
        for node in ended:
            node.wait_ready()

    def kill(self) -> None:
        """End every backend and every gateway at once, without warning; the engines stay."""
        self._killed = [*self.backends, *self.gateways]
        for node in self._killed:
            node.kill()

    def change_shift(self, *, kill: bool) -> None:
        """Let every backend and every gateway be another process: one after the other, or killed
        at once."""
        if kill:
            self.kill()
            self.start()
            return
        for node in (*self.backends, *self.gateways):
            node.restart()


@contextmanager
def started(cluster: LiveCluster) -> Iterator[LiveCluster]:
    """Start a cluster, and stop it at the end, also one that did not start."""
    try:
        cluster.start()
        yield cluster
    finally:
        cluster.stop()


@contextmanager
def opened_cluster(folder: Path, *settings: str) -> Iterator[LiveCluster]:
    """Start a cluster like that of ``make cluster``, with its bucket, and stop it at the end."""
    with ExitStack() as stack:
        bucket = Seaweed(folder / "s3")
        stack.callback(bucket.stop)
        yield stack.enter_context(started(LiveCluster(folder, *bucket.settings(*settings))))
