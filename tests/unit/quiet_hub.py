"""A hub for tests in which nobody belongs to any conversation."""

from collections.abc import Collection

from hongyan.delivery.hub import Hub
from hongyan.delivery.resyncs import Resyncs
from hongyan.domain.conversation.model import About
from hongyan.kernel.ids import ConversationId, UserId


class Nobody:
    """Members, conversations and descriptions where there are none."""

    async def members(self, _conversation_id: ConversationId) -> Collection[UserId]:
        return ()

    async def conversations(self, _user_id: UserId) -> Collection[ConversationId]:
        return ()

    async def describe(self, _conversation_id: ConversationId) -> About:
        raise AssertionError("nobody asks what a conversation is")


def quiet_hub() -> Hub:
    """Return a hub that tells users' own logs only, and asks nobody to sync later."""
    nobody = Nobody()
    return Hub(nobody, nobody, nobody, Resyncs(lambda _delay_s, _call: None))
