"""The store behind the ports Log, Cursors, Feed and Records: one writer, a few readers."""

from collections.abc import Callable, Sequence
from pathlib import Path

from hongyan.domain.log.model import Commit, Committed, Entry, Row

from .reader import SqliteReader
from .writer import SqliteWriter


class SqliteStore(SqliteReader):
    """Log, Cursors, Feed and Records in one file.

    Reads see everything that was committed before they began.

    Args:
        path: The database file; made when missing.
        row_types: All rows that will be stored.
        on_commit: See ``SqliteWriter``.
        queue_limit: See ``SqliteWriter``.
        readers: Threads that read.
    """

    def __init__(
        self,
        path: Path,
        row_types: Sequence[type[Row]],
        on_commit: Callable[[Committed], None] = lambda _: None,
        queue_limit: int = 100_000,
        readers: int = 2,
    ) -> None:
        self.writer = SqliteWriter(path, [row.TABLE for row in row_types], on_commit, queue_limit)
        super().__init__(path, row_types, self.writer.memtable, readers)

    async def start(self) -> None:
        """Begin to accept commits."""
        self.writer.start()

    async def close(self) -> None:
        """Finish the queued commits and close the file."""
        await self.writer.close()
        await super().close()

    async def commit(self, commit: Commit) -> tuple[Entry, ...]:
        """See ``Log.commit``."""
        return await self.writer.submit(commit)
