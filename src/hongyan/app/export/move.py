"""Moving an embedded server's data to a cluster's database, and its files to a bucket."""

from pathlib import Path

from msgspec import Struct
from obstore.store import S3Store

from hongyan.app.composition.objects import FOLDER
from hongyan.app.progress import OnProgress, ProgressBars
from hongyan.domain.catalog import ROWS
from hongyan.infra.objects.moving import ObjectDiffers, copy_objects
from hongyan.infra.postgres.moving import AlreadyMoved, NotEmpty, PostgresTarget
from hongyan.infra.sql.digest import TableDigest
from hongyan.infra.sql.parts import ENTRY, LOG, DataTable, parts
from hongyan.infra.sqlite.moving import SqliteSource
from hongyan.kernel.errors import Refusal

PAGE = 5_000


class MoveFailed(Exception):
    """A move that was not done, or not to its end; the sentence says why and what to do."""


class Moved(Struct, frozen=True):
    """Counts of what was moved, taken at the target.

    Without tables when the data had been moved before, and only files were left to be.
    """

    tables: tuple[TableDigest, ...]
    files: int | None
    """None where they stayed."""

    def rows(self, name: str) -> int:
        """Return how many rows a table has."""
        return next(table.rows for table in self.tables if table.name == name)

    @property
    def entries(self) -> int:
        """The number of entries in all logs."""
        return self.rows(ENTRY.name)

    @property
    def logs(self) -> int:
        """The number of logs."""
        return self.rows(LOG.name)


async def move(
    database: Path, dsn: str, restart: bool, bucket: S3Store | None, progress: ProgressBars
) -> Moved:
    """Move what a data folder holds; its lock is held. What was moved before is not moved again.

    Args:
        database: The database file; it is only read. The files are beside it.
        dsn: The PostgreSQL to move to.
        restart: Begin anew, and throw away what an unfinished move has brought.
        bucket: Where the files go; None leaves them.
        progress: Shows how far it is.

    Raises:
        MoveFailed: it is not moved; the source is as it was.
    """
    source, target = SqliteSource(database), PostgresTarget(dsn, ROWS)
    try:
        unknown = source.tables() - {part.name for part in parts(ROWS)}
        if unknown:
            raise MoveFailed(f"this release does not know the tables {', '.join(sorted(unknown))}")
        files = await _move_files(database.parent / FOLDER, bucket, progress)
        await target.open(restart)
        try:
            for part in parts(ROWS):
                await _move_part(source, target, part, progress.stage(part.name))
            digests = [
                await _compare(source, target, part, progress.stage(f"check {part.name}"))
                for part in parts(ROWS)
            ]
            await target.finish(source.generation())
        finally:
            await target.close()
    except AlreadyMoved as error:
        if files is None:
            raise MoveFailed("the database holds data already: it was moved before") from error
        return Moved((), files)
    except NotEmpty as error:
        raise MoveFailed("the database holds data already; name an empty one") from error
    finally:
        source.close()
    return Moved(tuple(digests), files)


async def _move_files(folder: Path, bucket: S3Store | None, progress: ProgressBars) -> int | None:
    if bucket is None:
        return None
    try:
        return await copy_objects(folder, bucket, progress.stage("files"))
    except ObjectDiffers as error:
        raise MoveFailed(f"{error} is not whole in the bucket; run this again") from error
    except Refusal as error:
        raise MoveFailed(f"the bucket does not take the files: {error.text}") from error


async def _move_part(
    source: SqliteSource, target: PostgresTarget, part: DataTable, report: OnProgress
) -> None:
    total, done = source.count(part), 0
    after = await target.last_key(part)
    while page := source.page(part, after, PAGE):
        after = await target.take(part, page)
        done += len(page)
        report(done, total)
    report(total, total)


async def _compare(
    source: SqliteSource, target: PostgresTarget, part: DataTable, report: OnProgress
) -> TableDigest:
    """Hash a part at both places.

    Raises:
        MoveFailed: they differ.
    """
    total = source.count(part)
    for here in source.digest(part):
        report(here.rows // 2, total)
    async for there in target.digest(part):
        report((total + there.rows) // 2, total)
    if here != there:
        raise MoveFailed(
            f"{part.name} is not the same at both places: the data folder was used since the move"
            " was begun, or somebody wrote to the database; begin anew with --restart"
        )
    return there
