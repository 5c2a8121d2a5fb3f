"""Commands of an operator about the readers of the logs."""

from msgspec import Struct

from hongyan.kernel.bus import Access, Command, Done
from hongyan.kernel.errors import Invalid, NotFound


class ReaderInfo(Struct, frozen=True):
    """The progress of a reader of the logs, or of one part of it."""

    name: str
    entries: int
    """Entries that it has not passed; 10,000 and more alike."""
    seconds: float
    """The age of the oldest of them."""
    progress: float
    """The share of all entries that it has passed, from 0 to 1."""
    can_rebuild: bool
    """Whether what it makes can be made anew from all entries."""


class PassedOver(Struct, frozen=True):
    """An entry that a reader could not handle and passed over."""

    reader: str
    number: int
    log_id: str
    seq: int
    kind: str
    at_ms: int
    tries: int
    error: str
    is_wanted: bool
    """Whether it is to be tried again in a moment."""


class ReaderStates(Struct, frozen=True):
    """All readers, and what they passed over (at most 100 of each reader)."""

    readers: tuple[ReaderInfo, ...]
    passed: tuple[PassedOver, ...]


class NoSuchReader(NotFound):
    """There is no such reader, or it passed over no such entry."""

    code = "no_such_reader"
    message = "There is no such reader, or it passed over no such entry."


class NotRebuildable(Invalid):
    """The reader's work cannot be undone, and so not be done anew."""

    code = "not_rebuildable"
    message = "What this reader does cannot be done anew."


class ListReaders(Command[ReaderStates], frozen=True, kw_only=True):
    """Return how far the readers of the logs are, and what they could not handle."""

    METHOD = "admin.readers"
    ACCESS = Access.ADMIN
    READS_ONLY = True


class RetryPassed(Command[Done], frozen=True, kw_only=True):
    """Let a reader try again what it passed over.

    It does so in a moment. What succeeds is off the list; what fails stays there.

    Raises:
        NoSuchReader: it passed over no such entry.
    """

    METHOD = "admin.retry_passed"
    ACCESS = Access.ADMIN
    REPEATABLE = True

    reader: str
    number: int = 0
    """The number of the entry; 0 tries all of this reader."""


class RebuildReader(Command[Done], frozen=True, kw_only=True):
    """Take away all that a reader made, and let it begin anew with the first entry.

    ``admin.readers`` says how far it is.

    Raises:
        NoSuchReader: there is none of this name.
        NotRebuildable: it cannot do that.
    """

    METHOD = "admin.rebuild_reader"
    ACCESS = Access.ADMIN

    name: str
    """The reader, with all of its parts."""
