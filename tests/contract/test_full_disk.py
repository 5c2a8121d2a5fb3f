"""A disk without space: refused and retryable, nothing half-written, and on again afterwards.

The errors are SQLite's own: from a tiny tmpfs where mounting is permitted, and everywhere from
a file that may have only so many pages.
"""

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import apsw
import pytest

from hongyan.domain.log.model import Advance, Bump, Commit, Cursor, Put
from hongyan.infra.sqlite import database, writer
from hongyan.kernel.errors import StorageFull
from tests.engines.disk import grow, tiny_disk

from .conftest import BORIS, A, B, Subject, said, seqs, text
from .rows import Person, Thing

DISK_BYTES = 3 * 1024 * 1024
WORDS = "x" * 3000


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    with tiny_disk(tmp_path / "tiny", DISK_BYTES) as where:
        yield where


def fill(where: Path) -> Path:
    """Take the last byte of the disk."""
    ballast = where / "ballast"
    with ballast.open("wb", buffering=0) as file:
        try:
            for size in (65536, 4096, 1):
                while file.write(b"\0" * size) == size:
                    pass
        except OSError:
            pass
    assert os.statvfs(where).f_bavail == 0
    return ballast


Tight = tuple[Subject, Callable[[], None]]


@pytest.fixture(params=["tmpfs", "pages"])
async def tight(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Tight]:
    """Return a store whose disk is about to be full, and what makes space again."""
    if request.param == "tmpfs":
        where: Path = request.getfixturevalue("small_disk")
        subject = Subject("sqlite", where / "store.db")
        await subject.open()
        await subject.store.commit(Commit((said("first", client_id="first"),)))
        ballast = fill(where)
        os.truncate(ballast, ballast.stat().st_size - 200_000)

        def relieve() -> None:
            ballast.unlink()
    else:
        subject = Subject("sqlite", tmp_path / "store.db")
        await subject.open()
        connection: apsw.Connection = subject.store.writer._connection
        await subject.store.commit(Commit((said("first", client_id="first"),)))
        pages = connection.execute("PRAGMA page_count").fetchone()[0]
        connection.execute(f"PRAGMA max_page_count = {pages + 20}")

        def relieve() -> None:
            connection.execute("PRAGMA max_page_count = 1000000")

    yield subject, relieve
    await subject.store.close()


async def until_full(subject: Subject, make: Callable[[int], Commit]) -> int:
    """Commit until the disk is full; return how many commits were carried out."""
    for number in range(3000):
        try:
            await subject.store.commit(make(number))
        except StorageFull:
            return number
    raise AssertionError("the disk never filled")


async def assert_stands(subject: Subject, count: int) -> None:
    """What was acknowledged is there, whole, and nothing else."""
    store = subject.store
    entries = await store.read(A, 1, 2**62, 9999)
    assert seqs(entries) == list(range(1, count + 1))
    head = (await store.states([A]))[A]
    assert (head.seq, head.ordinal) == (count, entries[-1].ordinal)
    assert [entry for _, entry in await store.follow(0, 9999)] == entries
    told = [entry for committed in subject.told for entry in committed.entries]
    assert told == entries


async def test_commits_are_refused_and_reads_go_on(tight: Tight) -> None:
    subject, relieve = tight
    store = subject.store

    def make(number: int) -> Commit:
        return Commit(
            (said(WORDS, client_id=f"c{number}", countable=True),),
            (Put(Thing(shelf="s", number=number)), Advance(A, BORIS, number), Bump(B)),
        )

    count = await until_full(subject, make)
    await assert_stands(subject, count + 1)
    for _ in range(3):
        with pytest.raises(StorageFull):
            await store.commit(make(count))
    await assert_stands(subject, count + 1)
    assert await store.count(Thing) == count
    assert (await store.states([B]))[B].version == count
    assert await store.find(A, "anna", f"c{count}") is None
    assert StorageFull.retryable

    relieve()
    (entry,) = await store.commit(make(count))
    assert (entry.seq, entry.ordinal) == (count + 2, count + 1)
    (again,) = await store.commit(make(0))
    assert again.seq == 2
    assert (await store.of_user(BORIS, [A]))[A] == Cursor(count, count - 1, count)
    await assert_stands(subject, count + 2)
    store = await subject.reopen()
    await assert_stands(subject, count + 2)
    assert await store.count(Thing) == count + 1


async def test_a_guarded_commit_is_refused_alike(tight: Tight) -> None:
    subject, relieve = tight

    def make(number: int) -> Commit:
        person = Person(person_id=f"p{number}", handle=f"h{number}" + WORDS)
        return Commit((said(str(number), countable=True),), (Put(person),))

    count = await until_full(subject, make)
    await assert_stands(subject, count + 1)
    assert await subject.store.count(Person) == count
    relieve()
    await subject.store.commit(make(count))
    await assert_stands(subject, count + 2)
    assert await subject.store.count(Person) == count + 1


async def test_a_whole_batch_is_refused_or_carried_out(tight: Tight) -> None:
    subject, relieve = tight
    store = subject.store

    async def burst(name: str) -> list[Any]:
        commits = [Commit((said(WORDS, client_id=f"{name}{i}"),)) for i in range(40)]
        return await asyncio.gather(*map(store.commit, commits), return_exceptions=True)

    done = 1
    for number in range(100):
        answers = await burst(f"b{number}-")
        full = [isinstance(answer, StorageFull) for answer in answers]
        if any(full):
            assert all(full)
            break
        done += len(answers)
    else:
        raise AssertionError("the disk never filled")
    await assert_stands(subject, done)
    relieve()
    answers = await burst("again")
    assert seqs(entry for (entry,) in answers) == list(range(done + 1, done + 41))
    await assert_stands(subject, done + 40)


async def test_what_stands_survives_a_restart_on_the_full_disk(small_disk: Path) -> None:
    subject = Subject("sqlite", small_disk / "store.db")
    await subject.open()
    await subject.store.commit(Commit((said("first"),)))
    ballast = fill(small_disk)
    count = 1 + await until_full(subject, lambda number: Commit((said(WORDS),)))
    await assert_stands(subject, count)
    await subject.store.close()
    ballast.unlink()
    await subject.open()
    await assert_stands(subject, count)
    (entry,) = await subject.store.commit(Commit((said("on"),)))
    assert (entry.seq, text(entry)) == (count + 1, "on")
    await subject.store.close()


async def test_a_checkpoint_without_space_loses_nothing(
    small_disk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The write-ahead log has room on a disk where the database file cannot grow."""
    monkeypatch.setattr(writer, "CHECKPOINT_PAGES", 20)
    monkeypatch.setattr(writer, "RESTART_PAGES", 100)
    subject = Subject("sqlite", small_disk / "store.db")
    await subject.open()
    count = await until_full(subject, lambda number: Commit((said(WORDS),)))
    await assert_stands(subject, count)
    await subject.store.close()
    grow(small_disk)
    await subject.open()
    await assert_stands(subject, count)
    assert seqs(await subject.store.commit(Commit((said(),)))) == [count + 1]
    await subject.store.close()
    checked = database.open_database(small_disk / "store.db")
    assert checked.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    checked.close()
