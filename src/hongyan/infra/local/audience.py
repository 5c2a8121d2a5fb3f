"""Conversation membership, read from the rows in this process."""

from hongyan.domain.group.model import Member
from hongyan.domain.log.ports import Records
from hongyan.kernel.ids import ConversationId, UserId


class RecordsMembers:
    """The ``ConversationMembers`` of a process with a database.

    Args:
        records: The rows; only keys are read.
    """

    def __init__(self, records: Records) -> None:
        self._records = records

    async def members(self, conversation_id: ConversationId) -> list[UserId]:
        """See ``ConversationMembers.members``."""
        found = await self._records.keys(Member, conversation_id, True, by="of_conversation")
        return [user_id for _, user_id in found]


class RecordsConversations:
    """The ``UserConversations`` of a process with a database.

    Args:
        records: The rows; only keys are read.
    """

    def __init__(self, records: Records) -> None:
        self._records = records

    async def conversations(self, user_id: UserId) -> list[ConversationId]:
        """See ``UserConversations.conversations``."""
        found = await self._records.keys(Member, user_id, True, by="of_user")
        return [conversation_id for conversation_id, _ in found]
