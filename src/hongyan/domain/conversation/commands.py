"""Commands of the conversation service, with answers and refusals.

All that is answered is as the caller may see it (``domain/visibility``): nothing from before a
newcomer or after somebody who left, nothing that the caller has cleared or hidden.
Hidden messages leave holes in the seqs of entries; ``from_seq`` and ``to_seq`` say what
stretch an answer covers all the same.
"""

from typing import Literal

from msgspec import Struct, field

from hongyan.domain.log.model import Entry
from hongyan.domain.visibility.model import Preference
from hongyan.kernel.bus import Access, Command, Done
from hongyan.kernel.ids import ConversationId, UserId

from .model import About, Conversation, Entries, SyncedConversation


class Conversations(Struct, frozen=True):
    """A page, by conversation id; ``next_after`` is None on the last one."""

    conversations: tuple[Conversation, ...]
    next_after: ConversationId | None = None


class OpenDirect(Command[Conversation], frozen=True, kw_only=True):
    """Return the direct conversation with a user, made where there is none yet.

    Idempotent; either side may ask. With oneself it is the note-to-self conversation.

    Raises:
        NotFound: there is no such user.
        Blocked: there is no such conversation yet, and the user has blocked the caller.
    """

    METHOD = "conversation.open_direct"
    REPEATABLE = True

    user_id: UserId


class OpenSelf(Command[Conversation], frozen=True, kw_only=True):
    """Return the caller's note-to-self conversation, made where there is none yet."""

    METHOD = "conversation.open_self"
    REPEATABLE = True


class OpenSystem(Command[Conversation], frozen=True, kw_only=True):
    """Return the conversation in which the system writes to a user, made on demand.

    Raises:
        NotFound: there is no such user.
    """

    METHOD = "conversation.open_system"
    ACCESS = Access.INTERNAL
    REPEATABLE = True

    user_id: UserId


class GetConversation(Command[Conversation], frozen=True, kw_only=True):
    """Return one of the caller's conversations.

    Raises:
        NotAMember: the caller is not in it.
    """

    METHOD = "conversation.get"
    READS_ONLY = True

    conversation_id: ConversationId


class ListConversations(Command[Conversations], frozen=True, kw_only=True):
    """List the caller's conversations by id. Devices use ``conversation.sync`` instead."""

    METHOD = "conversation.list"
    READS_ONLY = True

    after: ConversationId = ConversationId("")
    limit: int = 100
    """1 to 1000."""


class Synced(Struct, frozen=True):
    """A page of what a device lacks."""

    conversations: tuple[SyncedConversation, ...]
    next_after: ConversationId | None = None
    """Ask again with this as ``after`` (and the same ``known``); None on the last page."""
    left: tuple[ConversationId, ...] = ()
    """First page only: known conversations in which the user is no more."""
    user_seq: int = 0
    """First page only: where the user's own log ends now."""
    user_entries: tuple[Entry, ...] = ()
    """First page only: the user's own log after the given ``user_seq``."""
    user_log_truncated: bool = False
    """First page only: the user's log is too long; take everything anew (``known`` empty)."""
    generation: str = ""
    """Names this state of the logs; another one after the server was restored from a backup. What
    a device knows of another generation is void: drop it, but for what is not sent yet, and begin
    anew."""


class Sync(Command[Synced], frozen=True, kw_only=True):
    """Bring a device up to date: "here are the seqs I have".

    Answers every conversation of the caller whose log does not end where the device says, by
    conversation id, at most ``limit`` of them. The price does not grow with their number:
    a page takes a dozen reads. What happens meanwhile is pushed to the connected device; an
    entry that comes both ways has the same seq.

    Raises:
        LimitReached: more than 20,000 conversations in ``known``.
        Invalid: a number is outside its range.
    """

    METHOD = "conversation.sync"
    READS_ONLY = True

    user_seq: int = 0
    """The last entry of the user's own log that the device has."""
    known: dict[ConversationId, int] = field(default_factory=dict)
    """Conversation -> the last seq that the device has."""
    entries_per_conversation: int = 20
    """0 to 50. A page holds about 5,000 entries and 2 MiB of bodies at most."""
    limit: int = 200
    """1 to 1000 conversations."""
    after: ConversationId = ConversationId("")


class GetHistory(Command[Entries], frozen=True, kw_only=True):
    """Read a conversation's log, backward, forward or around a seq.

    Give one of the three seqs, or none for the newest entries. Who has left reads up to
    where they left. Where bodies are large, fewer entries than ``limit`` come at once.

    Raises:
        NotAMember: the caller is not and was not in it.
        Invalid: several seqs are given, or the limit is outside 1 to 200.
    """

    METHOD = "conversation.history"
    READS_ONLY = True

    conversation_id: ConversationId
    before_seq: int | None = None
    """The newest entries before this one, which is left out."""
    after_seq: int | None = None
    """The oldest entries after this one, which is left out."""
    around_seq: int | None = None
    """This entry with about as many before it as after it."""
    limit: int = 50
    only_messages: bool = False
    """Leave out what stands as no bubble of its own: edits, reactions, joins and so on."""


class GetUserLog(Command[Entries], frozen=True, kw_only=True):
    """Read the caller's own log: what all of the user's devices share, oldest first."""

    METHOD = "conversation.user_log"
    READS_ONLY = True

    after_seq: int = 0
    limit: int = 200
    """1 to 500."""


class ReadMark(Struct, frozen=True):
    """The caller's read cursor, and what is left."""

    read_seq: int
    read_ordinal: int
    unread: int


class MarkRead(Command[ReadMark], frozen=True, kw_only=True):
    """Move the caller's read cursor forward to a seq, and take back ``marked_unread``.

    Does nothing when the cursor is there already. The caller's other devices get an
    entry in the user's log. The others of a direct conversation or a group of at most 500
    get the signal ``receipt.read``, unless the caller's privacy says no.

    Raises:
        NotAMember: the caller is not in it.
    """

    METHOD = "conversation.read"
    REPEATABLE = True

    conversation_id: ConversationId
    seq: int
    """Clamped to the end of the log."""


class MarkDelivered(Command[Done], frozen=True, kw_only=True):
    """Report that a device of the caller has received everything up to a seq.

    Counts in direct conversations only, where the peer gets the signal
    ``receipt.delivered``; elsewhere it does nothing.

    Raises:
        NotAMember: the caller is not in it.
    """

    METHOD = "conversation.delivered"
    REPEATABLE = True

    conversation_id: ConversationId
    seq: int
    """Clamped to the end of the log."""


class MessageReader(Struct, frozen=True):
    """Somebody who has read a message, and how far they have read by now."""

    user_id: UserId
    read_seq: int


class MessageReaders(Struct, frozen=True):
    """The readers of a message. Its sender is not counted."""

    readers: tuple[MessageReader, ...]
    """By user id; those whose privacy hides read receipts are left out."""
    next_after: UserId | None = None
    read: int | None = None
    """Members that have read it; None in conversations of more than 500 members."""
    unread: int | None = None
    """Members that have not, or do not say; None in conversations of more than 500 members."""


class GetReaders(Command[MessageReaders], frozen=True, kw_only=True):
    """Return who of those that were members when an entry was made has read it.

    Raises:
        NotAMember: the caller is not in it.
        NotFound: the caller cannot see such an entry.
        Forbidden: the group has more than 500 members or is a channel, and the caller is
            neither the sender nor an admin.
    """

    METHOD = "conversation.readers"
    READS_ONLY = True

    conversation_id: ConversationId
    seq: int
    after: UserId = UserId("")
    limit: int = 100
    """1 to 500."""


class PeerCursors(Struct, frozen=True):
    """The other one's cursors; zero where their privacy hides them."""

    user_id: UserId
    read_seq: int = 0
    delivered_seq: int = 0


class GetCursors(Command[PeerCursors], frozen=True, kw_only=True):
    """Return how far the peer of a direct conversation has read and received.

    Raises:
        NotAMember: the caller is not in it.
        Invalid: it is not a direct conversation.
    """

    METHOD = "conversation.cursors"
    READS_ONLY = True

    conversation_id: ConversationId


class SetPreference(Command[Preference], frozen=True, kw_only=True):
    """Change how the caller keeps a conversation; what is not given stays as it is.

    Raises:
        NotAMember: the caller is not and was not in it.
        Invalid: a value is outside its range.
    """

    METHOD = "conversation.preference"
    REPEATABLE = True

    conversation_id: ConversationId
    pinned: bool | None = None
    muted_until_ms: int | None = None
    """0 unmutes, -1 mutes until unmuted."""
    archived: bool | None = None
    marked_unread: bool | None = None
    folder: str | None = None
    """At most 64 characters; empty for none."""
    hidden: bool | None = None
    """Not listed until a message arrives."""


class SetDraft(Command[Preference], frozen=True, kw_only=True):
    """Keep what the caller has begun to write, for all of their devices.

    Raises:
        NotAMember: the caller is not in it.
        LimitReached: the text has more than 10,000 characters.
    """

    METHOD = "conversation.draft"
    REPEATABLE = True

    conversation_id: ConversationId
    text: str
    """Empty to drop it."""


class ClearConversation(Command[Preference], frozen=True, kw_only=True):
    """Let the caller, and nobody else, see no more of what was said until now.

    Raises:
        NotAMember: the caller is not and was not in it.
    """

    METHOD = "conversation.clear"

    conversation_id: ConversationId


class HideMessages(Command[Done], frozen=True, kw_only=True):
    """Delete messages for the caller alone.

    Raises:
        NotAMember: the caller is not and was not in it.
        NotFound: the caller cannot see one of them.
        LimitReached: more than 100 at once.
    """

    METHOD = "conversation.hide_messages"
    REPEATABLE = True

    conversation_id: ConversationId
    seqs: tuple[int, ...]


class Folder(Struct, frozen=True):
    """A folder and how many conversations are in it."""

    name: str
    conversations: int


class Folders(Struct, frozen=True):
    """The caller's folders, by name."""

    folders: tuple[Folder, ...]


class ListFolders(Command[Folders], frozen=True, kw_only=True):
    """List the folders into which the caller has put conversations."""

    METHOD = "conversation.folders"
    READS_ONLY = True


class SendTyping(Command[Done], frozen=True, kw_only=True):
    """Signal to the others that the caller is writing, or has stopped, by ``typing``.

    Silently reaches nobody in channels, in groups of more than 500, and where one has blocked
    the other. Clients repeat it every few seconds and let it expire after ten.

    Raises:
        NotAMember: the caller is not in it.
    """

    METHOD = "conversation.typing"
    REPEATABLE = True

    conversation_id: ConversationId
    state: Literal["typing", "recording", "uploading", "stopped"] = "typing"


class DescribeConversation(Command[About], frozen=True, kw_only=True):
    """Return what a conversation is, for delivery by protocols that say it."""

    METHOD = "conversation.describe"
    ACCESS = Access.INTERNAL
    READS_ONLY = True

    conversation_id: ConversationId


class GetConversationsOf(Command[tuple[ConversationId, ...]], frozen=True, kw_only=True):
    """Return the conversations in which a user is active, for delivery on other nodes."""

    METHOD = "conversation.of_user"
    ACCESS = Access.INTERNAL
    REPEATABLE = True

    user_id: UserId
