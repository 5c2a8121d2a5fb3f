"""Whether the devices that are connected here may still be: asked once they are, and in doubt.

A device that is removed is kicked by the entry that tells it. That entry passes by when it comes
while the device is just being let in, or is lost on the way here.
"""

import asyncio
import logging

from hongyan.domain.user.api import CheckDevices
from hongyan.kernel.bus import ANONYMOUS, Caller
from hongyan.kernel.errors import Refusal
from hongyan.kernel.ids import UserId

from .hub import Hub

log = logging.getLogger(__name__)

AT_ONCE = 500
PAUSE_S = 0.5


class Checking:
    """Kicks the devices that were removed; give ``changed`` to the hub.

    Args:
        caller: Carries ``CheckDevices``.
        hub: Knows who is here.
        pause_s: How long devices are gathered before they are asked for together.
    """

    def __init__(self, caller: Caller, hub: Hub, pause_s: float = PAUSE_S) -> None:
        self._caller = caller
        self._hub = hub
        self._pause_s = pause_s
        self._due: dict[UserId, None] = {}
        self._work: asyncio.Task[None] | None = None

    def changed(self, user_id: UserId) -> None:
        """Devices of this user have come or gone."""
        self._due[user_id] = None
        if self._work is None or self._work.done():
            self._work = asyncio.get_running_loop().create_task(self._run())

    def check_all(self) -> None:
        """The removal of any device may have passed unheard."""
        for user_id in {peer.user_id for peer in self._hub.peers()}:
            self.changed(user_id)

    async def close(self) -> None:
        """End."""
        if self._work is not None:
            self._work.cancel()

    async def _run(self) -> None:
        while self._due:
            await asyncio.sleep(self._pause_s)
            some = list(self._due)[:AT_ONCE]
            for user_id in some:
                del self._due[user_id]
            devices = tuple(
                (user_id, device_id) for user_id in some for device_id in self._hub.devices(user_id)
            )
            if not devices:
                continue
            try:
                removed = await self._caller.call(ANONYMOUS, CheckDevices(devices=devices))
            except Refusal:
                self._due.update(dict.fromkeys(some))
                continue
            except Exception:
                log.exception("devices could not be checked")
                continue
            for user_id, device_id in removed:
                self._hub.kick(user_id, device_id, "kicked")
