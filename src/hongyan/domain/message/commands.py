"""Commands of the message service, with answers and refusals.

What stands beside messages (reactions, pins, polls, favourites) is in ``commands_metadata.py``.
"""

from typing import Literal

from msgspec import Struct

from hongyan.domain.log.model import Entry
from hongyan.kernel.bus import Access, Command, Done
from hongyan.kernel.errors import (
    Conflict,
    Forbidden,
    Invalid,
    LimitReached,
    NotFound,
    RateLimited,
)
from hongyan.kernel.ids import ClientId, ConversationId, UserId

from .model import Content


class Ack(Struct, frozen=True):
    """The acknowledgement of a send: the entry is on disk at this seq."""

    seq: int
    ordinal: int
    sent_at_ms: int


class SendMessage(Command[Ack], frozen=True, kw_only=True):
    """Append a message to a conversation.

    Idempotent for ever: the same ``client_id`` again answers with the first ack, writes
    nothing and delivers nothing. An ``Ack`` means that an fsync has covered the message.

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


class Noted(Struct, frozen=True):
    """The change is on disk, and ``entry_seq`` is its seq in the log.

    0 when nothing had to change, because it was so already.
    """

    entry_seq: int = 0
    at_ms: int = 0


class GetMessage(Command[Entry], frozen=True, kw_only=True):
    """Return one message as it stands now. A recalled one has no content.

    Raises:
        NotAMember, Dissolved: the caller is not in the conversation.
        NotFound: there is no such message for the caller to see.
    """

    METHOD = "message.get"
    READS_ONLY = True

    conversation_id: ConversationId
    seq: int


class Edited(Struct, frozen=True):
    """The message's version now; ``entry_seq`` is 0 when its content was so already."""

    entry_seq: int
    version: int
    edited_at_ms: int


class EditMessage(Command[Edited], frozen=True, kw_only=True):
    """Give one's own text another text, or one's own file another caption.

    The version grows by one; the earlier one goes to the revisions. Mentions follow the new
    text. The same content again changes nothing.

    Raises:
        NotFound: there is no such message for the caller to see.
        Gone: it was recalled or has burned.
        Forbidden: it is somebody else's.
        NotEditable: it is of a kind that cannot be edited, or would become of another kind.
        TooLate: the time in which one may edit is over.
        EditedMeanwhile: it is no longer of ``expected_version``.
        LimitReached: it was edited 100 times.
        NotAMember, Blocked, FriendsOnly, Muted, MayNotSpeak, Dissolved, Invalid, TooLong: as
            ``message.send``.
    """

    METHOD = "message.edit"

    conversation_id: ConversationId
    seq: int
    content: Content
    expected_version: int = 0
    """Edit only this version; 0 edits whichever is there."""


class RevisionInfo(Struct, frozen=True):
    """One version of a message."""

    version: int
    content: Content
    since_ms: int


class Revisions(Struct, frozen=True):
    """The earlier versions of a message, oldest first."""

    revisions: tuple[RevisionInfo, ...]


class ListRevisions(Command[Revisions], frozen=True, kw_only=True):
    """List a message's earlier versions (at most 100).

    Raises:
        NotAMember, Dissolved: the caller is not in the conversation.
        NotFound: there is no such message for the caller to see.
        Forbidden: this server does not show them to the caller. Its author always sees them.
    """

    METHOD = "message.revisions"
    READS_ONLY = True

    conversation_id: ConversationId
    seq: int


class RecallMessage(Command[Noted], frozen=True, kw_only=True):
    """Take a message back for everybody: its content is gone from the server.

    With it go its revisions, reactions, votes, pin, mentions and everybody's favourites of
    it. Its author may do so for a time; a group's admins may recall their own messages and
    those of lower ranks. Recalling again changes nothing.

    Raises:
        NotAMember, Dissolved: the caller is not in the conversation.
        NotFound: there is no such message for the caller to see.
        Forbidden: it is of somebody whose messages the caller may not recall.
        TooLate: the time in which the caller's role may recall is over.
    """

    METHOD = "message.recall"

    conversation_id: ConversationId
    seq: int


class Forwarded(Struct, frozen=True, omit_defaults=True):
    """The result of a forward in one target conversation."""

    conversation_id: ConversationId
    receipts: tuple[Ack, ...]
    """In the order of ``seqs``; shorter when a refusal came in between."""
    code: str = ""
    message: str = ""
    """The refusal that stopped it; empty when all went well."""


class ForwardReport(Struct, frozen=True):
    """The results of a forward, by target."""

    targets: tuple[Forwarded, ...]


class ForwardMessages(Command[ForwardReport], frozen=True, kw_only=True):
    """Send messages of one conversation to others, each for itself or merged into one.

    The copies are messages of their own: a later recall of the original does not touch them.
    Idempotent by ``client_id``: a retry sends what is missing and doubles nothing. A target
    that refuses does not keep the others from theirs.

    Raises:
        NotAMember, Dissolved: the caller is not in the source conversation.
        NotFound: a message is not there for the caller to see; nothing was sent.
        Gone: a message was recalled or has burned; nothing was sent.
        NotForwardable: polls, notices and messages that burn; nothing was sent.
        Invalid, LimitReached: 1 to 100 ``seqs`` and 1 to 20 ``targets``, each once, and a
            title of at most 200 characters.
    """

    METHOD = "message.forward"
    ANSWER_WITHIN_S = 30.0

    conversation_id: ConversationId
    seqs: tuple[int, ...]
    targets: tuple[ConversationId, ...]
    client_id: ClientId
    mode: Literal["each", "merged"] = "each"
    title: str = ""
    """Of a merged forward."""


class Scheduled(Struct, frozen=True, omit_defaults=True):
    """A message that waits for its time, or that was refused when its time came."""

    client_id: ClientId
    conversation_id: ConversationId
    content: Content
    at_ms: int
    quote_seq: int = 0
    burn_after_ms: int = 0
    failed_code: str = ""
    failed_message: str = ""
    """The refusal; move it to try again, or cancel it."""


class Schedules(Struct, frozen=True):
    """A user's scheduled messages, the next one first."""

    schedules: tuple[Scheduled, ...]


class ScheduleMessage(Command[Noted], frozen=True, kw_only=True):
    """Send a message later, as ``message.send`` would at that time.

    Its ``client_id`` names it until then and makes sure that it is sent once. What became of
    it stands in the user's log. ``entry_seq`` is a seq of the user's log. Idempotent by
    ``client_id``, for ever.

    Raises:
        NotAMember, Dissolved: the caller is not in the conversation.
        Invalid: ``at_ms`` is past or more than a year away, or the content breaks a limit.
        LimitReached: 100 messages wait already.
    """

    METHOD = "message.schedule"

    conversation_id: ConversationId
    client_id: ClientId
    content: Content
    at_ms: int
    quote_seq: int = 0
    burn_after_ms: int = 0


class ListSchedules(Command[Schedules], frozen=True, kw_only=True):
    """List the caller's scheduled messages (at most 100)."""

    METHOD = "message.schedules"
    READS_ONLY = True


class RescheduleMessage(Command[Noted], frozen=True, kw_only=True):
    """Move a scheduled message to another time; one that was refused is tried again.

    Raises:
        NotFound: it was sent or cancelled, or there never was one.
        Invalid: ``at_ms`` is past or more than a year away.
    """

    METHOD = "message.reschedule"

    client_id: ClientId
    at_ms: int


class UnscheduleMessage(Command[Noted], frozen=True, kw_only=True):
    """Cancel a scheduled message. When this is answered, it will not be sent.

    Raises:
        NotFound: it was sent or cancelled already, or there never was one.
    """

    METHOD = "message.unschedule"
    REPEATABLE = False

    client_id: ClientId


class ForgetMessages(Command[Done], frozen=True, kw_only=True):
    """Remove what a deleted user kept of messages for himself or herself.

    Favourites, scheduled messages, drafts and preferences, hidden messages, mentions. What
    was said stays with those to whom it was said. When it fails half-way, call it again.
    """

    METHOD = "message.forget_user"
    ACCESS = Access.INTERNAL
    REPEATABLE = True

    user_id: UserId


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


class SlowMode(RateLimited):
    """Slow mode is on; ``retry_after_ms`` says how long to wait."""

    code = "slow_mode"
    message = "Slow mode is on here; wait a little."


class TooLong(LimitReached):
    """The content is larger than ``limit``."""

    code = "too_long"
    message = "The message is too long."


class Gone(NotFound):
    """The message's content is no more."""

    code = "gone"
    message = "This message was recalled or has burned."


class TooLate(Forbidden):
    """The time in which this was allowed is over; ``window_ms`` says how long it was."""

    code = "too_late"
    message = "It is too late for this."


class NotEditable(Invalid):
    """Only texts, and the captions of files, can be edited."""

    code = "not_editable"
    message = "This message cannot be edited in this way."


class NotForwardable(Invalid):
    """Messages of this kind are not forwarded; ``seq`` says which one it is."""

    code = "not_forwardable"
    message = "This message cannot be forwarded."


class EditedMeanwhile(Conflict):
    """Somebody edited the message first; ``version`` is what it is now."""

    code = "edited_meanwhile"
    message = "The message was edited meanwhile; look at it again."
