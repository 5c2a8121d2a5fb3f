"""The conversations of users and the descriptions of conversations, asked of the backends."""

from collections.abc import Collection

from hongyan.domain.conversation.commands import DescribeConversation, GetConversationsOf
from hongyan.domain.conversation.model import About
from hongyan.kernel.bus import ANONYMOUS, Caller
from hongyan.kernel.ids import ConversationId, UserId


class AskingConversations:
    """The ``UserConversations`` of a process without a database.

    Args:
        caller: Carries the questions.
    """

    def __init__(self, caller: Caller) -> None:
        self._caller = caller

    async def conversations(self, user_id: UserId) -> Collection[ConversationId]:
        """See ``UserConversations.conversations``."""
        return await self._caller.call(ANONYMOUS, GetConversationsOf(user_id=user_id))


class AskingDescriptions:
    """The ``Descriptions`` of any process.

    Args:
        caller: Carries the questions.
    """

    def __init__(self, caller: Caller) -> None:
        self._caller = caller

    async def describe(self, conversation_id: ConversationId) -> About:
        """See ``Descriptions.describe``."""
        question = DescribeConversation(conversation_id=conversation_id)
        return await self._caller.call(ANONYMOUS, question)
