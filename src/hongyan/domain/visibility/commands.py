"""Commands of delivery about visibility."""

from msgspec import Struct

from hongyan.kernel.bus import Access, Command
from hongyan.kernel.ids import ConversationId, UserId


class FirstSeen(Struct, frozen=True):
    """From where on each user sees a conversation."""

    first: dict[UserId, int] | None = None
    """None where every member sees everything; who is not named sees nothing."""


class GetFirstSeen(Command[FirstSeen], frozen=True, kw_only=True):
    """Return from which seq on each of these users may see a conversation.

    Delivery asks before it pushes what is about an older entry: newcomers to a group that hides
    its history get it without its content.
    """

    METHOD = "visibility.first_seen"
    ACCESS = Access.INTERNAL
    REPEATABLE = True

    conversation_id: ConversationId
    user_ids: tuple[UserId, ...]
