"""What only a store with a queue and a file can promise or break."""

import asyncio
import gc
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import apsw
import pytest

from hongyan.domain.log.model import (
    Commit,
    Committed,
    Precondition,
    Put,
    SaveOffset,
    offset_of,
    position_of,
)
from hongyan.infra.sql import rows
from hongyan.infra.sqlite import writer
from hongyan.infra.sqlite.database import open_database
from hongyan.infra.sqlite.inspection import check_indexes
from hongyan.infra.sqlite.rows import SQLITE
from hongyan.infra.sqlite.store import SqliteStore
from hongyan.kernel.errors import Busy, Internal, Unavailable

from .conftest import A, Subject, said, seqs, text
from .rows import ROWS, Person, Thing


@pytest.fixture
async def subject(tmp_path: Path) -> AsyncIterator[Subject]:
    made = Subject("sqlite", tmp_path / "store.db")
    await made.open()
    yield made
    await made.store.close()


async def test_a_full_queue_refuses_and_recovers(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "s.db", ROWS, queue_limit=10)
    await store.start()
    answers = await asyncio.gather(
        *[store.commit(Commit((said(str(i)),))) for i in range(25)], return_exceptions=True
    )
    assert [isinstance(answer, Busy) for answer in answers] == [False] * 10 + [True] * 15
    assert seqs(await store.read(A, 1, 99, 99)) == list(range(1, 11))
    assert seqs(await store.commit(Commit((said(),)))) == [11]
    await store.close()


async def test_a_defective_commit_does_not_harm_its_batch(subject: Subject) -> None:
    store = subject.store
    nameless: Any = None
    commits = [Commit((said(str(i), client_id=f"c{i}"),)) for i in range(20)]
    commits[7] = Commit((said("bad"),), (Put(Thing(shelf=nameless, number=1)),))
    commits[8] = Commit((said("bad"),), (Put(Person(person_id=nameless, handle="h")),))
    commits[9] = Commit((said("bad", kind=nameless),))
    commits[10] = Commit((said("bad", client_id="one"), said("bad", client_id="one")))
    answers = await asyncio.gather(*map(store.commit, commits), return_exceptions=True)
    bad = [isinstance(answer, Internal) for answer in answers]
    assert [i for i, is_bad in enumerate(bad) if is_bad] == [7, 8, 9, 10]
    good = [str(i) for i in range(20) if i not in {7, 8, 9, 10}]
    assert [text(e) for e in await store.read(A, 1, 99, 99)] == good
    assert [text(e) for told in subject.told for e in told.entries] == good
    assert await store.count(Thing) == await store.count(Person) == 0
    store = await subject.reopen()
    assert (await store.states([A]))[A].seq == 16


async def test_a_failing_listener_leaves_nobody_without_an_answer(tmp_path: Path) -> None:
    def fail(committed: Committed) -> None:
        raise RuntimeError

    store = SqliteStore(tmp_path / "s.db", ROWS, fail)
    await store.start()
    answers = await asyncio.gather(*[store.commit(Commit((said(),))) for _ in range(5)])
    assert seqs(entry for (entry,) in answers) == [1, 2, 3, 4, 5]
    await store.close()


async def test_a_foreign_writer_makes_it_busy_and_nothing_is_half_written(
    subject: Subject, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = subject.store
    store.writer._connection.set_busy_timeout(20)
    other = apsw.Connection(str(subject.path))
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(Busy):
        await store.commit(Commit((said("1", client_id="c", countable=True),)))
    other.execute("ROLLBACK")
    other.close()
    (entry,) = await store.commit(Commit((said("2", client_id="c", countable=True),)))
    assert (entry.seq, entry.ordinal, text(entry)) == (1, 1, "2")


async def test_a_failing_checkpoint_does_not_unsay_a_commit(
    subject: Subject, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Failing:
        def __init__(self, real: apsw.Connection) -> None:
            self._real = real

        def wal_checkpoint(self, **_: Any) -> None:
            raise apsw.FullError("planted")

    writing = subject.store.writer
    monkeypatch.setattr(writer, "RESTART_PAGES", 0)
    hook = writing._on_wal
    writing._connection.set_wal_hook(lambda c, name, pages: hook(Failing(c), name, pages))
    assert seqs(await subject.store.commit(Commit((said(),)))) == [1]
    assert len(subject.told) == 1


async def test_the_log_is_checkpointed_and_its_file_does_not_grow_for_ever(
    subject: Subject, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer, "CHECKPOINT_PAGES", 50)
    monkeypatch.setattr(writer, "RESTART_PAGES", 500)
    wal = subject.path.with_name("store.db-wal")
    for _ in range(60):
        await subject.store.commit(Commit(tuple(said("x" * 2000) for _ in range(50))))
    assert wal.stat().st_size < 4096 * 2000
    assert (await subject.store.states([A]))[A].seq == 3000


async def test_reads_after_close_say_so(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "s.db", ROWS)
    await store.start()
    await store.commit(Commit((said(),)))
    await store.read(A, 1, 9, 9)
    await store.close()
    with pytest.raises(Unavailable):
        await store.read(A, 1, 9, 9)


async def test_a_store_that_never_started_can_be_closed(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "s.db", ROWS)
    await store.close()
    gc.collect()


async def test_many_logs_beyond_the_heads_kept(
    subject: Subject, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hongyan.infra.sqlite.batch.HEADS_KEPT", 3)
    store = subject.store
    for turn in range(1, 4):
        answers = await asyncio.gather(
            *[
                store.commit(
                    Commit(
                        (said(log_id=f"g{i}", changes_rules=True),),
                        preconditions=(Precondition(f"g{i}", turn - 1),),
                    )
                )
                for i in range(20)
            ]
        )
        assert {entry.seq for (entry,) in answers} == {turn}


@pytest.mark.parametrize("by", [None, "by_colour", "by_due", "by_due_only"])
@pytest.mark.parametrize("newest", [False, True])
async def test_scans_use_their_index(subject: Subject, by: str | None, newest: bool) -> None:
    fields = Thing.TABLE.index(by) if by else Thing.TABLE.key
    connection = apsw.Connection(str(subject.path))
    for bound in range(len(fields) + 1):
        statement = rows.select(SQLITE, Thing, by, (False,) * bound, (), newest)
        plan = connection.execute(f"EXPLAIN QUERY PLAN {statement}", (1,) * (bound + 1))
        (step,) = [step[-1] for step in plan]
        assert step.startswith("SEARCH" if bound else "SCAN")
        assert by is None or f"USING INDEX test_thing__{by}" in step
    connection.close()


async def test_no_reader_s_name_disturbs_the_indexes(subject: Subject) -> None:
    await subject.store.commit(Commit((said("1", client_id="c"),)))
    for name in ("index", "entry", "entry_place", "log"):
        await subject.store.commit(Commit(changes=(SaveOffset(name, offset_of(10**9)),)))
    store = await subject.reopen()
    assert [text(e) for e in await store.read(A, 1, 9, 9)] == ["1"]
    assert (await store.commit(Commit((said("2", client_id="c"),))))[0].seq == 1


async def test_what_a_head_tells_can_be_read(
    subject: Subject, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A writing thread that is slow just after its fsync hides nothing that heads have shown."""
    store = subject.store
    flush = store.writer._batch.flush

    def slowly() -> None:
        time.sleep(0.05)
        flush()

    monkeypatch.setattr(store.writer._batch, "flush", slowly)
    for number in range(1, 6):
        committing = asyncio.create_task(store.commit(Commit((said(countable=True),))))
        while (head := (await store.states([A]))[A]).seq < number:
            continue
        assert seqs(await store.read(A, 1, 99, 99)) == list(range(1, head.seq + 1))
        await committing
    committing = asyncio.create_task(store.commit(Commit((said(client_id="last"),))))
    while not (told := [e for _, e in await store.follow(0, 99) if e.client_id]):
        continue
    assert await store.find(A, "anna", "last") == told[0]
    await committing


async def test_places_that_were_integers_are_kept(subject: Subject) -> None:
    """A folder of an earlier release: the saved places of readers become bytes."""
    await subject.store.commit(Commit((said("1"), said("2"))))
    await subject.store.close()
    old = apsw.Connection(str(subject.path))
    old.execute("DROP TABLE reader")
    old.execute("CREATE TABLE reader (name TEXT PRIMARY KEY, pos INTEGER NOT NULL) WITHOUT ROWID")
    places = {"new": 0, "webhook:w1": 1, "statistics": 2, "far": 2**62}
    old.executemany("INSERT INTO reader VALUES (?, ?)", places.items())
    reading = open_database(subject.path, read_only=True)
    count = [one for one in check_indexes(reading, deep=False) if "reader" in one]
    assert count == [], "it can be looked at before a server has opened it"
    reading.close()
    old.close()
    for _ in range(2):  # also when it is opened again
        store = await subject.open()
        found = {name: await store.offset(name) for name in places}
        assert found == {name: offset_of(place) for name, place in places.items()}
        assert {name: position_of(place) for name, place in found.items()} == places
        await store.commit(Commit(changes=(SaveOffset("new", b"gtid:1"),)))
        assert await store.offset("new") == b"gtid:1"
        await store.commit(Commit(changes=(SaveOffset("new", b""),)))
        await store.close()
    await subject.open()


@pytest.mark.parametrize(("place", "is_beyond"), [(2, False), (3, True)])
async def test_a_reader_beyond_the_end_is_found(
    subject: Subject, place: int, is_beyond: bool
) -> None:
    saved = (SaveOffset("r", offset_of(place)), SaveOffset("other", b"\xff" * 20))
    await subject.store.commit(Commit((said("1"), said("2")), saved))
    connection = open_database(subject.path, read_only=True)
    found = "\n".join(check_indexes(connection, deep=False))
    assert ("1 readers whose place is beyond" in found) == is_beyond
    connection.close()
