"""Commands about message metadata: reactions, pins, polls, favourites."""

from msgspec import Struct

from hongyan.domain.log.model import Entry
from hongyan.kernel.bus import Command
from hongyan.kernel.errors import Forbidden
from hongyan.kernel.ids import ConversationId, UserId

from .commands import Noted


class React(Command[Noted], frozen=True, kw_only=True):
    """Put an emoji to a message, or take it back; what is so already changes nothing.

    Raises:
        NotAMember, Dissolved: the caller is not in the conversation.
        NotFound: there is no such message for the caller to see.
        Gone: it was recalled or has burned.
        Blocked, Muted: adding needs what speaking needs, save the permission to speak.
        Invalid, LimitReached: an emoji has 1 to 32 characters and no spaces; a message takes
            20 different ones, a user gives 3 to one message.
    """

    METHOD = "message.react"
    REPEATABLE = True

    conversation_id: ConversationId
    seq: int
    emoji: str
    add: bool = True


class Reactor(Struct, frozen=True):
    """A user who put an emoji there, and when."""

    user_id: UserId
    at_ms: int


class Reactors(Struct, frozen=True):
    """A page of reactors; ``next`` is the following page's ``after``, empty on the last one."""

    reactors: tuple[Reactor, ...]
    next: str = ""


class ListReactors(Command[Reactors], frozen=True, kw_only=True):
    """List who put this emoji to a message, the first one first.

    Raises:
        NotAMember, Dissolved: the caller is not in the conversation.
        NotFound: there is no such message for the caller to see.
        Invalid: ``limit`` is not 1 to 500, or ``after`` is no place in this list.
    """

    METHOD = "message.reactors"
    READS_ONLY = True

    conversation_id: ConversationId
    seq: int
    emoji: str
    after: str = ""
    limit: int = 100


class EmojiInfo(Struct, frozen=True):
    """One emoji on a message: how many gave it, the first three, and whether the caller did."""

    emoji: str
    count: int
    first: tuple[UserId, ...]
    mine: bool


class PollInfo(Struct, frozen=True):
    """The state of a poll: votes by option, voters, and the caller's choice."""

    tallies: tuple[int, ...]
    voters: int
    mine: tuple[int, ...]
    closed: bool


class MessageMarks(Struct, frozen=True, omit_defaults=True):
    """The metadata of one message."""

    seq: int
    emojis: tuple[EmojiInfo, ...] = ()
    pinned: bool = False
    poll: PollInfo | None = None
    """None where nobody has voted yet; a poll that its ``closes_at_ms`` ended says so itself."""


class MarksInRange(Struct, frozen=True):
    """The marks of a range, by seq; messages without marks are left out."""

    marks: tuple[MessageMarks, ...]


class ListMarks(Command[MarksInRange], frozen=True, kw_only=True):
    """List what stands beside the messages from ``first_seq`` to ``last_seq``.

    Raises:
        NotAMember, Dissolved: the caller is not in the conversation.
        Invalid: the range is empty or wider than 500.
    """

    METHOD = "message.marks"
    READS_ONLY = True

    conversation_id: ConversationId
    first_seq: int
    last_seq: int


class PinMessage(Command[Noted], frozen=True, kw_only=True):
    """Pin a message for everybody in the conversation.

    Raises:
        NotAMember, Dissolved: the caller is not in the conversation.
        NotFound: there is no such message for the caller to see.
        Gone: it was recalled or has burned.
        MayNotSpeak: the permission table does not let the caller's role pin.
        LimitReached: 50 messages are pinned here.
    """

    METHOD = "message.pin"
    REPEATABLE = True

    conversation_id: ConversationId
    seq: int


class UnpinMessage(Command[Noted], frozen=True, kw_only=True):
    """Unpin a message.

    Raises:
        NotAMember, Dissolved: the caller is not in the conversation.
        NotFound: there is no such message for the caller to see.
        MayNotSpeak: the permission table does not let the caller's role pin.
    """

    METHOD = "message.unpin"
    REPEATABLE = True

    conversation_id: ConversationId
    seq: int


class Pin(Struct, frozen=True):
    """A pinned message, who pinned it, and when."""

    message: Entry
    pinned_by: UserId
    pinned_at_ms: int


class Pins(Struct, frozen=True):
    """The pinned messages, the latest pinned one first."""

    pins: tuple[Pin, ...]


class ListPins(Command[Pins], frozen=True, kw_only=True):
    """List a conversation's pinned messages that the caller may see (at most 50).

    Raises:
        NotAMember, Dissolved: the caller is not in the conversation.
    """

    METHOD = "message.pins"
    READS_ONLY = True

    conversation_id: ConversationId


class KeepFavourite(Command[Noted], frozen=True, kw_only=True):
    """Keep a message as a favourite, also after leaving the conversation.

    It is a reference: an edit shows in it, a recall ends it. ``entry_seq`` is a seq of the
    user's log.

    Raises:
        NotAMember, Dissolved: the caller is not in the conversation.
        NotFound: there is no such message for the caller to see.
        Gone: it was recalled or has burned.
        NotForwardable: it burns.
        LimitReached: the caller has 10,000 favourites.
    """

    METHOD = "message.favourite"

    conversation_id: ConversationId
    seq: int


class DropFavourite(Command[Noted], frozen=True, kw_only=True):
    """Keep a message no longer as a favourite."""

    METHOD = "message.unfavourite"

    conversation_id: ConversationId
    seq: int


class FavouriteInfo(Struct, frozen=True):
    """A favourite, and when it became one."""

    message: Entry
    at_ms: int


class Favourites(Struct, frozen=True):
    """A page of favourites; ``next`` is the following page's ``after``, empty on the last one."""

    favourites: tuple[FavouriteInfo, ...]
    next: str = ""


class ListFavourites(Command[Favourites], frozen=True, kw_only=True):
    """List the caller's favourites, the latest first.

    Raises:
        Invalid: ``limit`` is not 1 to 100, or ``after`` is no place in this list.
    """

    METHOD = "message.favourites"
    READS_ONLY = True

    after: str = ""
    limit: int = 50


class PollTally(Struct, frozen=True):
    """The state of a poll after the caller's vote or closing."""

    entry_seq: int
    """Its seq in the log; 0 when nothing changed."""
    tallies: tuple[int, ...]
    voters: int


class VotePoll(Command[PollTally], frozen=True, kw_only=True):
    """Choose in a poll. It replaces the caller's former choice; an empty one takes it back.

    Raises:
        NotAMember, Dissolved: the caller is not in the conversation.
        NotFound: there is no such poll for the caller to see.
        Gone: it was recalled.
        PollEnded: it is closed.
        Invalid: an option is not there, is named twice, or only one may be chosen.
    """

    METHOD = "poll.vote"
    REPEATABLE = True

    conversation_id: ConversationId
    seq: int
    choice: tuple[int, ...]
    """Places in the poll's ``options``, from 0."""


class ClosePoll(Command[PollTally], frozen=True, kw_only=True):
    """Close a poll: its author may, and a group's admins of a higher rank.

    Raises:
        NotAMember, Dissolved: the caller is not in the conversation.
        NotFound: there is no such poll for the caller to see.
        Gone: it was recalled.
        Forbidden: it is of somebody whose polls the caller may not close.
    """

    METHOD = "poll.close"

    conversation_id: ConversationId
    seq: int


class Choice(Struct, frozen=True):
    """One user's choice."""

    user_id: UserId
    choice: tuple[int, ...]


class Choices(Struct, frozen=True):
    """A page of votes; ``next`` is the following page's ``after``, empty on the last one."""

    votes: tuple[Choice, ...]
    next: str = ""


class ListVotes(Command[Choices], frozen=True, kw_only=True):
    """List who chose what in a poll, by user id.

    Raises:
        NotAMember, Dissolved: the caller is not in the conversation.
        NotFound: there is no such poll for the caller to see.
        Forbidden: the poll is anonymous.
        Invalid: ``limit`` is not 1 to 500, or ``after`` is no place in this list.
    """

    METHOD = "poll.votes"
    READS_ONLY = True

    conversation_id: ConversationId
    seq: int
    after: str = ""
    limit: int = 100


class PollEnded(Forbidden):
    """The poll is closed, or its time is over."""

    code = "poll_ended"
    message = "This poll has ended."
