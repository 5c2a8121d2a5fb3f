"""The only thread that writes: it takes all commits that wait, and gives them one fsync.

Commits queue up in the event loop for one tick, then while the previous batch is on its way
to the disk; so the batch grows with the load and nobody lingers for it.
"""

import asyncio
import logging
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from queue import Empty, SimpleQueue
from time import perf_counter

import apsw

from hongyan.domain.log.model import (
    Commit,
    Committed,
    Duplicate,
    Entry,
    Table,
    VersionConflict,
)
from hongyan.infra.sql.statements import read_sql
from hongyan.kernel.errors import Busy, Internal, StorageFull, Unavailable
from hongyan.kernel.meters import Durations

from .batch import CommitBatch
from .database import open_database
from .memtable import Memtable
from .rows import create

log = logging.getLogger(__name__)

BATCH_COMMITS = 4_096
CHECKPOINT_PAGES = 4_000
RESTART_PAGES = 40_000

OUTSIDE = (
    apsw.FullError,
    apsw.IOError,
    apsw.BusyError,
    apsw.LockedError,
    apsw.CantOpenError,
    apsw.ReadOnlyError,
    apsw.CorruptError,
    apsw.NotADBError,
    apsw.NoMemError,
)
"""Errors that no commit is to blame for."""

Answer = tuple[Entry, ...] | Exception
Answers = list[tuple[Answer, int]]
"""For each commit its entries and the position of the first one; 0 where nothing was appended."""


class _Job:
    __slots__ = ("commit", "future")

    def __init__(self, commit: Commit, future: "asyncio.Future[tuple[Entry, ...]]") -> None:
        self.commit = commit
        self.future = future


class SqliteWriter:
    """Carries out commits on one thread, and reports what became of them on the event loop.

    Args:
        path: The database file.
        tables: The declarations of all rows.
        on_commit: Called on the loop for each commit that appended, in commit order, before
            its caller is answered.
        queue_limit: Commits that may wait; one more is refused with ``Busy``.
    """

    def __init__(
        self,
        path: Path,
        tables: Sequence[Table],
        on_commit: Callable[[Committed], None],
        queue_limit: int = 100_000,
    ) -> None:
        self._path = path
        self._tables = tables
        self._on_commit = on_commit
        self._queue_limit = queue_limit
        self.waiting = 0
        """Commits that are not answered yet."""
        self.answered = 0
        """Commits that were."""
        self.batches = Durations()
        """Of the transactions."""
        self._tick: list[_Job] = []
        self._queue: SimpleQueue[list[_Job] | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="sqlite-writer", daemon=True)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._closed = False
        self._connection = open_database(path)
        self._connection.execute(read_sql(__package__, "schema.sql"))
        for table in tables:
            for statement in create(table):
                self._connection.execute(statement)
        self._connection.set_wal_hook(self._on_wal)
        self._checkpoint_due = threading.Event()
        self._checkpointer = threading.Thread(
            target=self._checkpoint, name="sqlite-checkpoint", daemon=True
        )
        self._wal_pages = 0
        self.memtable = Memtable()
        self._batch = CommitBatch(self._connection, self.memtable)

    def start(self) -> None:
        """Start the threads; call it on the running event loop."""
        self._loop = asyncio.get_running_loop()
        self._thread.start()
        self._checkpointer.start()

    def submit(self, commit: Commit) -> "asyncio.Future[tuple[Entry, ...]]":
        """Queue a commit; the future has the answer of ``Log.commit``."""
        assert self._loop is not None
        if self._closed:
            raise Unavailable
        if self.waiting >= self._queue_limit:
            raise Busy
        future: asyncio.Future[tuple[Entry, ...]] = self._loop.create_future()
        self.waiting += 1
        if not self._tick:
            self._loop.call_soon(self._hand_over)
        self._tick.append(_Job(commit, future))
        return future

    def _hand_over(self) -> None:
        self._queue.put(self._tick)
        self._tick = []

    async def close(self) -> None:
        """Finish what is queued, then close the file."""
        if self._closed:
            return
        self._closed = True
        if self._tick:
            self._hand_over()
        self._queue.put(None)
        if self._thread.ident is not None:
            await asyncio.to_thread(self._thread.join)
            self._checkpoint_due.set()
            await asyncio.to_thread(self._checkpointer.join)
        self._connection.close()

    # --- on the writing thread ---

    def _run(self) -> None:
        while True:
            jobs = self._queue.get()
            if jobs is None:
                return
            stopping = False
            while len(jobs) < BATCH_COMMITS:
                try:
                    more = self._queue.get_nowait()
                except Empty:
                    break
                if more is None:
                    stopping = True
                    break
                jobs = jobs + more
            began = perf_counter()
            answers = self._carry_out(jobs)
            self.batches.note(perf_counter() - began)
            assert self._loop is not None
            try:
                self._loop.call_soon_threadsafe(self._answer, jobs, answers)
            except RuntimeError:  # the loop is gone: nobody is left to be answered
                return
            if stopping:
                return
            if self.memtable.is_full or (self.memtable.is_ready and self._queue.empty()):
                self._index()

    def _index(self) -> None:
        """Let the indexes come on, now that everybody is answered."""
        try:
            self._batch.index()
        except apsw.Error as error:  # the next batch tries again
            log.warning("the indexes stay behind: %s", error)

    def _carry_out(self, jobs: list[_Job]) -> Answers:
        try:
            return self._transaction(jobs)
        except Exception as raised:
            error = _first_of(raised)
            if len(jobs) > 1 and not isinstance(error, OUTSIDE):
                half = len(jobs) // 2  # a commit is defective: the others shall not suffer
                return self._carry_out(jobs[:half]) + self._carry_out(jobs[half:])
            return [(_refusal(error), 0)] * len(jobs)

    def _transaction(self, jobs: list[_Job]) -> Answers:
        answers: Answers = []
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            self._batch.look_up(job.commit for job in jobs)
            for job in jobs:
                try:
                    answers.append(self._batch.add(job.commit))
                except (VersionConflict, Duplicate) as refusal:
                    answers.append((refusal, 0))
            self._batch.write()
            with self.memtable.settling:
                self._connection.execute("COMMIT")
                self._batch.flush()
        except BaseException:
            self._batch.forget()
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
            raise
        return answers

    def _on_wal(self, connection: apsw.Connection, name: str, pages: int) -> int:
        """Keep the log short without making a commit wait for it, unless it got very long."""
        if pages > RESTART_PAGES:
            try:
                connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_RESTART)
            except apsw.Error as error:  # the commit stands whatever becomes of this
                log.warning("the write-ahead log stays at %d pages: %s", pages, error)
        elif pages > CHECKPOINT_PAGES:
            self._checkpoint_due.set()
        return apsw.SQLITE_OK

    def _checkpoint(self) -> None:
        connection = open_database(self._path)
        connection.wal_autocheckpoint(0)
        while self._checkpoint_due.wait() and not self._closed:
            self._checkpoint_due.clear()
            try:
                connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_PASSIVE)
            except apsw.Error as error:
                log.warning("checkpoint failed: %s", error)
        connection.close()

    # --- back on the event loop ---

    def _answer(self, jobs: list[_Job], answers: Answers) -> None:
        self.waiting -= len(jobs)
        self.answered += len(jobs)
        for job, (answer, position) in zip(jobs, answers, strict=True):
            if isinstance(answer, Exception):
                if not job.future.done():
                    job.future.set_exception(answer)
                continue
            if answer and position:
                self._notify(Committed(answer, job.commit.origin, position))
            if not job.future.done():
                job.future.set_result(answer)

    def _notify(self, committed: Committed) -> None:
        try:
            self._on_commit(committed)
        except Exception:
            log.exception("the listener failed on %d entries", len(committed.entries))


def _first_of(error: Exception) -> Exception:
    """Return the error that began it: SQLite ends the transaction on some, and so the next."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, OUTSIDE):
            return cause
        cause = cause.__context__
    return error


def _refusal(error: Exception) -> Exception:
    """Return what the caller gets for an error that kept a batch from the disk."""
    if isinstance(error, apsw.FullError):
        return StorageFull()
    log.error("commits failed", exc_info=error)
    return Busy() if isinstance(error, apsw.BusyError) else Internal()
