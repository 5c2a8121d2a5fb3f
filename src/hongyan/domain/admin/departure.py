"""Departures: after an account's end every service forgets the user."""

from collections.abc import Callable
from typing import Any

from hongyan.domain.group.commands import ForgetUser
from hongyan.domain.log.model import Commit, Drop
from hongyan.domain.log.ports import Log, Records
from hongyan.domain.media.commands import ForgetMedia
from hongyan.domain.message.commands import ForgetMessages
from hongyan.domain.relation.commands import ForgetRelations
from hongyan.domain.user.model import Departure
from hongyan.kernel.bus import Actor, Caller, Command
from hongyan.kernel.errors import Refusal
from hongyan.kernel.ids import SYSTEM, DeviceId, UserId

Forgetting = Callable[[UserId], Command[Any]]
FORGETTING: tuple[Forgetting, ...] = (
    lambda user_id: ForgetUser(user_id=user_id),
    lambda user_id: ForgetRelations(user_id=user_id),
    lambda user_id: ForgetMessages(user_id=user_id),
    lambda user_id: ForgetMedia(user_id=user_id),
)
"""The commands that are called for a deleted user, in this order; each may be called again."""
RUN_MAX = 20
SERVER = Actor(SYSTEM, DeviceId(""))


class Departures:
    """Lets the services forget those who deleted their accounts.

    The deletion leaves a ``Departure`` in its own commit, and only when all have forgotten is
    it dropped. So a crash in between delays it, no more.

    Args:
        log: Where departures are dropped.
        records: The departures.
        caller: Reaches the services.
    """

    def __init__(self, log: Log, records: Records, caller: Caller) -> None:
        self._log = log
        self._records = records
        self._caller = caller
        self._after: tuple[str, ...] = ()

    async def run(self, _now_ms: int) -> int:
        """Let some departed be forgotten; return how many were. Call it each second."""
        found = await self._records.scan(Departure, after=self._after, limit=RUN_MAX)
        self._after = (found[-1].user_id,) if len(found) == RUN_MAX else ()
        return sum([await self._forget(departure.user_id) for departure in found])

    async def _forget(self, user_id: UserId) -> bool:
        try:
            for forgetting in FORGETTING:
                await self._caller.call(SERVER, forgetting(user_id))
        except Refusal:
            return False  # the next round tries again
        await self._log.commit(Commit(changes=(Drop(Departure, (user_id,)),)))
        return True
