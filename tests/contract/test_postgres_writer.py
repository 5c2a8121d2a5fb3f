"""What only a store with several writers, beside other processes, can promise or break."""

import asyncio
import random
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import pytest

from hongyan.domain.log.deciding import decide
from hongyan.domain.log.model import (
    Bump,
    Commit,
    Committed,
    LogState,
    Precondition,
    Put,
    VersionConflict,
)
from hongyan.infra.postgres.batch import SQL
from hongyan.infra.postgres.store import PostgresStore
from hongyan.kernel.errors import Busy, Internal, Invalid, Unavailable
from tests.engines.postgres import PostgresServer
from tests.engines.wire_tap import Fate, WireTap

from .conftest import A, B, Subject, said, seqs, text
from .rows import ROWS, Person, Thing


@pytest.fixture
async def subject(postgres_dsn: str, tmp_path: Any) -> AsyncIterator[Subject]:
    made = Subject("postgres", tmp_path, postgres_dsn)
    await made.open()
    yield made
    await made.store.close()


async def opened(dsn: str, told: list[Committed] | None = None, **more: Any) -> PostgresStore:
    store = PostgresStore(dsn, ROWS, (told if told is not None else []).append, **more)
    await store.start()
    return store


async def test_a_full_queue_refuses_and_recovers(postgres_dsn: str) -> None:
    store = await opened(postgres_dsn, queue_limit=10)
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
    commits[11] = Commit((said("bad", kind="a\0b"),))
    answers = await asyncio.gather(*map(store.commit, commits), return_exceptions=True)
    bad = [type(answer) for answer in answers if isinstance(answer, Exception)]
    assert bad == [Internal] * 4 + [Invalid]
    good = [str(i) for i in range(20) if i not in {7, 8, 9, 10, 11}]
    assert [text(e) for e in await store.read(A, 1, 99, 99)] == good
    assert [text(e) for told in subject.told for e in told.entries] == good
    assert await store.count(Thing) == await store.count(Person) == 0


async def test_a_failing_listener_leaves_nobody_without_an_answer(postgres_dsn: str) -> None:
    def fail(committed: Committed) -> None:
        raise RuntimeError

    store = PostgresStore(postgres_dsn, ROWS, fail)
    await store.start()
    answers = await asyncio.gather(*[store.commit(Commit((said(),))) for _ in range(5)])
    assert seqs(entry for (entry,) in answers) == [1, 2, 3, 4, 5]
    await store.close()


async def test_reads_after_close_say_so(postgres_dsn: str) -> None:
    store = await opened(postgres_dsn)
    await store.commit(Commit((said(),)))
    await store.close()
    with pytest.raises(Unavailable):
        await store.read(A, 1, 9, 9)


async def test_each_log_keeps_its_order_over_many_writers(postgres_dsn: str) -> None:
    """Commits of one log and of several at once, with more writers than logs."""
    told: list[Committed] = []
    store = await opened(postgres_dsn, told, writers=5)
    chance = random.Random(5)
    expected: dict[str, list[str]] = {f"g{i}": [] for i in range(4)}
    commits = []
    for number in range(400):
        logs = chance.sample(sorted(expected), chance.choice([1, 1, 1, 2, 3]))
        for log_id in logs:
            expected[log_id].append(str(number))
        commits.append(Commit(tuple(said(str(number), log_id=log_id) for log_id in logs)))
    pending = []
    for commit in commits:
        pending.append(asyncio.create_task(store.commit(commit)))
        if chance.random() < 0.2:
            await asyncio.sleep(chance.random() * 0.003)
    await asyncio.gather(*pending)
    for log_id, texts in expected.items():
        stored = await store.read(log_id, 1, 999, 999)  # type: ignore[arg-type]
        assert [text(entry) for entry in stored] == texts
        assert [e for one in told for e in one.entries if e.log_id == log_id] == stored
    await store.close()


async def test_two_processes_write_the_same_logs(postgres_dsn: str) -> None:
    told: list[Committed] = []
    stores = [await opened(postgres_dsn, told, writers=3) for _ in range(3)]

    async def chat(store: PostgresStore, who: int) -> list[Any]:
        answers = []
        for number in range(40):
            appends = [said(f"{who}.{number}", log_id=f"g{(number + who) % 3}", countable=True)]
            if number % 3 == 0:
                appends.append(said(f"{who}.{number}", log_id=f"g{(number + who + 1) % 3}"))
            answers += await store.commit(Commit(tuple(appends)))
        return answers

    answers = await asyncio.gather(*[chat(stores[i % 3], i) for i in range(9)])
    stored = [e for i in range(3) for e in await stores[0].read(f"g{i}", 1, 9999, 9999)]  # type: ignore[arg-type]
    for i in range(3):
        assert seqs(e for e in stored if e.log_id == f"g{i}") == list(
            range(1, sum(e.log_id == f"g{i}" for e in stored) + 1)
        )
    key = sorted((e.log_id, e.seq) for e in stored)
    assert sorted((e.log_id, e.seq) for answer in answers for e in answer) == key
    assert sorted((e.log_id, e.seq) for one in told for e in one.entries) == key
    feed = [entry for _, entry in await stores[1].follow(0, 9999)]
    for i in range(3):
        of_log = [e.seq for e in feed if e.log_id == f"g{i}"]
        assert of_log == sorted(of_log)
    assert len(feed) == len(stored)
    for store in stores:
        await store.close()


async def test_a_retry_at_another_process_is_one_message(postgres_dsn: str) -> None:
    told: list[Committed] = []
    stores = [await opened(postgres_dsn, told) for _ in range(3)]
    commits = [Commit((said(str(i), client_id=f"c{i}", countable=True),)) for i in range(60)]
    answers = await asyncio.gather(*[s.commit(c) for c in commits for s in stores])
    for number in range(60):
        one, *others = answers[number * 3 : number * 3 + 3]
        assert others == [one, one]
    assert (await stores[0].states([A]))[A] == LogState(60, 60, 0)
    assert len(told) == 60
    for store in stores:
        await store.close()


async def test_rules_hold_between_processes(postgres_dsn: str) -> None:
    """A counter in a row that everybody reads, raises and writes, guarded by the version."""
    stores = [await opened(postgres_dsn) for _ in range(2)]

    async def raise_it(store: PostgresStore) -> None:
        async def attempt() -> Commit:
            version = (await store.states([A]))[A].version
            old = await store.get(Thing, "s", 1)
            new = Thing(shelf="s", number=1, due_ms=(old.due_ms or 0) + 1 if old else 1)
            return Commit(changes=(Put(new), Bump(A)), preconditions=(Precondition(A, version),))

        while True:
            try:
                await decide(store, attempt)
            except Busy:
                continue
            return

    await asyncio.gather(*[raise_it(stores[i % 2]) for i in range(30)])
    found = await stores[0].get(Thing, "s", 1)
    assert found is not None
    assert found.due_ms == 30
    for store in stores:
        await store.close()


async def test_a_log_locked_for_long_makes_its_writers_busy(
    postgres_dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hongyan.infra.postgres.connections.LOCK_WAIT_MS", 20)
    monkeypatch.setattr("hongyan.infra.postgres.writer.ATTEMPTS", 3)
    store = await opened(postgres_dsn)
    await store.commit(Commit((said("1"),)))
    rival = await asyncpg.connect(postgres_dsn)
    async with rival.transaction():
        await rival.execute("SELECT * FROM log WHERE log_id = $1 FOR UPDATE", A)
        with pytest.raises(Busy):
            await store.commit(Commit((said("2", client_id="c"),)))
        assert seqs(await store.commit(Commit((said("other", log_id=B),)))) == [1]
    await rival.close()
    (entry,) = await store.commit(Commit((said("3", client_id="c"),)))
    assert (entry.seq, text(entry)) == (2, "3")
    await store.close()


def commits_seen(data: bytes) -> bool:
    return b"COMMIT" in data and b"mark" in data


@pytest.mark.parametrize("fate", ["lose", "lose_answer"])
@pytest.mark.parametrize("client_id", ["", "c"])
async def test_a_commit_whose_answer_is_lost_is_done_and_told_once(
    postgres: PostgresServer, postgres_dsn: str, fate: Fate, client_id: str
) -> None:
    """Whether COMMIT arrived or not: the caller gets the truth, and nothing is there twice."""
    fates: list[Fate] = ["pass", fate, fate]

    def judge(data: bytes) -> Fate:
        return fates.pop(0) if fates and commits_seen(data) else "pass"

    told: list[Committed] = []
    async with WireTap(postgres.port, judge).running() as tap:
        dsn = postgres_dsn.replace(f":{postgres.port}/", f":{tap.port}/")
        store = await opened(dsn, told, writers=1)
        await store.commit(Commit((said("1"),)))
        answers = [
            await store.commit(Commit((said("2", client_id=client_id, countable=True),))),
            await store.commit(Commit((said("3"),), (Bump(B),))),
        ]
        assert [seqs(answer) for answer in answers] == [[2], [3]]
        stored = await store.read(A, 1, 9, 9)
        assert [text(entry) for entry in stored] == ["1", "2", "3"]
        assert [e for one in told for e in one.entries] == stored
        assert await store.states([A, B]) == {A: LogState(3, 1, 0), B: LogState(0, 0, 1)}
        assert not fates
        await store.close()


@pytest.mark.parametrize("ended", [True, False])
async def test_a_commit_that_arrives_late_is_not_done_twice(
    postgres: PostgresServer,
    postgres_dsn: str,
    monkeypatch: pytest.MonkeyPatch,
    ended: bool,
) -> None:
    """The network holds COMMIT back; the writer gives up, does it anew, then COMMIT arrives.

    It makes no difference whether the session that holds the locks could be ended.
    """
    if not ended:
        monkeypatch.setitem(SQL, "end_session", "SELECT $1::text")
    fates: list[Fate] = ["pass", "hold"]

    def judge(data: bytes) -> Fate:
        return fates.pop(0) if fates and commits_seen(data) else "pass"

    told: list[Committed] = []
    enrolled = asyncio.Event()
    async with WireTap(postgres.port, judge).running() as tap:
        dsn = postgres_dsn.replace(f":{postgres.port}/", f":{tap.port}/")
        store = await opened(dsn, told, writers=1, answer_s=0.5)
        (writer,) = store.writers
        enrol = writer._enrol

        async def enrolling(connection: Any, writer_id: str) -> None:
            await enrol(connection, writer_id)
            enrolled.set()

        await store.commit(Commit((said("1"),)))
        monkeypatch.setattr(writer, "_enrol", enrolling)
        late = asyncio.create_task(store.commit(Commit((said("2"),))))
        await enrolled.wait()
        if ended:
            assert seqs(await late) == [2]
        tap.let_go()
        assert seqs(await late) == [2]
        assert [text(entry) for entry in await store.read(A, 1, 9, 9)] == ["1", "2"]
        assert [e for one in told for e in one.entries] == await store.read(A, 1, 9, 9)
        await store.close()


async def test_a_database_that_stays_away_makes_it_unavailable(
    postgres: PostgresServer, postgres_dsn: str
) -> None:
    """A bounded wait, for what was begun and for what came after it; then the truth again."""
    away = False

    def judge(data: bytes) -> Fate:
        return "lose" if away else "pass"

    told: list[Committed] = []
    async with WireTap(postgres.port, judge).running() as tap:
        dsn = postgres_dsn.replace(f":{postgres.port}/", f":{tap.port}/")
        store = await opened(dsn, told, writers=2, patience_s=0.5)
        await store.commit(Commit((said("1"),)))
        away = True
        answers = await asyncio.gather(
            *[store.commit(Commit((said(str(i), log_id=f"g{i % 3}"),))) for i in range(9)],
            store.read(A, 1, 9, 9),
            return_exceptions=True,
        )
        assert [type(answer) for answer in answers] == [Unavailable] * 10
        away = False
        (entry,) = await store.commit(Commit((said("2"),)))
        assert (entry.seq, text(entry)) == (2, "2")
        assert [text(e) for one in told for e in one.entries] == ["1", "2"]
        with pytest.raises(VersionConflict):
            await store.commit(Commit((said(),), preconditions=(Precondition(A, 4),)))
        await store.close()


async def test_it_can_be_closed_while_the_database_is_away_and_a_commit_is_in_possible_loss(
    postgres: PostgresServer, postgres_dsn: str
) -> None:
    away = False

    def judge(data: bytes) -> Fate:
        nonlocal away
        if commits_seen(data) and b"mark (2)" in data:
            away = True
        return "lose" if away else "pass"

    async with WireTap(postgres.port, judge).running() as tap:
        dsn = postgres_dsn.replace(f":{postgres.port}/", f":{tap.port}/")
        store = await opened(dsn, writers=1, patience_s=0.5)
        await store.commit(Commit((said("1"),)))
        with pytest.raises(Unavailable) as refused:
            await store.commit(Commit((said("2"),)))
        assert refused.value.details == {"maybe_done": True}
        await store.close()


async def test_a_commit_of_too_many_entries_changes_nothing(
    subject: Subject, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hongyan.infra.postgres.batch.ENTRIES_MAX", 3)
    with pytest.raises(Internal):
        await subject.store.commit(Commit(tuple(said() for _ in range(4))))
    assert seqs(await subject.store.commit(Commit(tuple(said() for _ in range(3))))) == [1, 2, 3]
