"""The store behind the ports Log, Cursors, Feed and Records: some writers, some readers."""

import asyncio
from collections.abc import Callable, Sequence

from hongyan.domain.log.model import Commit, Committed, Entry, Row

from .batch import SQL
from .connections import ReaderPool, close, connect
from .migrate import check_moved, migrate
from .queue import CommitJob, CommitQueue
from .reader import PostgresReader
from .writer import PostgresWriter


class PostgresStore(PostgresReader):
    """Log, Cursors, Feed and Records in a PostgreSQL that other processes write to as well.

    Reads see everything that was committed before they began.

    Args:
        dsn: As libpq takes it; several hosts where there is a standby.
        row_types: All rows that will be stored.
        on_commit: Called on the loop for each commit of this process that appended, in the order
            of each log, before its caller is answered.
        queue_limit: Commits that may wait; one more is refused with ``Busy``.
        writers: Connections that write.
        readers: Connections that read.
        patience_s: How long a commit or a read may wait for a database that is down; then it is
            refused with ``Unavailable``.
        answer_s: How long the database may take for one batch or read; then the connection is
            given up and another one is made.
    """

    def __init__(
        self,
        dsn: str,
        row_types: Sequence[type[Row]],
        on_commit: Callable[[Committed], None] = lambda _: None,
        queue_limit: int = 100_000,
        writers: int = 2,
        readers: int = 4,
        patience_s: float = 15.0,
        answer_s: float = 10.0,
    ) -> None:
        self._dsn = dsn
        self._row_types = row_types
        self._patience_s = patience_s
        self._queue = CommitQueue(queue_limit)
        self.writers = [
            PostgresWriter(dsn, self._queue, on_commit, answer_s) for _ in range(writers)
        ]
        self._tasks: list[asyncio.Task[None]] = []
        self._connections = ReaderPool(dsn, readers, patience_s, answer_s)
        super().__init__(self._connections, row_types)

    @property
    def waiting(self) -> int:
        """The number of commits that are not answered yet."""
        return self._queue.count

    async def start(self) -> None:
        """Bring the tables to what this release needs, and begin to accept commits.

        Raises:
            OSError, asyncpg.PostgresError: the database cannot be reached or prepared.
            MoveUnfinished: it holds only a part of what is being moved to it.
        """
        connection = await connect(self._dsn, "hongyan migration")
        try:
            await migrate(connection, self._row_types)
            await check_moved(connection)
            self._base = await connection.fetchval(SQL["base"])
        finally:
            await close(connection)
        self._tasks = [asyncio.create_task(writer.run()) for writer in self.writers]

    async def close(self) -> None:
        """Finish the queued commits and close the connections."""
        self._queue.close()
        await asyncio.gather(*self._tasks)
        self._tasks = []
        await self._connections.close()

    async def commit(self, commit: Commit) -> tuple[Entry, ...]:
        """See ``Log.commit``."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[tuple[Entry, ...]] = loop.create_future()
        self._queue.put(CommitJob(commit, future, loop.time() + self._patience_s))
        return await future
