"""Limits of one user's view of a conversation, beside the member's own row.

Nobody but this package reads these limits (a test holds it); who writes them is listed there.
"""

from typing import ClassVar

import msgspec
from msgspec import Struct

from hongyan.domain.log.model import Entry, Row, Table
from hongyan.kernel.ids import ConversationId, UserId

ENTRY_WITHHELD = "entry.withheld"
"""Never stored: pushed in the place of an entry about a message that this user may not see, so
that the log has no gap. The body is empty, the system is the sender."""

END = 2**53 - 1
"""A seq beyond any log's end."""


class Window(Struct, frozen=True):
    """The stretch of a log that a user may see; empty when ``first > last``."""

    first: int
    last: int
    is_over: bool = False
    """The user has left: what is inside is shown as it stood when ``last`` was the newest."""

    def has(self, seq: int) -> bool:
        """Return whether this seq may be seen."""
        return self.first <= seq <= self.last


NOTHING = Window(1, 0)


class Trim(Row, frozen=True, kw_only=True):
    """The progress of a conversation's retention."""

    TABLE: ClassVar = Table("trim", key=("conversation_id",))

    conversation_id: ConversationId
    up_to_seq: int = 0
    """The last seq that is gone for everybody, with all before it."""
    up_to_ordinal: int = 0
    """The ordinal at ``up_to_seq``: nothing up to here counts as unread."""
    looked_seq: int = 0
    """Up to here nothing is left to be emptied."""
    told_seq: int = 0
    """The last ``up_to_seq`` in the log."""


class Preference(Row, frozen=True, kw_only=True):
    """One user's preferences for one conversation."""

    TABLE: ClassVar = Table("preference", key=("user_id", "conversation_id"))

    user_id: UserId
    conversation_id: ConversationId
    pinned: bool = False
    muted_until_ms: int = 0
    """No notification until then; -1 means until unmuted."""
    archived: bool = False
    marked_unread: bool = False
    folder: str = ""
    draft: str = ""
    draft_at_ms: int = 0
    hidden: bool = False
    """Not listed until a message arrives after ``hidden_seq``."""
    hidden_seq: int = 0
    """The last seq of the conversation's log when it was hidden."""
    cleared_seq: int = 0
    """This user no longer sees what stands at or before this seq, because he or she cleared the
    conversation or because it is kept for a time only."""
    cleared_ordinal: int = 0
    """The ordinal at ``cleared_seq``: nothing up to here counts as unread."""


class HiddenMessage(Row, frozen=True, kw_only=True):
    """A message that one user deleted for themselves."""

    TABLE: ClassVar = Table("hidden_message", key=("user_id", "conversation_id", "seq"))

    user_id: UserId
    conversation_id: ConversationId
    seq: int


class _About(Struct):
    """The common part of bodies of entries about another entry."""

    seq: int = 0


_decode_about = msgspec.json.Decoder(_About).decode


def about_seq(entry: Entry) -> int:
    """Return the seq of the older entry that this one is about; 0 for none.

    An entry in a conversation is about another when its body names a ``seq``.
    """
    try:
        return _decode_about(entry.body).seq
    except msgspec.MsgspecError:
        return 0
