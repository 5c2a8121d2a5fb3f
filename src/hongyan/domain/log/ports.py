"""The ports of a store. One contract suite runs over all of its adapters."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol, TypeVar

from hongyan.kernel.ids import ClientId, LogId, UserId

from .model import Commit, Cursor, Entry, LogState, Order, Placed, Row, SeqRange, Tally

R = TypeVar("R", bound=Row)


class Log(Protocol):
    """Logs of entries and the users' cursors in them."""

    async def commit(self, commit: Commit) -> tuple[Entry, ...]:
        """Carry out one transaction and return its entries, in the order of ``appends``.

        Durable when it returns: an fsync has covered it. Commits of one log take effect in
        the order of the calls. A repeated ``client_id`` returns the first entry alone and
        changes nothing, whatever ``preconditions`` says.

        Raises:
            VersionConflict: a ``Precondition`` did not hold.
            Duplicate: a ``Put`` breaks a unique constraint.
            Busy: the bounded queue of commits is full.
            StorageFull: the disk is full.
            Unavailable: the store is closed, or its database was away for too long. When
                ``details["maybe_done"]`` is true, it may have been carried out all the same.
        """
        ...

    async def find(self, log_id: LogId, sender: UserId, client_id: ClientId) -> Entry | None:
        """Return the entry that this sender appended with this client id."""
        ...

    async def read(
        self,
        log_id: LogId,
        first: int,
        last: int,
        limit: int,
        order: Order = "oldest",
        kinds: Sequence[str] = (),
    ) -> list[Entry]:
        """Return at most ``limit`` entries with ``first <= seq <= last``, by seq.

        ``order`` says from which end ``limit`` counts and how the answer is sorted;
        ``kinds`` keeps only entries of these kinds.
        """
        ...

    async def states(self, log_ids: Sequence[LogId]) -> dict[LogId, LogState]:
        """Return the head of each log; an empty log has ``LogState()``."""
        ...

    async def tails(
        self, spans: Sequence[SeqRange], limit: int, kinds: Sequence[str] = ()
    ) -> dict[LogId, list[Entry]]:
        """Return the newest entries of many logs, in one read.

        Args:
            spans: Where to look; each log at most once.
            limit: At most this many entries of each span.
            kinds: Keep only entries of these kinds; none of them keeps all.

        Returns:
            The entries by log, oldest first; a log where nothing was found is left out.
        """
        ...


class Cursors(Protocol):
    """Reading cursors."""

    async def of_user(self, user_id: UserId, log_ids: Sequence[LogId]) -> dict[LogId, Cursor]:
        """Return the user's cursor in each log; one never moved is ``Cursor()``."""
        ...

    async def in_log(
        self, log_id: LogId, at_least: int, after: UserId, limit: int
    ) -> list[tuple[UserId, Cursor]]:
        """Return users with ``read_seq >= at_least``, by user id, from ``after`` (exclusive)."""
        ...


class ChangeStream(Protocol):
    """All entries of all logs, in the order in which they were committed, for readers.

    A reader (search, webhooks, push) keeps its position in the store under its name (the change
    ``SaveOffset``), so that a crash between commit and effect loses nothing.
    """

    async def follow(
        self, after: int, limit: int, until: int = 0, kinds: Sequence[str] = ()
    ) -> list[Placed]:
        """Return at most ``limit`` (position, entry) with ``position > after``, ascending.

        Args:
            after: Positions up to here are left out.
            limit: At most so many.
            until: The last position that is looked at; 0 means no end.
            kinds: Keeps only entries of these kinds; none keeps all.
        """
        ...

    async def tally(self, after: int, limit: int) -> tuple[int, list[Tally]]:
        """Count the next ``limit`` entries behind ``after``, without reading them.

        Returns:
            The last position counted (``after`` where there was nothing), and the counts.
        """
        ...

    async def end(self) -> int:
        """Return the position of the newest entry that ``follow`` gives; 0 while there is none.

        No entry will appear at this position or before it any more.
        """
        ...

    async def offset(self, reader: str) -> bytes:
        """Return the reader's last saved position; empty at first."""
        ...


class Archive(Protocol):
    """Entries in other orders than a log's own, and which logs these are."""

    async def archive(
        self,
        spans: Sequence[SeqRange],
        limit: int,
        *,
        after: int = 0,
        before: int = 0,
        order: Order = "oldest",
        kinds: Sequence[str] = (),
    ) -> list[Placed]:
        """Return entries of many logs together, by position.

        It takes a time that grows with the logs and the limit, not with what the logs hold. As in
        ``ChangeStream.follow``, no entry will appear before one that was given.

        Args:
            spans: Where to look; each log at most once.
            limit: At most so many.
            after: Positions up to here are left out.
            before: So are positions from here on; 0 means no end.
            order: From which end ``limit`` counts, and how the answer is sorted.
            kinds: Keeps only entries of these kinds; none keeps all.
        """
        ...

    async def read_by_ordinal(
        self, log_id: LogId, first: int, last: int, limit: int, order: Order = "oldest"
    ) -> list[Entry]:
        """Return at most ``limit`` of the log's countable entries by their number.

        The ``n``-th countable entry is the one that raised the ordinal to ``n``; those from
        ``first`` to ``last`` are given. ``order`` is as in ``Log.read``.
        """
        ...

    async def generation(self) -> str:
        """Return what names this state of the logs.

        It is made when a store is made, and anew when it is restored from a copy: what devices
        remember of another generation need not be so any more.
        """
        ...


class Records(Protocol):
    """The rows, read. They are written by ``Log.commit`` only."""

    async def get(self, row: type[R], *key: Any) -> R | None:
        """Return the row with this key."""
        ...

    async def get_many(self, row: type[R], keys: Sequence[tuple[Any, ...]]) -> Mapping[Any, R]:
        """Return the rows that exist, by key: a tuple, or the bare value of a one-field key."""
        ...

    async def scan(
        self,
        row: type[R],
        *prefix: Any,
        by: str | None = None,
        after: tuple[Any, ...] = (),
        limit: int = 1000,
        order: Order = "oldest",
    ) -> list[R]:
        """Return the rows whose first index fields equal ``prefix``, in the index's order.

        Args:
            row: The type of the rows.
            prefix: Values of the first fields of the index; none of them lists all rows.
            by: The name of an index or unique constraint; None takes the key.
            after: Where the previous page ended: that row's index fields followed by its
                key fields (for ``by=None`` its key), from the first field after the prefix.
            limit: At most this many rows.
            order: "newest" walks the index backwards.
        """
        ...

    async def keys(
        self, row: type[R], *prefix: Any, by: str | None = None, limit: int = 1_000_000
    ) -> list[tuple[Any, ...]]:
        """Return the keys of the rows that ``scan`` would find, without reading the rows."""
        ...

    async def count(self, row: type[R], *prefix: Any, by: str | None = None) -> int:
        """Return how many rows ``scan`` would find without a limit."""
        ...
