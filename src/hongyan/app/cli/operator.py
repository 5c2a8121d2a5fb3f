"""The way of an operator's command: through the running server, or to the folder itself."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import TypeVar

from hongyan.access.admission import OPERATOR
from hongyan.access.control.client import ControlClient
from hongyan.access.control.protocol import socket_path
from hongyan.app.roles.embedded import Embedded
from hongyan.app.settings.sections import Settings, SettingsError, prepare_data_dir
from hongyan.infra.local.folder import FolderInUse, FolderLock
from hongyan.kernel.bus import Caller, Command
from hongyan.kernel.errors import Refusal

from .exits import EXIT_IN_USE, EXIT_REFUSED, EXIT_WRONG_SETTINGS, fail

Result = TypeVar("Result")


class Operator:
    """Carries the operator's commands."""

    def __init__(self, caller: Caller) -> None:
        self._caller = caller

    async def call(self, command: Command[Result]) -> Result:
        """Return the command's answer.

        Raises:
            Refusal: as its handler.
        """
        return await self._caller.call(OPERATOR, command)


@asynccontextmanager
async def operating(settings: Settings) -> AsyncIterator[Operator]:
    """Let commands reach the data: through the server where one runs, else directly.

    Two processes never write to one database: whoever works on the folder holds its lock. With
    the settings of a cluster, its backends are asked.

    Raises:
        FolderInUse: another process works on the folder, and does not listen to us.
        SettingsError, OSError: the cluster cannot be reached.
    """
    if settings.cluster.nats:
        from hongyan.app.roles.link import calling  # its clients of brokers take a while to load

        async with calling(settings) as caller:
            yield Operator(caller)
        return
    folder = settings.data_dir
    prepare_data_dir(folder)
    try:
        with FolderLock(folder):
            embedded = await Embedded.open(settings)
            try:
                yield Operator(embedded.caller)
            finally:
                await embedded.close()
        return
    except FolderInUse:
        pass
    try:
        client = await ControlClient.connect(folder)
    except OSError as error:
        raise FolderInUse(
            f"Another process works on {folder}, but does not answer at {socket_path(folder)}"
            f" ({error.strerror}). Wait until it has started or ended, then try again."
        ) from error
    try:
        yield Operator(client)
    finally:
        await client.close()


def operate(settings: Settings, work: Callable[[Operator], Awaitable[Result]]) -> Result:
    """Do the work and return its result; say what went wrong and exit where it did."""

    async def main() -> Result:
        async with operating(settings) as operator:
            return await work(operator)

    try:
        return asyncio.run(main())
    except Refusal as refusal:
        fail(f"{refusal.text} ({refusal.code})", EXIT_REFUSED)
    except SettingsError as error:
        fail(str(error), EXIT_WRONG_SETTINGS)
    except FolderInUse as error:
        fail(str(error), EXIT_IN_USE)
    except OSError as error:
        fail(f"cannot reach the cluster: {error}", EXIT_REFUSED)
