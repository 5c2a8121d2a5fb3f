"""Removal of what a deleted user kept of messages."""

from hongyan.domain.conversation.model import Mention
from hongyan.domain.log.model import Commit, Drop, Row
from hongyan.domain.log.ports import Log, Records
from hongyan.domain.visibility.model import HiddenMessage, Preference
from hongyan.kernel.bus import DONE, Actor, Done, handles

from .commands import ForgetMessages
from .rows import Favourite, ScheduledMessage

AT_ONCE = 1_000
KEPT: tuple[type[Row], ...] = (Favourite, ScheduledMessage, Preference, HiddenMessage, Mention)
"""Rows whose key begins with the user they belong to."""


class Forgetting:
    """Answers ``message.forget_user``.

    Args:
        log: Where rows are dropped.
        records: The rows.
    """

    def __init__(self, log: Log, records: Records) -> None:
        self._log = log
        self._records = records

    @handles(ForgetMessages)
    async def forget(self, _actor: Actor, command: ForgetMessages) -> Done:
        """Answer ``ForgetMessages``."""
        for row in KEPT:
            while keys := await self._records.keys(row, command.user_id, limit=AT_ONCE):
                await self._log.commit(Commit(changes=tuple(Drop(row, key) for key in keys)))
        return DONE
