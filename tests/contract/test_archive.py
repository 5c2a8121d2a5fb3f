"""``Archive``: entries of many logs by position, of one by ordinal, and the generation."""

import asyncio
import itertools
from typing import Any

import apsw
import asyncpg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hongyan.domain.log.model import Commit, Entry, Rewrite, SeqRange
from hongyan.infra.postgres.store import PostgresStore
from hongyan.infra.sqlite.store import SqliteStore
from tests.memory.store import MemoryStore

from .conftest import ANNA, A, B, Subject, said, seqs, text
from .rows import ROWS
from .test_postgres_change_stream import BEGIN_LATE

LOGS = ("g-a", "g-b", "g-c", "@anna")
EVERYTHING = [SeqRange(log_id, 1, 2**62) for log_id in LOGS]  # type: ignore[arg-type]


async def fill(store: Any, times: int = 40) -> None:
    """Write to all logs in turn, some messages, some other things, some commits of several."""
    for number in range(times):
        kind = "message" if number % 3 else "edited"
        appends = [said(str(number), LOGS[number % 4], kind=kind, countable=number % 3 > 0)]
        if number % 5 == 0:
            appends.append(said(f"{number}+", LOGS[number * 7 % 4], countable=True))
        await store.commit(Commit(tuple(appends)))


def index(store: Any) -> None:
    """Let SQLite's indexes come on to here, as they do when enough waits for them."""
    if isinstance(store, SqliteStore):
        store.writer._batch.index()


class TestArchive:
    async def test_it_is_the_change_stream_of_these_logs(self, store: Any) -> None:
        await fill(store)
        index(store)
        await fill(store, 10)
        feed = await store.follow(0, 999)
        assert await store.archive(EVERYTHING, 999) == feed
        ours = [SeqRange(A, 3, 9), SeqRange("@anna", 1, 4)]
        expected = [
            (position, entry)
            for position, entry in feed
            if (entry.log_id == A and 3 <= entry.seq <= 9)
            or (entry.log_id == "@anna" and entry.seq <= 4)
        ]
        assert await store.archive(ours, 999) == expected
        assert await store.archive(ours, 999, order="newest") == expected[::-1]
        assert await store.archive([], 9) == []
        assert await store.archive([SeqRange("g-none", 1, 9)], 9) == []

    async def test_pages_follow_each_other_in_both_directions(self, store: Any) -> None:
        await fill(store)
        index(store)
        await fill(store, 10)
        feed = await store.follow(0, 999)
        forward: list[Any] = []
        while page := await store.archive(
            EVERYTHING, 7, after=forward[-1][0] if forward else 0, kinds=("message",)
        ):
            forward += page
        assert forward == [one for one in feed if one[1].kind == "message"]
        backward: list[Any] = []
        while page := await store.archive(
            EVERYTHING, 7, before=backward[-1][0] if backward else 0, order="newest"
        ):
            backward += page
        assert backward[::-1] == feed
        middle = feed[len(feed) // 2][0]
        assert await store.archive(EVERYTHING, 99, after=middle, before=middle + 1) == []
        assert await store.archive(EVERYTHING, 99, after=middle, before=middle) == []
        assert await store.archive(EVERYTHING, 99, after=middle, before=1) == []

    async def test_positions_stay_over_restarts_and_edits(self, subject: Subject) -> None:
        await fill(subject.store)
        before = await subject.store.archive(EVERYTHING, 999)
        await subject.store.commit(Commit(changes=(Rewrite(A, 1, b'"new"'),)))
        store = await subject.reopen()
        after = await store.archive(EVERYTHING, 999)
        assert [(p, e.log_id, e.seq) for p, e in after] == [(p, e.log_id, e.seq) for p, e in before]
        assert next(text(e) for _, e in after if e.log_id == A) == "new"

    async def test_a_commit_is_told_with_the_positions_under_which_it_is_read(
        self, subject: Subject
    ) -> None:
        await fill(subject.store)
        told = [(one.position, *one.entries) for event in subject.told for one in event.split()]
        assert sorted(told) == await subject.store.follow(0, 999)
        again = said("x", client_id="c")
        await subject.store.commit(Commit((again,)))
        count = len(subject.told)
        await subject.store.commit(Commit((again,)))
        assert len(subject.told) == count

    async def test_it_is_consistent_while_others_write(self, store: Any) -> None:
        """Nothing appears before what was given."""
        writing = True

        async def follow() -> list[Any]:
            found: list[Any] = []
            while True:
                was_writing = writing
                await asyncio.sleep(0)
                page = await store.archive(EVERYTHING, 5, after=found[-1][0] if found else 0)
                found += page
                if not page and not was_writing:
                    return found

        following = asyncio.create_task(follow())
        await asyncio.gather(*[fill(store, 60) for _ in range(4)])
        writing = False
        assert await following == await store.follow(0, 9999)


class TestOrdinals:
    async def test_the_countable_ones_by_their_number(self, store: Any) -> None:
        for number in range(1, 31):
            await store.commit(Commit((said(str(number), countable=True),)))
            await store.commit(Commit(tuple(said("noise") for _ in range(number % 4))))
        assert [text(e) for e in await store.read_by_ordinal(A, 3, 6, 99)] == ["3", "4", "5", "6"]
        newest = await store.read_by_ordinal(A, 1, 99, 2, "newest")
        assert [text(e) for e in newest] == ["30", "29"]
        assert [text(e) for e in await store.read_by_ordinal(A, -5, 99, 2)] == ["1", "2"]
        assert await store.read_by_ordinal(A, 31, 99, 9) == []
        assert await store.read_by_ordinal(A, 5, 4, 9) == []
        assert await store.read_by_ordinal(A, 5, 9, 0) == []
        assert await store.read_by_ordinal(B, 1, 9, 9) == []

    async def test_between_many_others(self, store: Any) -> None:
        for number in range(1, 6):
            await store.commit(Commit((said(str(number), countable=True),)))
            await store.commit(Commit(tuple(said("noise") for _ in range(50))))
            if number == 3:
                index(store)
        for n in range(1, 6):
            (entry,) = await store.read_by_ordinal(A, n, n, 9)
            assert (entry.ordinal, text(entry)) == (n, str(n))
        assert [text(e) for e in await store.read_by_ordinal(A, 2, 5, 9)] == ["2", "3", "4", "5"]


class TestGeneration:
    async def test_it_stays_over_restarts(self, subject: Subject) -> None:
        before = await subject.store.generation()
        assert len(before) >= 16
        store = await subject.reopen()
        assert await store.generation() == before

    async def test_each_store_has_its_own(self, subject: Subject, tmp_path: Any) -> None:
        other = Subject("sqlite", tmp_path / "other.db")
        await other.open()
        assert await other.store.generation() != await subject.store.generation()
        await other.store.close()


async def test_postgres_gives_nothing_before_which_something_may_appear(
    postgres_dsn: str,
) -> None:
    store = PostgresStore(postgres_dsn, ROWS)
    await store.start()
    spans = [SeqRange(A, 1, 99), SeqRange("g-late", 1, 99)]  # type: ignore[arg-type]
    await store.commit(Commit((said("1"),)))
    slow = await asyncpg.connect(postgres_dsn)
    held = slow.transaction()
    await held.start()
    await slow.execute(BEGIN_LATE)
    await store.commit(Commit((said("2"),)))
    for order in ("oldest", "newest"):
        assert [text(e) for _, e in await store.archive(spans, 9, order=order)] == ["1"]  # type: ignore[arg-type]
    await held.commit()
    assert [text(e) for _, e in await store.archive(spans, 9)] == ["1", "late", "2"]
    await slow.close()
    await store.close()


COMMITS = st.lists(
    st.lists(
        st.builds(
            said,
            log_id=st.sampled_from(LOGS),
            kind=st.sampled_from(["message", "edited"]),
            countable=st.booleans(),
        ),
        min_size=1,
        max_size=3,
    ),
    min_size=1,
    max_size=25,
)
EXAMPLES = itertools.count()
BOUND = st.none() | st.integers(0, 80)


@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    commits=COMMITS,
    indexed=st.integers(0, 25),
    ask=st.tuples(BOUND, BOUND, st.integers(1, 30), st.sampled_from(["oldest", "newest"])),
    ends=st.lists(st.tuples(st.integers(1, 20), st.integers(0, 30)), min_size=4, max_size=4),
    kinds=st.sampled_from([(), ("message",)]),
)
async def test_it_answers_as_memory_does(
    kind: str, commits: Any, indexed: int, ask: Any, ends: Any, kinds: Any, request: Any,
    tmp_path_factory: Any,
) -> None:  # fmt: skip
    dsn = request.getfixturevalue("postgres_dsn") if kind == "postgres" else ""
    subject = Subject(kind, tmp_path_factory.mktemp("archive") / "store.db", dsn)
    store, memory = await subject.open(), MemoryStore()
    prefix = f"{next(EXAMPLES)}-"
    try:
        start = await store.end()
        for number, appends in enumerate(commits):
            for one in (store, memory):
                await one.commit(Commit(tuple(_named(append, prefix) for append in appends)))
            if number == indexed:
                index(store)
        here = [p for p, _ in await store.follow(start, 999)]
        there = [p for p, _ in await memory.follow(0, 999)]
        spans = [SeqRange(prefix + name, *end) for name, end in zip(LOGS, ends, strict=True)]  # type: ignore[arg-type]
        after, before, limit, order = ask
        answers = []
        for one, places in ((store, here), (memory, there)):
            answers.append(
                await one.archive(
                    spans,
                    limit,
                    after=start if after is None and one is store else _at(places, after),
                    before=_at(places, before),
                    order=order,
                    kinds=kinds,
                )
            )
        assert _keys(answers[0]) == _keys(answers[1])
        for name in LOGS:
            first, last = ends[0]
            found, expected = [
                await one.read_by_ordinal(prefix + name, first, last, limit, order)
                for one in (store, memory)
            ]
            assert found == expected
    finally:
        await store.close()


def _named(append: Any, prefix: str) -> Any:
    return said("x", prefix + append.log_id, ANNA, kind=append.kind, countable=append.countable)


def _at(places: list[int], index: int | None) -> int:
    return 0 if index is None else places[min(index, len(places) - 1)]


def _keys(placed: list[tuple[int, Entry]]) -> list[tuple[str, int]]:
    return list(zip([e.log_id for _, e in placed], seqs(e for _, e in placed), strict=True))


async def test_a_folder_of_the_release_before_gets_a_generation_and_keeps_it(
    tmp_path: Any,
) -> None:
    subject = Subject("sqlite", tmp_path / "old.db")
    await fill(await subject.open())
    before = await subject.store.archive(EVERYTHING, 999)
    await subject.store.close()
    old = apsw.Connection(str(subject.path))
    old.execute("DROP TABLE generation")
    old.close()
    generations = set()
    for _ in range(2):
        store = await subject.open()
        generations.add(await store.generation())
        assert await store.archive(EVERYTHING, 999) == before
        await store.close()
    assert len(generations) == 1
