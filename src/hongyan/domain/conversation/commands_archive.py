"""Commands about all of a user's logs together."""

from msgspec import Struct

from hongyan.domain.log.model import Entry
from hongyan.kernel.bus import Access, Command


class ArchivedEntry(Struct, frozen=True):
    """An entry and its position among all entries of all logs."""

    position: str
    """Never changes. Positions are compared as texts, and say nothing else."""
    entry: Entry


class Archived(Struct, frozen=True):
    """A page of the archive."""

    entries: tuple[ArchivedEntry, ...]
    """In the order that was asked for. It may be empty though there is more."""
    next: str
    """Ask again with this as ``after`` (``before`` for the newest first) for what follows."""
    more: bool
    """Whether there is more already."""
    generation: str
    """As in ``conversation.sync``."""


class GetArchive(Command[Archived], frozen=True, kw_only=True):
    """Read all of the caller's conversations and their own log together, in one order.

    The order is that in which entries were committed: nothing ever appears before what was
    answered, so ``after`` goes on exactly where a page has ended. Conversations that the caller
    has left are there up to where they left.

    Raises:
        Invalid: a position is none of this server's, or the limit is outside 0 to 500.
    """

    METHOD = "conversation.archive"
    READS_ONLY = True

    after: str = ""
    """Positions up to here are left out."""
    before: str = ""
    """Positions from here on are left out too; empty for no end."""
    newest_first: bool = False
    limit: int = 100
    """With 0 nothing is read, and ``next`` is where the archive ends now."""


class Generation(Struct, frozen=True):
    """Names a state of the logs."""

    generation: str


class GetGeneration(Command[Generation], frozen=True, kw_only=True):
    """Return the generation of the logs, for processes that greet devices."""

    METHOD = "conversation.generation"
    ACCESS = Access.INTERNAL
    READS_ONLY = True
