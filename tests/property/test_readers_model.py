"""Readers under whatever may happen: handlers that raise, commits that fail before or after they
are done, processes that are killed between effect and position, two that both believe to lead."""

import asyncio
from collections import Counter
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hongyan.domain.log.model import Commit, SaveOffset, offset_of
from hongyan.domain.log.readers import PassedEntry, Reader, ReaderPage, Retry
from hongyan.infra.sqlite.store import SqliteStore
from hongyan.kernel.errors import Unavailable
from hongyan.kernel.ids import LogId
from hongyan.runtime import reading
from hongyan.runtime.reading import ReaderLoop
from tests.conftest import FakeClock
from tests.contract.conftest import said, text
from tests.contract.rows import ROWS
from tests.memory.store import MemoryStore

DONE = LogId("g-done")
RETRY = Retry(first_s=0.0, most_s=0.0, attempts_max=5)
FINE, RAISES, BEFORE, AFTER, KILLED, KILLED_AFTER, SLOW = range(7)
"""What becomes of one attempt. BEFORE and AFTER: the commit fails, done or not; KILLED: the process
ends while it handles; KILLED_AFTER: when the effect is on disk and it knows nothing of that."""


class Killed(BaseException):
    """The process is no more."""


class Harness:
    """A store, a script of mishaps, and what was handled."""

    def __init__(self, store: Any, fates: list[int], bad: set[str]) -> None:
        self.store = store
        self.fates = iter(fates)
        self.bad = bad
        self.handled: list[str] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self.store, name)

    async def handle(self, page: ReaderPage) -> Commit:
        texts = [text(entry) for _, entry in page.items]
        self.handled += texts
        self.fate = next(self.fates, FINE)
        if self.fate == SLOW:
            for _ in range(20):
                await asyncio.sleep(0)
        if self.fate == KILLED:
            raise Killed
        if self.fate == RAISES or self.bad & set(texts):
            raise ValueError("it happens")
        return Commit(tuple(said(one, DONE, kind="done") for one in texts))

    async def commit(self, commit: Commit) -> Any:
        moves = any(isinstance(one, SaveOffset) for one in commit.changes)
        fate = self.fate if moves and commit.appends else FINE
        if fate == BEFORE:
            raise Unavailable
        done = await self.store.commit(commit)
        if fate == AFTER:
            raise Unavailable(maybe_done=True)
        if fate == KILLED_AFTER:
            raise Killed
        return done

    async def process(self, reader: Reader, end: bytes) -> None:
        """Live, be killed and be started again, until all is handled."""

        async def ours() -> bool:
            return True

        while await self.store.offset(reader.name) < end:
            task = asyncio.ensure_future(
                ReaderLoop(self, reader, 0, FakeClock(), ours).run()  # type: ignore[arg-type]
            )
            while not task.done() and await self.store.offset(reader.name) < end:  # noqa: ASYNC110
                await asyncio.sleep(0)
            task.cancel()
            with suppress(Killed, asyncio.CancelledError):
                await task


async def play(store: Any, fates: list[int], bad: set[str], batch: int, leaders: int) -> None:
    texts = [f"{'abc'[number % 3]}{number:02}" for number in range(9)]
    for one in texts:
        await store.commit(Commit((said(one, f"g-{one[0]}"),)))
    end = offset_of(await store.end())
    harness = Harness(store, fates, bad)
    reader = Reader("r", harness.handle, ("message",), batch=batch, retry=RETRY)
    async with asyncio.timeout(60):
        await asyncio.gather(*(harness.process(reader, end) for _ in range(leaders)))
    done = [text(one) for one in await store.read(DONE, 1, 999, 999)]
    passed = {f"{row.log_id} {row.seq}" for row in await store.scan(PassedEntry, "r")}
    skipped = {one for one in texts if f"g-{one[0]} {int(one[1:]) // 3 + 1}" in passed}
    assert max(Counter(done).values(), default=1) == 1, "done twice"
    assert set(done) | skipped == set(texts), "left out"
    assert not set(done) & skipped, "done, and noted as not done"
    assert bad & set(texts) <= skipped, "what cannot be handled is noted"
    assert set(harness.handled) >= set(texts), "each was given at least once"
    for log in "abc":
        mine = [one for one in done if one[0] == log]
        assert mine == sorted(mine), "out of order"
        first = list(dict.fromkeys(one for one in harness.handled if one[0] == log))
        assert first == sorted(first), "given out of order"


@pytest.mark.parametrize("kind", ["memory", "sqlite"])
@given(
    fates=st.lists(st.sampled_from(range(7)), max_size=25),
    bad=st.sets(st.sampled_from(["a00", "b04", "c08"]), max_size=2),
    batch=st.sampled_from([1, 2, 100]),
    leaders=st.sampled_from([1, 2]),
)
@settings(
    max_examples=60,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
def test_everything_is_done_once_and_in_order(
    kind: str, fates: list[int], bad: set[str], batch: int, leaders: int
) -> None:
    async def run(folder: Path) -> None:
        store: Any = MemoryStore(ROWS)
        if kind == "sqlite":
            store = SqliteStore(folder / "h.db", ROWS, lambda _: None)
        await store.start()
        try:
            await play(store, fates, bad, batch, leaders)
        finally:
            await store.close()

    with pytest.MonkeyPatch.context() as patch, TemporaryDirectory() as folder:
        patch.setattr(reading, "OUTSIDE_S", 0.0)
        patch.setattr(reading, "CONFLICT_S", 0.0)
        asyncio.run(run(Path(folder)))
