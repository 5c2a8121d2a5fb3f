"""What a bot's webhook may see: the entries of the conversations that the bot is in."""

import msgspec

from hongyan.domain.group.model import (
    CONVERSATION_CREATED,
    MEMBERS_JOINED,
    MEMBERS_LEFT,
    Member,
    MembersJoined,
    MembersLeft,
)
from hongyan.domain.log.model import Entry
from hongyan.domain.log.ports import Records
from hongyan.kernel.ids import ConversationId, UserId, log_owner


class Sight:
    """Follows one user's memberships along the feed.

    Args:
        records: Where rows are read.
        user_id: The user; empty sees everything.
    """

    def __init__(self, records: Records, user_id: UserId) -> None:
        self._records = records
        self._user_id = user_id
        self._places: dict[str, int] = {}

    async def load(self) -> None:
        """Begin with the conversations that the user is in now."""
        if self._user_id:
            keys = await self._records.keys(Member, self._user_id, True, by="of_user")
            found = await self._records.get_many(Member, keys)
            self._places = {place[0]: member.visible_from for place, member in found.items()}

    async def sees(self, entry: Entry) -> bool:
        """Return whether the user sees the entry; call it for each entry, in order."""
        if not self._user_id:
            return True
        if log_owner(entry.log_id) is not None:
            return log_owner(entry.log_id) == self._user_id
        if entry.kind == MEMBERS_JOINED:
            if self._user_id in msgspec.json.decode(entry.body, type=MembersJoined).user_ids:
                await self._look(entry)
        elif entry.kind == CONVERSATION_CREATED:
            await self._look(entry)
        visible_from = self._places.get(entry.log_id)
        if (
            entry.kind == MEMBERS_LEFT
            and self._user_id in msgspec.json.decode(entry.body, type=MembersLeft).user_ids
        ):
            self._places.pop(entry.log_id, None)
        return visible_from is not None and entry.seq >= visible_from

    async def _look(self, entry: Entry) -> None:
        place = ConversationId(entry.log_id)
        member = await self._records.get(Member, place, self._user_id)
        if member is not None and member.active:
            self._places[entry.log_id] = member.visible_from
