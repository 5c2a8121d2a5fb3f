"""Readers of the logs and periodic jobs, as services declare them; the runtime runs them.

A service says what is to be done with the entries; where the reader stands, batches, waking up,
trying again, giving up and who of several processes does it are the runtime's.
"""

import random
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, ClassVar, Protocol

from msgspec import Struct, json

from hongyan.kernel.ids import SYSTEM, LogId, user_log

from .model import Change, Commit, Entry, Precondition, Row, Table

READER_CHANGED = "reader.changed"
"""In the system's log: an operator moved a reader, or wants entries tried again. Body: JSON of
``ReaderRef``."""
READERS_LOG = user_log(SYSTEM)


class ReaderRef(Struct, frozen=True):
    """The reader that changed."""

    name: str


class PassedEntry(Row, frozen=True, kw_only=True):
    """An entry that a reader could not handle, however often it tried, and passed over."""

    TABLE: ClassVar = Table("passed_entry", key=("reader", "number"))

    reader: str
    """The reader's name, with its partition where it has several."""
    number: int
    """1 for what was passed over first by this reader."""
    after: str
    """The position before it, in hexadecimal."""
    end: str
    """Its own position, in hexadecimal."""
    log_id: str = ""
    seq: int = 0
    """The place of the entry; empty where the source has no logs."""
    kind: str = ""
    at_ms: int
    """When it was passed over."""
    tries: int
    error: str
    is_wanted: bool = False
    """Whether it is to be tried again."""


class ReaderPage(Struct, frozen=True):
    """The items that a reader is given at once."""

    after: bytes
    """The position before it."""
    end: bytes
    """The position up to which the source was looked through."""
    items: Sequence[Any] = ()
    """The items found there: of the change stream ``Placed``."""
    is_full: bool = False
    """Whether there may be more behind it already."""
    attempt: int = 1
    """1 when it is given for the first time, as far as this process knows."""


class Lag(Struct, frozen=True):
    """The distance of a reader from the end of its source."""

    entries: int
    """At least so many; sources may stop counting somewhere."""
    seconds: float
    """The age of the oldest one."""
    progress: float = 1.0
    """The share of the whole source that has been passed, from 0 to 1."""


class Source(Protocol):
    """The source of a reader; positions are bytes that it alone understands."""

    async def read(self, after: bytes, limit: int, until: bytes = b"") -> ReaderPage:
        """Return the next items behind a position.

        Args:
            after: The position; empty is the beginning.
            limit: At most so many.
            until: The end of a page that was given before: nothing behind it. Empty: no end.
        """
        ...

    async def lag(self, after: bytes, now_ms: int) -> Lag:
        """Return how far a reader is behind that stands at this position."""
        ...


class Unhandled(Exception):
    """Raised by a handler that knows what went wrong: the page is given again later.

    Args:
        error: What went wrong, in a few words.
        changes: What is to be noted about this attempt.
    """

    def __init__(self, error: str, changes: tuple[Change, ...] = ()) -> None:
        super().__init__(error)
        self.changes = changes


class Retry(Struct, frozen=True):
    """The rules of trying a page again, and of giving it up."""

    first_s: float = 1.0
    factor: float = 2.0
    most_s: float = 60.0
    give_up_s: float = float("inf")
    """After so long it is given up."""
    attempts_max: int = 8
    """After so many attempts, too; 0 for no such limit."""

    def wait_s(self, attempt: int) -> float:
        """Return how long to wait after this attempt (1 for the first), with jitter."""
        most = min(self.most_s, self.first_s * self.factor ** min(attempt - 1, 40))
        return most * random.uniform(0.5, 1.0)  # not for secrets

    def is_over(self, attempt: int, spent_s: float) -> bool:
        """Return whether this attempt was the last one."""
        return spent_s >= self.give_up_s or attempt == self.attempts_max


Handle = Callable[[ReaderPage], Awaitable[Commit]]
"""Does what a page asks for. The commit that it returns is carried out together with the saved
position: exactly once, whatever crashes. It names no client ids. What the handler does beside it
is done at least once. It raises when the page cannot be handled."""


async def _is_ready() -> bool:
    return True


class Reader(Struct, frozen=True):
    """Something that is done with every entry, in the order of the log."""

    name: str
    """Under this its position is saved."""
    handle: Handle
    kinds: tuple[str, ...] = ()
    """Only entries of these kinds are given; none gives all."""
    source: Source | None = None
    """None reads the feed of all entries."""
    batch: int = 500
    parts: int = 1
    """Entries are divided by their logs among so many workers. Each part has a position of its
    own, so another number is another reader, which begins at the beginning."""
    pace_s: float = 0.0
    """The least time from one page to the next, unless more waits than a page holds."""
    retry: Retry = Retry()
    is_whole: bool = False
    """A page is one thing: it is given again just so, also after a crash, and given up as one.
    Else the entries of a page that fails are given one by one, and only the culprit is."""
    begin: Callable[[], Awaitable[bool]] = _is_ready
    """Called before anything is read, and again whenever the reader was changed; false: there is
    nothing to do for it."""
    give_up: Callable[[ReaderPage, int, str], Awaitable[tuple[Change, ...]]] | None = None
    """Given a page, how often it was tried and the last error: what notes that it was given up.
    None notes a ``PassedEntry``."""
    clear: Callable[[], Awaitable[tuple[Change, ...]]] | None = None
    """Takes away all that was made of entries, so that it can be made anew. None: the reader
    cannot be rebuilt."""

    @property
    def works(self) -> tuple[str, ...]:
        """The names of its parts."""
        if self.parts == 1:
            return (self.name,)
        return tuple(f"{self.name}/{part}-{self.parts}" for part in range(self.parts))


class Family(Struct, frozen=True):
    """Readers of which there are as many as there are rows: one for each webhook."""

    kinds: tuple[str, ...]
    """Entries of these kinds say that one of them came, changed or went."""
    members: Callable[[], Awaitable[Sequence[Reader]]]
    """Returns those that are to run; the same object as before for the same name."""
    name_of: Callable[[Entry], str]
    """Returns the name of the reader that such an entry is about."""


class Job(Struct, frozen=True):
    """Something that is done again and again, by one process at a time.

    What is to be done is in the store, so a crash loses nothing.
    """

    name: str
    run: Callable[[int], Awaitable[int]]
    """Does what is due at this time (ms) and returns how much that was; it is called again at
    once until it returns 0. When it fails, that is logged and it is called again later."""
    every_s: float = 1.0
    begin: Callable[[tuple[Precondition, ...]], Awaitable[None]] | None = None
    """Called before the first run, with what holds as long as no other process has begun."""


def fence_of(work: str) -> LogId:
    """Return the log whose version counts who has begun this work. It never holds an entry."""
    return LogId("%" + work)


def name_of_changed(entry: Entry) -> str:
    """Return the name of the reader that an entry ``READER_CHANGED`` is about."""
    return json.decode(entry.body, type=ReaderRef).name
