"""Who belongs where, asked of those who know."""

from collections.abc import Collection

from hongyan.domain.conversation.api import GetConversationsOf, GetMembers
from hongyan.kernel.bus import ANONYMOUS, Caller
from hongyan.kernel.ids import ConversationId, UserId


class AskingAudience:
    """The ``Audience`` of a process without a database.

    Args:
        caller: Carries the questions.
    """

    def __init__(self, caller: Caller) -> None:
        self._caller = caller

    async def members(self, conversation_id: ConversationId) -> Collection[UserId]:
        """See ``Audience.members``."""
        return await self._caller.call(ANONYMOUS, GetMembers(conversation_id=conversation_id))

    async def conversations(self, user_id: UserId) -> Collection[ConversationId]:
        """See ``Audience.conversations``."""
        return await self._caller.call(ANONYMOUS, GetConversationsOf(user_id=user_id))
