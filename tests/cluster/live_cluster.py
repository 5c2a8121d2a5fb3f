"""A cluster that tests use as they use ``LiveServer``."""

from pathlib import Path

from tools.cluster.cluster import Cluster

from hongyan.domain.user.api_admin import CreateUser
from hongyan.kernel.bus import ANONYMOUS, Command, Result
from tests.e2e.live_server import SETTINGS


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

    async def call(self, command: Command[Result]) -> Result:
        """Ask a backend as the operator does."""
        async with self.calling() as caller:
            return await caller.call(ANONYMOUS, command)

    async def add_user(self, handle: str, password: str, name: str = "") -> str:
        """Make an account, and return its user id."""
        made = await self.call(CreateUser(handle=handle, password=password, name=name))
        return made.user_id

    def change_shift(self, *, kill: bool) -> None:
        """Let every backend and every gateway be another process: one after the other, or killed
        at once."""
        nodes = (*self.backends, *self.gateways)
        if not kill:
            for node in nodes:
                node.restart()
            return
        for node in nodes:
            node.kill()
        for node in nodes:
            node.launch()
        for node in nodes:
            node.wait_ready()
