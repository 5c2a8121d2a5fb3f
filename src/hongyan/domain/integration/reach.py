"""The conversations that a bot's webhook need look at: those that the bot is or was in."""

import msgspec

from hongyan.domain.group.model import (
    CONVERSATION_CREATED,
    MEMBERS_JOINED,
    Member,
    MembersJoined,
)
from hongyan.domain.log.model import Entry
from hongyan.domain.log.ports import Records
from hongyan.kernel.ids import ConversationId, LogId, UserId, user_log


class Reach:
    """Follows one bot's joins along the feed, so that what others write costs no read.

    Args:
        records: Where rows are read.
        user_id: The bot.
    """

    def __init__(self, records: Records, user_id: UserId) -> None:
        self._records = records
        self._user_id = user_id
        self._logs: set[LogId] = set()

    async def load(self) -> None:
        """Begin with the conversations that the bot is or was in now."""
        self._logs = {user_log(self._user_id)}
        for active in (True, False):
            keys = await self._records.keys(Member, self._user_id, active, by="of_user")
            self._logs.update(LogId(conversation_id) for conversation_id, _ in keys)

    async def has(self, entry: Entry) -> bool:
        """Return whether the bot may see this one; call it for each entry, in order."""
        if entry.log_id in self._logs:
            return True
        if await self._has_come(entry):
            self._logs.add(entry.log_id)
            return True
        return False

    async def _has_come(self, entry: Entry) -> bool:
        if entry.kind == MEMBERS_JOINED:
            return self._user_id in msgspec.json.decode(entry.body, type=MembersJoined).user_ids
        if entry.kind == CONVERSATION_CREATED:
            place = ConversationId(entry.log_id)
            return await self._records.get(Member, place, self._user_id) is not None
        return False
