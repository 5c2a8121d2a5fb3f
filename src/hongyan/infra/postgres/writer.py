"""One connection that writes, and what it does when it breaks.

An answer can be lost with the connection while the transaction stands. So each transaction
leaves its number in this writer's row of ``writer``; before anything is tried again, a new
connection fences that row, which waits for the old transaction or keeps it from ever being
committed, and reads there which it was.
"""

import asyncio
import contextlib
import logging
from collections.abc import Callable
from time import perf_counter
from uuid import uuid4

from hongyan.domain.log.model import Commit, Committed, Duplicate
from hongyan.kernel.errors import Busy, Refusal, Unavailable
from hongyan.kernel.meters import Durations

from .batch import SQL, Answers, Misjudged, Overtaken, write
from .connections import RIVALRY, Backoff, Connection, close, connect, is_lost, refusal
from .queue import CommitJob, CommitQueue

log = logging.getLogger(__name__)

ATTEMPTS = 12
"""Tries of one batch that rivals may be in the way of."""
CAREFUL_BATCHES = 50
"""After a repeat or a stale commit was met, so many batches are done carefully at once."""
SESSION = "hongyan writer "
MARK = (
    "PREPARE mark (bigint) AS WITH marked AS (UPDATE writer SET batch = $1"
    " WHERE writer_id = '{writer_id}' AND NOT fenced RETURNING 1)"
    " SELECT 1 / count(*) FROM marked"
)
"""Fails when the row is fenced, and so does its transaction."""


class PostgresWriter:
    """Takes batches from the queue and carries them out, one after the other.

    Args:
        dsn: See ``connect``.
        queue: Where commits wait.
        on_commit: See ``PostgresStore``.
        answer_s: How long the database may take for one batch; then the connection is given up.
    """

    def __init__(
        self, dsn: str, queue: CommitQueue, on_commit: Callable[[Committed], None], answer_s: float
    ) -> None:
        self._dsn = dsn
        self._queue = queue
        self._on_commit = on_commit
        self._answer_s = answer_s
        self._connection: Connection | None = None
        self._base = 0
        self._writer_id = ""
        self._batch = 0
        self._in_resync: int | None = None
        self._stands: bool | None = None
        self._careful = 0
        self.answered = 0
        """Commits that were answered."""
        self.batches = Durations()
        """From the begin of a transaction to its end on disk."""
        self.rollbacks = 0
        """Transactions that were begun again: rivals, repeats, lost connections."""

    async def run(self) -> None:
        """Work until the queue is closed and empty."""
        try:
            while jobs := await self._queue.take():
                try:
                    await self._carry_out(jobs)
                finally:
                    self._queue.release(jobs)
        finally:
            await self._resign()

    async def _carry_out(self, jobs: list[CommitJob]) -> None:
        try:
            await self._persist(jobs)
        except Exception as error:
            if len(jobs) > 1 and not isinstance(error, (Unavailable, Busy, *RIVALRY)):
                half = len(jobs) // 2  # a commit is defective: the others shall not suffer
                await self._carry_out(jobs[:half])
                await self._carry_out(jobs[half:])
                return
            answer = error if isinstance(error, Refusal) else refusal(error)
            for job in jobs:
                job.answer(answer)

    async def _persist(self, jobs: list[CommitJob]) -> None:
        """Carry out a batch over broken connections and rivals, and answer.

        Raises:
            Busy: rivals were in the way too often.
        """
        backoff, rivals = Backoff(), 0
        answers: Answers = []
        while jobs:
            try:
                connection = await self._connected()
                if not self._stood():
                    jobs = [job for job in jobs if not job.given_up]
                    answers = await self._attempt(connection, [job.commit for job in jobs])
                self._answer(jobs, answers)
                return
            except Misjudged:
                self._careful = CAREFUL_BATCHES
                continue
            except _AnswerLost as lost:
                answers = lost.answers
            except (Overtaken, *RIVALRY):
                rivals += 1
                if rivals >= ATTEMPTS:
                    raise Busy from None
            except Exception as error:
                if not is_lost(error):
                    raise
                log.warning("a connection that writes is lost: %r", error)
            self._give_up_late(jobs)
            if self._in_resync is None or self._queue.is_closed:
                jobs = [job for job in jobs if not job.given_up]
            await backoff.pause()

    def _answer(self, jobs: list[CommitJob], answers: Answers) -> None:
        self.answered += len(jobs)
        for job, (answer, position) in zip(jobs, answers, strict=True):
            if isinstance(answer, tuple) and position:
                self._notify(Committed(answer, job.commit.origin, position))
            job.answer(answer)

    def _notify(self, committed: Committed) -> None:
        try:
            self._on_commit(committed)
        except Exception:
            log.exception("the listener failed on %d entries", len(committed.entries))

    def _give_up_late(self, jobs: list[CommitJob]) -> None:
        """Answer those that waited too long.

        A batch of unknown result stays with this writer all the same, unless the store is being
        closed: should it stand, it must still be published.
        """
        now = asyncio.get_running_loop().time()
        self._queue.expire(now)
        for job in jobs:
            if job.deadline <= now:
                job.given_up = True
                in_resync = self._in_resync is not None
                job.answer(Unavailable(maybe_done=True) if in_resync else Unavailable())

    # --- one transaction ---

    async def _attempt(self, connection: Connection, commits: list[Commit]) -> Answers:
        watchdog = asyncio.get_running_loop().call_later(self._answer_s, connection.terminate)
        began = perf_counter()
        try:
            answers = await self._transaction(connection, commits)
            self.batches.note(perf_counter() - began)
            return answers
        except BaseException:
            self.rollbacks += 1
            await self._roll_back(connection)
            raise
        finally:
            watchdog.cancel()

    async def _transaction(self, connection: Connection, commits: list[Commit]) -> Answers:
        careful = self._careful > 0
        self._careful -= careful
        await connection.execute("BEGIN")
        try:
            answers, changed = await write(connection, commits, self._base, careful)
        except Duplicate as duplicate:
            answers, changed = [(duplicate, 0)], False
        if not changed:
            await connection.execute("ROLLBACK")
            return answers
        self._batch += 1
        try:
            status = await connection.execute(f"EXECUTE mark ({self._batch}); COMMIT")
        except Exception as error:
            if not is_lost(error):
                raise
            self._in_resync = self._batch
            log.warning("the answer to a commit is lost: %r", error)
            raise _AnswerLost(answers) from error
        if status != "COMMIT":
            raise RuntimeError(f"COMMIT was answered with {status}")
        return answers

    async def _roll_back(self, connection: Connection) -> None:
        if connection.is_closed():
            return
        try:
            await connection.execute("ROLLBACK")
        except Exception:
            connection.terminate()

    # --- the connection ---

    async def _connected(self) -> Connection:
        if self._connection is not None and not self._connection.is_closed():
            return self._connection
        writer_id = uuid4().hex
        connection = await connect(self._dsn, SESSION + writer_id)
        watchdog = asyncio.get_running_loop().call_later(self._answer_s, connection.terminate)
        try:
            await self._enrol(connection, writer_id)
        except BaseException:
            connection.terminate()
            raise
        finally:
            watchdog.cancel()
        self._connection = connection
        return connection

    async def _enrol(self, connection: Connection, writer_id: str) -> None:
        """Fence what this writer was before, and give it a new row."""
        if self._writer_id:
            await connection.execute(SQL["end_session"], SESSION + self._writer_id)
            last = await connection.fetchval(SQL["fence"], self._writer_id)
            if self._in_resync is not None:
                self._stands = last is not None and last >= self._in_resync
                self._in_resync = None
        self._writer_id = writer_id
        await connection.execute(SQL["enrol"], self._writer_id)
        await connection.execute(MARK.format(writer_id=self._writer_id))
        self._base = await connection.fetchval(SQL["base"])

    def _stood(self) -> bool:
        """Return, once, whether the batch with an unknown result is committed."""
        stands, self._stands = self._stands, None
        return stands is True

    async def _resign(self) -> None:
        if self._connection is None:
            return
        with contextlib.suppress(Exception):
            await self._connection.execute(SQL["resign"], self._writer_id)
        await close(self._connection)


class _AnswerLost(Exception):
    """The connection broke while the transaction was being committed."""

    def __init__(self, answers: Answers) -> None:
        super().__init__("the answer is lost")
        self.answers = answers
