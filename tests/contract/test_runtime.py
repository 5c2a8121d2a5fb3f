"""The runtime of readers and jobs: one suite over all stores, and over local and Redis leases."""

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from msgspec import structs

from hongyan.domain.log.model import (
    Commit,
    Precondition,
    Put,
    SaveOffset,
    VersionConflict,
    offset_of,
)
from hongyan.domain.log.readers import (
    Family,
    Job,
    Lag,
    PassedEntry,
    Reader,
    ReaderPage,
    Retry,
    Unhandled,
    fence_of,
)
from hongyan.domain.log.sources import StreamSource, part_of
from hongyan.infra.local.leases import Holders, LocalLeases
from hongyan.infra.redis.leases import RedisLeases
from hongyan.kernel.errors import Unavailable
from hongyan.kernel.ids import LogId
from hongyan.runtime.fencing import new_term
from hongyan.runtime.reading import PAGE_END, ReaderLoop
from hongyan.runtime.runtime import Runtime, first_of
from hongyan.runtime.works import Works
from tests.conftest import FakeClock
from tests.e2e.waiting import until

from .conftest import B, Subject, said, text
from .rows import Thing

TERM_S = 0.8
QUICK = Retry(first_s=0.001, most_s=0.002, attempts_max=3)
DONE = LogId("g-done")


class Notes:
    """A handler that notes what it was given, and what it did in the commits that it returned."""

    def __init__(self) -> None:
        self.seen: list[str] = []
        self.pages: list[ReaderPage] = []
        self.bad: set[str] = set()
        self.held = asyncio.Event()
        self.held.set()

    async def handle(self, page: ReaderPage) -> Commit:
        self.pages.append(page)
        await self.held.wait()
        texts = [text(entry) for _, entry in page.items]
        if self.bad & set(texts):
            raise ValueError("a bad entry")
        self.seen += texts
        done = [said(one, DONE, kind="done") for one in texts]
        return Commit(tuple(done))

    def reader(self, name: str = "notes", **more: Any) -> Reader:
        given = {"kinds": ("message",), "retry": QUICK, **more}
        return Reader(name, self.handle, **given)


class Harness:
    """A store, leases, and the runtimes of several processes."""

    def __init__(self, subject: Subject, leases: Callable[[str], Any]) -> None:
        self.subject, self.store = subject, subject.store
        self.leases = leases
        self.runtimes: list[Runtime] = []
        self.clock = FakeClock()

    def start(self, me: str, *works: Any, leases: Any = None) -> Runtime:
        all_works = Works()
        all_works.add(*works)
        runtime = Runtime(
            me, leases or self.leases(me), self.store, self.clock, all_works, TERM_S, 0.05
        )
        runtime.start()
        self.runtimes.append(runtime)
        return runtime

    def reading(self, reader: Reader, part: int = 0) -> ReaderLoop:
        async def ours() -> bool:
            return True

        return ReaderLoop(self.store, reader, part, self.clock, ours)

    async def say(self, *texts: str, log_id: str = B) -> None:
        for one in texts:
            await self.store.commit(Commit((said(one, log_id),)))
        for runtime in self.runtimes:
            for event in self.subject.told:
                runtime.committed(event)
        self.subject.told.clear()

    async def done(self) -> list[str]:
        """Return what the commits of handlers did."""
        return [text(one) for one in await self.store.read(DONE, 1, 9999, 9999)]

    async def until_done(self, *texts: str) -> None:
        async with asyncio.timeout(20):
            while await self.done() != list(texts):  # noqa: ASYNC110
                await asyncio.sleep(0.002)

    async def passed(self, name: str = "notes") -> list[PassedEntry]:
        return list(await self.store.scan(PassedEntry, name))


@pytest.fixture(params=["local", "redis"])
def leases(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[str], Any]:
    holders = Holders()

    def make(me: str) -> Any:
        if request.param == "local":
            return LocalLeases(holders, me, TERM_S, asyncio.get_running_loop().time)
        url = request.getfixturevalue("redis").url
        return RedisLeases(url, tmp_path.name, me, TERM_S)

    return make


@pytest.fixture
async def harness(subject: Subject, leases: Callable[[str], Any]) -> AsyncIterator[Harness]:
    made = Harness(subject, leases)
    yield made
    for runtime in made.runtimes:
        await runtime.stop()


@pytest.fixture
def alone(subject: Subject) -> Harness:
    """A world in which nobody asks for a lease."""
    return Harness(subject, lambda _: None)


# --- reading ---


async def test_all_is_handled_in_order_and_what_comes_later_too(harness: Harness) -> None:
    notes = Notes()
    await harness.say("1", "2")
    harness.start("one", notes.reader(batch=1))
    await until(lambda: notes.seen == ["1", "2"])
    await harness.say("3")
    await until(lambda: notes.seen == ["1", "2", "3"])
    await harness.until_done("1", "2", "3")


async def test_effect_and_position_are_one_commit(alone: Harness, monkeypatch: Any) -> None:
    """A crash after the commit repeats nothing; a crash before it leaves nothing out."""
    notes = Notes()
    await alone.say("1", "2", "3", "4")
    commit, calls = alone.store.commit, 0

    async def failing(one: Commit) -> Any:
        nonlocal calls
        is_ours = any(isinstance(c, SaveOffset) for c in one.changes)
        calls += is_ours
        if is_ours and calls == 2:
            raise Unavailable  # before
        done = await commit(one)
        if is_ours and calls == 4:
            raise Unavailable(maybe_done=True)  # after
        return done

    monkeypatch.setattr(alone.store, "commit", failing)
    monkeypatch.setattr("hongyan.runtime.reading.OUTSIDE_S", 0.001)
    task = asyncio.create_task(alone.reading(notes.reader(batch=1)).run())
    end = offset_of(await alone.store.end())
    await until(lambda: notes.seen[-1:] == ["4"])
    async with asyncio.timeout(10):
        while await alone.store.offset("notes") < end:  # noqa: ASYNC110
            await asyncio.sleep(0.001)
    task.cancel()
    assert await alone.done() == ["1", "2", "3", "4"]
    assert notes.seen == ["1", "2", "2", "3", "4"]


async def test_a_second_one_who_reads_shuts_the_first_one_out(alone: Harness) -> None:
    """What was under way when another began is not done twice: its commit is refused."""
    slow, quick = Notes(), Notes()
    await alone.say("1", "2")
    slow.held.clear()
    first = asyncio.create_task(alone.reading(slow.reader()).catch_up())
    await until(lambda: slow.pages)
    await alone.reading(quick.reader()).catch_up()
    slow.held.set()
    with pytest.raises(VersionConflict):
        await first
    assert slow.seen == quick.seen == ["1", "2"]
    assert await alone.done() == ["1", "2"]


async def test_who_was_shut_out_ends_when_the_lease_is_another_s(alone: Harness) -> None:
    slow = Notes()
    slow.held.clear()
    await alone.say("1")

    async def lost() -> bool:
        return False

    task = asyncio.create_task(ReaderLoop(alone.store, slow.reader(), 0, alone.clock, lost).run())
    await until(lambda: slow.pages)
    await alone.reading(Notes().reader()).catch_up()
    slow.held.set()
    await asyncio.wait_for(task, 10)
    assert await alone.done() == ["1"]


async def test_a_commit_whose_own_state_is_stale_is_decided_again(alone: Harness) -> None:
    tries = 0

    async def handle(page: ReaderPage) -> Commit:
        nonlocal tries
        tries += 1
        return Commit((said("x", DONE),), preconditions=(Precondition(B, 99 if tries < 3 else 0),))

    await alone.say("1")
    await alone.reading(Reader("r", handle, kinds=("message",), retry=QUICK)).catch_up()
    assert (tries, await alone.done()) == (3, ["x"])


async def test_a_client_id_is_refused(alone: Harness) -> None:
    async def handle(page: ReaderPage) -> Commit:
        return Commit((said("x", DONE, client_id="c"),))

    await alone.say("1")
    await alone.reading(Reader("r", handle, kinds=("message",), retry=QUICK)).catch_up()
    (row,) = await alone.passed("r")
    assert "client id" in row.error
    assert await alone.done() == []


# --- what cannot be handled ---


async def test_a_bad_entry_is_noted_and_passed_and_tried_again_when_asked(alone: Harness) -> None:
    notes = Notes()
    notes.bad = {"3"}
    await alone.say("1", "2", "3", "4", "5")
    await alone.reading(notes.reader()).catch_up()
    assert await alone.done() == ["1", "2", "4", "5"]
    (row,) = await alone.passed()
    assert (row.log_id, row.seq, row.kind, row.tries) == (B, 3, "message", 3)
    assert row.error == "a bad entry"
    await alone.reading(notes.reader()).catch_up()
    assert await alone.passed() == [row], "nobody asked for it"

    wanted = Put(structs.replace(row, is_wanted=True))
    await alone.store.commit(Commit(changes=(wanted,)))
    await alone.reading(notes.reader()).catch_up()
    (row,) = await alone.passed()
    assert (row.tries, row.is_wanted) == (4, False)
    notes.bad.clear()
    await alone.store.commit(Commit(changes=(wanted,)))
    await alone.reading(notes.reader()).catch_up()
    assert await alone.passed() == []
    assert await alone.done() == ["1", "2", "4", "5", "3"]


async def test_two_bad_entries_have_a_row_each(alone: Harness) -> None:
    notes = Notes()
    notes.bad = {"1", "2"}
    await alone.say("1", "2", "3")
    await alone.reading(notes.reader()).catch_up()
    assert [(row.number, row.seq) for row in await alone.passed()] == [(1, 1), (2, 2)]
    assert await alone.done() == ["3"]


async def test_when_the_store_is_away_no_entry_is_to_blame(
    alone: Harness, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hongyan.runtime.reading.OUTSIDE_S", 0.0001)
    monkeypatch.setattr("hongyan.runtime.reading.OUTSIDE_MOST_S", 0.001)
    tries = 0

    async def handle(page: ReaderPage) -> Commit:
        nonlocal tries
        tries += 1
        if tries <= 10 * QUICK.attempts_max:
            raise Unavailable
        return Commit((said("x", DONE),))

    await alone.say("1")
    reader = Reader("r", handle, kinds=("message",), retry=QUICK)
    task = asyncio.create_task(alone.reading(reader).run())
    await alone.until_done("x")
    task.cancel()
    assert await alone.passed("r") == []


# --- whole pages ---


async def test_a_whole_page_is_the_same_after_a_crash_and_is_given_up_as_one(
    alone: Harness,
) -> None:
    notes = Notes()
    notes.held.clear()
    await alone.say("1", "2")
    reader = notes.reader(is_whole=True)
    crashed = asyncio.create_task(alone.reading(reader).catch_up())
    await until(lambda: notes.pages)
    crashed.cancel()
    await asyncio.gather(crashed, return_exceptions=True)
    await alone.say("3")
    notes.held.set()
    task = asyncio.create_task(alone.reading(reader).run())
    await until(lambda: "3" in notes.seen)
    await alone.until_done("1", "2", "3")
    first, again, *_ = notes.pages
    assert (again.after, again.end, len(again.items)) == (first.after, first.end, 2)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert notes.seen[:3] == ["1", "2", "3"]
    assert await alone.store.offset("notes" + PAGE_END) == b""


async def test_giving_up_notes_what_the_handler_knows(alone: Harness) -> None:
    async def handle(page: ReaderPage) -> Commit:
        raise Unhandled("no", (Put(Thing(shelf="try", number=page.attempt)),))

    async def give_up(page: ReaderPage, tries: int, error: str) -> Any:
        return (Put(Thing(shelf=error, number=tries)),)

    await alone.say("1", "2")
    reader = Reader("r", handle, kinds=("message",), retry=QUICK, is_whole=True, give_up=give_up)
    await alone.reading(reader).catch_up()
    things = [(one.shelf, one.number) for one in await alone.store.scan(Thing)]
    assert things == [("no", 3), ("try", 1), ("try", 2), ("try", 3)]
    assert await alone.passed("r") == []


# --- sources, parts, moving ---


async def test_a_source_has_positions_of_its_own(alone: Harness) -> None:
    """As the log of another database has: sets of transactions, which no order compares."""
    gtids = [b"a:1", b"a:1,b:1", b"a:1-2,b:1"]

    class Elsewhere:
        async def read(self, after: bytes, limit: int, until: bytes = b"") -> ReaderPage:
            start = gtids.index(after) + 1 if after else 0
            items = gtids[start : start + limit]
            return ReaderPage(after, items[-1] if items else after, items, bool(items))

        async def lag(self, after: bytes, now_ms: int) -> Lag:
            return Lag(0, 0.0)

    seen: list[bytes] = []

    async def handle(page: ReaderPage) -> Commit:
        seen.extend(page.items)
        return Commit()

    reader = Reader("elsewhere", handle, source=Elsewhere(), batch=2)
    await alone.reading(reader).catch_up()
    assert seen == gtids
    assert await alone.store.offset("elsewhere") == gtids[-1]


async def test_parts_divide_the_logs_and_keep_their_order(harness: Harness) -> None:
    notes = Notes()
    logs = [f"g-{number}" for number in range(12)]
    for turn in range(3):
        for log_id in logs:
            await harness.say(f"{log_id} {turn}", log_id=log_id)
    harness.start("one", notes.reader(parts=3, batch=2))
    harness.start("two", notes.reader(parts=3, batch=2))
    await until(lambda: len(notes.seen) == 36)
    for log_id in logs:
        mine = [one for one in notes.seen if one.startswith(log_id + " ")]
        assert mine == [f"{log_id} {turn}" for turn in range(3)]
    assert {part_of(log_id, 3) for log_id in logs} == {0, 1, 2}


async def test_the_change_stream_is_looked_through_though_nothing_is_found(alone: Harness) -> None:
    await alone.say("1", "2")
    source = StreamSource(alone.store, ("poll.closed",))
    page = await source.read(b"", 10)
    assert (page.items, page.is_full, page.end) == ([], False, offset_of(await alone.store.end()))


async def test_a_reader_that_was_moved_begins_there(harness: Harness) -> None:
    notes = Notes()
    works = Works()
    await harness.say("1", "2")
    runtime = harness.start("one", notes.reader())
    await until(lambda: len(notes.seen) == 2)
    moved = Commit(changes=(SaveOffset("notes", b""),))
    await harness.store.commit(moved)
    runtime.changed("notes")
    await until(lambda: notes.seen == ["1", "2", "1", "2"])
    assert works.readers == []


# --- who runs what ---


async def test_two_processes_share_and_one_takes_over(harness: Harness) -> None:
    notes = [Notes() for _ in range(8)]
    readers = [one.reader(f"r{number}") for number, one in enumerate(notes)]
    names = {reader.name for reader in readers}
    first, second = harness.start("one", *readers), harness.start("two", *readers)
    expected = {name for name in names if first_of(["one", "two"], name) == "one"}
    assert 0 < len(expected) < 8
    await until(lambda: first.running == expected and second.running == names - expected)
    await harness.say("1")
    await until(lambda: all(one.seen == ["1"] for one in notes))
    await first.stop()
    await until(lambda: second.running == names)
    await harness.say("2")
    await until(lambda: all(one.seen == ["1", "2"] for one in notes))


async def test_who_falls_silent_is_replaced_and_what_it_does_late_is_refused(
    harness: Harness,
) -> None:
    slow, quick = Notes(), Notes()
    slow.held.clear()
    name = next(n for n in map(str, range(99)) if first_of(["one", "two"], n) == "one")
    await harness.say("1")
    first = harness.start("one", slow.reader(name))
    await until(lambda: slow.pages)
    assert first._task is not None
    first._task.cancel()  # it renews nothing any more, and believes that it leads
    second = harness.start("two", quick.reader(name))
    await until(lambda: quick.seen == ["1"])
    assert second.running == {name}
    slow.held.set()
    await until(lambda: slow.seen == ["1"])
    await until(first._tasks[name].done)
    await harness.until_done("1")


async def test_members_of_a_family_come_and_go(harness: Harness) -> None:
    notes = {name: Notes() for name in ("a", "b")}
    there = [notes["a"].reader("a")]

    async def members() -> list[Reader]:
        return there

    works = Family(("made",), members, text)
    runtime = harness.start("one", works)
    await until(lambda: runtime.running == {"a"})
    there.append(notes["b"].reader("b"))
    runtime.changed("b")
    await until(lambda: runtime.running == {"a", "b"})
    await harness.say("1")
    await until(lambda: notes["a"].seen == notes["b"].seen == ["1"])
    del there[0]
    runtime.changed("a")
    await until(lambda: runtime.running == {"b"})


async def test_a_job_is_run_by_one_and_again_after_it_failed(harness: Harness) -> None:
    ran: list[str] = []

    def job(me: str) -> Job:
        async def run(_now_ms: int) -> int:
            ran.append(me)
            if len(ran) == 1:
                raise RuntimeError("once")
            return 0

        return Job("chore", run, every_s=0.01)

    runtimes = {me: harness.start(me, job(me)) for me in ("one", "two")}
    mine = first_of(["one", "two"], "chore")
    await until(lambda: runtimes[mine].running == {"chore"} and ran[-3:] == [mine] * 3)
    await runtimes[mine].stop()
    ran.clear()
    await until(lambda: len(ran) > 2)
    assert mine not in ran


async def test_a_job_s_term_ends_when_another_begins(harness: Harness) -> None:
    terms: list[tuple[Precondition, ...]] = []

    async def begin(preconditions: tuple[Precondition, ...]) -> None:
        terms.append(preconditions)

    async def run(_now_ms: int) -> int:
        await harness.store.commit(
            Commit(changes=(SaveOffset("j", b"1"),), preconditions=terms[-1])
        )
        return 0

    harness.start("one", Job("j", run, every_s=0.01, begin=begin))
    await until(lambda: terms)
    again = Precondition(fence_of("job:j"), terms[0][0].version + 1)
    assert await new_term(harness.store, "job:j") == again
    await until(lambda: len(terms) == 2)  # the lease is still its own: it begins anew
    with pytest.raises(VersionConflict):
        await harness.store.commit(Commit(preconditions=terms[0]))


async def test_without_an_answer_about_leases_it_ends_in_time(harness: Harness) -> None:
    class Away:
        """Leases that cannot be reached from some time on."""

        def __init__(self, inner: Any) -> None:
            self._inner = inner
            self.is_away = False

        def __getattr__(self, name: str) -> Any:
            async def call(*arguments: Any) -> Any:
                if self.is_away and name in ("meet", "claim"):
                    raise OSError("away")
                return await getattr(self._inner, name)(*arguments)

            return call

    notes, away = Notes(), Away(harness.leases("one"))
    runtime = harness.start("one", notes.reader(), leases=away)
    await until(lambda: runtime.running == {"notes"})
    away.is_away = True
    began = asyncio.get_running_loop().time()
    await until(lambda: not runtime.running)
    assert asyncio.get_running_loop().time() - began < TERM_S + 5
    away.is_away = False
    await until(lambda: runtime.running == {"notes"})


def test_new_members_take_from_all_and_nothing_else_moves() -> None:
    works = [f"w{number}" for number in range(200)]
    before = {work: first_of(["one", "two"], work) for work in works}
    after = {work: first_of(["one", "three", "two"], work) for work in works}
    moved = {work for work in works if before[work] != after[work]}
    assert {after[work] for work in moved} == {"three"}
    assert 30 < len(moved) < 110
