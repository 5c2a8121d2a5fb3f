"""``hongyan move``: all that an embedded server had is in PostgreSQL, and goes on there."""

import asyncio
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import apsw
import pytest

from hongyan.app.cli.demo import fill
from hongyan.app.export import move as moving
from hongyan.app.export.move import MoveFailed, move
from hongyan.app.progress import ProgressBars
from hongyan.app.roles.embedded import DATABASE
from hongyan.domain.catalog import ROWS
from hongyan.domain.log.model import Append, Commit, Committed, SaveOffset, offset_of
from hongyan.infra.objects.bucket import open_bucket
from hongyan.infra.objects.s3 import S3Objects
from hongyan.infra.postgres.migrate import MoveUnfinished
from hongyan.infra.postgres.moving import PostgresTarget
from hongyan.infra.postgres.store import PostgresStore
from hongyan.infra.sqlite.snapshot import SqliteSnapshot
from hongyan.infra.sqlite.store import SqliteStore
from tests.engines.postgres import PostgresServer
from tests.engines.seaweed import Seaweed
from tests.unit.app.conftest import settings_for

SCRIPT = (
    "from hongyan.app.export import move; move.PAGE = 3; "
    "from hongyan.app.cli.root import app; app()"
)


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of people who have been chatting, with reader places."""
    folder = tmp_path_factory.mktemp("company") / "data"

    async def make() -> None:
        assert await fill(settings_for(folder), 6, 80, 3, False, ProgressBars()) is not None
        store = SqliteStore(folder / DATABASE, ROWS)
        await store.start()
        places = (SaveOffset("webhook", offset_of(17)), SaveOffset("search", b"gtid:4"))
        await store.commit(Commit(changes=places))
        await store.close()

    asyncio.run(make())
    return folder


@pytest.fixture
def folder(company: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(company, tmp_path / "data"))


async def run(folder: Path, dsn: str, restart: bool = False, bucket: Any = None) -> Any:
    return await move(folder / DATABASE, dsn, restart, bucket, ProgressBars())


async def assert_same(folder: Path, dsn: str) -> None:
    """Ask both stores for everything, through their ports."""
    store = PostgresStore(dsn, ROWS)
    await store.start()
    async with SqliteSnapshot(folder / DATABASE, ROWS) as snapshot:
        feed = await snapshot.follow(0, 10**6)
        assert len(feed) > 80
        assert await store.follow(0, 10**6) == feed
        logs = sorted({entry.log_id for _, entry in feed})
        heads = await snapshot.states(logs)
        assert await store.states(logs) == heads
        assert any(head.version for head in heads.values())
        for log_id in logs:
            assert await store.in_log(log_id, 0, "", 999) == await snapshot.in_log(  # type: ignore[arg-type]
                log_id,
                0,
                "",
                999,  # type: ignore[arg-type]
            )
            for entry in await snapshot.read(log_id, 1, 999, 999):
                if entry.client_id:
                    found = await store.find(log_id, entry.sender, entry.client_id)
                    assert found == entry
        counts = []
        for row in ROWS:
            rows = await snapshot.scan(row, limit=10**6)
            assert await store.scan(row, limit=10**6) == rows
            for by in (*row.TABLE.indexes, *row.TABLE.unique):
                assert await store.keys(row, by=by) == await snapshot.keys(row, by=by)
            counts.append(len(rows))
        assert sum(count > 0 for count in counts) > 10
        for reader in ("webhook", "search", "nobody"):
            assert await store.offset(reader) == await snapshot.offset(reader)
    await store.close()


async def test_everything_is_there_and_goes_on(folder: Path, postgres_dsn: str) -> None:
    moved = await run(folder, postgres_dsn)
    await assert_same(folder, postgres_dsn)
    told: list[Committed] = []
    store = PostgresStore(postgres_dsn, ROWS, told.append)
    await store.start()
    feed = await store.follow(0, 10**6)
    assert moved.entries == len(feed)
    async with SqliteSnapshot(folder / DATABASE, ROWS) as snapshot:
        assert await store.generation() == await snapshot.generation()
    position, last = feed[-1]
    repeat = next(entry for _, entry in feed if entry.client_id)
    append = Append(repeat.log_id, "message", repeat.sender, b'"x"', 1, repeat.client_id)
    assert await store.commit(Commit((append,))) == (repeat,)
    head = (await store.states([last.log_id]))[last.log_id]
    new = Append(last.log_id, "message", last.sender, b'"new"', 1, countable=True)
    (entry,) = await store.commit(Commit((new,)))
    assert (entry.seq, entry.ordinal) == (head.seq + 1, head.ordinal + 1)
    ((after, followed),) = await store.follow(position, 9)
    assert followed == entry
    assert after > position
    await store.close()


@pytest.mark.parametrize("at", [1, 2, 5, 30, 60])
async def test_it_goes_on_where_it_was_interrupted(
    folder: Path, postgres_dsn: str, monkeypatch: pytest.MonkeyPatch, at: int
) -> None:
    monkeypatch.setattr(moving, "PAGE", 11)
    take, pages = PostgresTarget.take, 0

    async def interrupted(self: Any, part: Any, rows: Any) -> Any:
        nonlocal pages
        pages += 1
        if pages == at:
            raise ConnectionResetError
        return await take(self, part, rows)

    monkeypatch.setattr(PostgresTarget, "take", interrupted)
    with pytest.raises(ConnectionResetError):
        await run(folder, postgres_dsn)
    store = PostgresStore(postgres_dsn, ROWS)
    with pytest.raises(MoveUnfinished):
        await store.start()
    until = pages
    await run(folder, postgres_dsn)
    all_pages = pages - until + at - 1
    assert pages - until < all_pages or at == 1, "it began anew"
    await assert_same(folder, postgres_dsn)


def test_it_is_killed_and_run_again(
    folder: Path, postgres_dsn: str, postgres: PostgresServer
) -> None:
    command = [sys.executable, "-c", SCRIPT, "move", "--to", postgres_dsn, "--data", str(folder)]
    environment = {name: value for name, value in os.environ.items() if "HONGYAN" not in name}
    schema = postgres_dsn.rpartition("search_path=")[2]
    for parts in (2, 4, 8):
        killed = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL)
        while marks(postgres, schema) < parts:
            assert killed.poll() is None
            time.sleep(0.01)
        killed.kill()
        assert killed.wait() == -signal.SIGKILL
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert "Both sides have the same hashes." in done.stdout
    asyncio.run(assert_same(folder, postgres_dsn))


def marks(postgres: PostgresServer, schema: str) -> int:
    """Return how many parts a move has begun with."""
    if not postgres.query(f"SELECT to_regclass('{schema}.move')"):
        return 0
    return int(postgres.query(f"SELECT count(*) FROM {schema}.move"))


async def test_a_source_that_changed_meanwhile_is_noticed_and_can_begin_anew(
    folder: Path, postgres_dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(self: Any, generation: str) -> None:
        raise ConnectionResetError

    monkeypatch.setattr(PostgresTarget, "finish", fail)
    with pytest.raises(ConnectionResetError):
        await run(folder, postgres_dsn)
    monkeypatch.undo()
    connection = apsw.Connection(str(folder / DATABASE))
    connection.execute("UPDATE entry SET body = CAST('\"forged\"' AS BLOB) WHERE pos = 5")
    connection.close()
    with pytest.raises(MoveFailed, match="entry is not the same"):
        await run(folder, postgres_dsn)
    await run(folder, postgres_dsn, restart=True)
    await assert_same(folder, postgres_dsn)


async def test_it_moves_to_an_empty_database_only(folder: Path, postgres_dsn: str) -> None:
    store = PostgresStore(postgres_dsn, ROWS)
    await store.start()
    await store.commit(Commit((Append("g", "k", "anna", b"1", 1),)))  # type: ignore[arg-type]
    await store.close()
    for restart in (False, True):
        with pytest.raises(MoveFailed, match="holds data already"):
            await run(folder, postgres_dsn, restart)


async def test_a_finished_move_is_not_undone(folder: Path, postgres_dsn: str) -> None:
    await run(folder, postgres_dsn)
    with pytest.raises(MoveFailed, match="holds data already"):
        await run(folder, postgres_dsn, restart=True)


@pytest.fixture(scope="module")
def seaweed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Seaweed]:
    made = Seaweed(tmp_path_factory.mktemp("seaweed"))
    yield made
    made.stop()


@pytest.mark.xdist_group("seaweed")
async def test_files_go_to_the_bucket(
    folder: Path, postgres_dsn: str, seaweed: Seaweed, tmp_path: Path
) -> None:
    bucket = open_bucket(seaweed.options)
    await run(folder, postgres_dsn)
    moved = await run(folder, postgres_dsn, bucket=bucket)
    assert moved.tables == ()
    kept = folder / "files" / "objects"
    names = [path.relative_to(kept).as_posix() for path in kept.rglob("*") if path.is_file()]
    assert moved.files == len(names) > 3
    objects = S3Objects(bucket, tmp_path / "spool")
    for name in names:
        size = await objects.size(name)
        there = b"".join([piece async for piece in objects.read(name, 0, size)])
        assert there == (kept / name).read_bytes()
