"""What may be asked of the message service: commands, answers and refusals."""

from msgspec import Struct

from hongyan.kernel.bus import Command
from hongyan.kernel.errors import Forbidden, LimitReached, RateLimited
from hongyan.kernel.ids import ClientId, ConversationId

from .model import Content


class Receipt(Struct, frozen=True):
    """The message is on disk, and this is its place in the conversation's log."""

    seq: int
    ordinal: int
    sent_at_ms: int


class SendMessage(Command[Receipt], frozen=True, kw_only=True):
    """Append a message to a conversation.

    Idempotent for ever: the same ``client_id`` again answers with the first receipt, writes
    nothing and delivers nothing. A ``Receipt`` means that an fsync has covered the message.

    Raises:
        NotAMember, Blocked, FriendsOnly, Muted, MayNotSpeak, SlowMode, Dissolved: the rules.
        NotFound: the quoted message is not there to be seen.
        Invalid: the content breaks a limit.
        StorageFull, Busy: nothing was written; try again with the same ``client_id``.
    """

    METHOD = "message.send"
    AWAITS_ONLY_FUTURES = True

    conversation_id: ConversationId
    client_id: ClientId
    content: Content
    quote_seq: int = 0
    """The message that this one answers; 0 for none."""
    burn_after_ms: int = 0


class NotAMember(Forbidden):
    """The caller is not in the conversation; also said where it does not exist."""

    code = "not_a_member"
    message = "You are not in this conversation."


class Blocked(Forbidden):
    """The other one has blocked the caller, or the caller the other one."""

    code = "blocked"
    message = "You cannot write to this person."


class FriendsOnly(Forbidden):
    """The other one takes messages from friends only."""

    code = "friends_only"
    message = "This person takes messages from friends only; send a friend request first."


class Muted(Forbidden):
    """An admin has muted the caller; ``until_ms`` says until when, -1 for no end."""

    code = "muted"
    message = "You are muted in this conversation."


class MayNotSpeak(Forbidden):
    """The permission table does not let the caller's role do this here."""

    code = "may_not_speak"
    message = "Your role does not allow this here."


class Dissolved(Forbidden):
    """The group is no more."""

    code = "dissolved"
    message = "This group was dissolved."


class SlowMode(RateLimited):
    """Slow mode is on; ``retry_after_ms`` says how long to wait."""

    code = "slow_mode"
    message = "Slow mode is on here; wait a little."


class TooLong(LimitReached):
    """The content is larger than ``limit``."""

    code = "too_long"
    message = "The message is too long."
