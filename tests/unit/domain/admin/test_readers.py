"""An operator looks at readers, lets one try again, and rebuilds one."""

import time
from collections.abc import AsyncIterator

import pytest
from tests.unit.waiting import until

from hongyan.app.doctor.rows import _passed
from hongyan.domain.admin import statistics
from hongyan.domain.admin.commands import GetStatistics
from hongyan.domain.admin.commands_readers import (
    ListReaders,
    NoSuchReader,
    NotRebuildable,
    RebuildReader,
    RetryPassed,
)
from hongyan.domain.conversation.commands import OpenDirect
from hongyan.domain.log.model import Append, Commit, Committed
from hongyan.domain.log.readers import Reader, ReaderPage, Retry
from hongyan.infra.local.leases import Holders, LocalLeases
from hongyan.kernel.ids import LogId, UserId
from hongyan.runtime.runtime import Runtime

from .conftest import Harness

QUICK = Retry(first_s=0.0, most_s=0.0, attempts_max=2)


class Index:
    """A reader that cannot take one entry, for a while."""

    def __init__(self) -> None:
        self.is_broken = True
        self.seen: list[int] = []
        self.reader = Reader("index", self.handle, kinds=("note",), retry=QUICK)

    async def handle(self, page: ReaderPage) -> Commit:
        for _, entry in page.items:
            if self.is_broken and entry.seq == 2:
                raise ValueError("no room for it")
            self.seen.append(entry.seq)
        return Commit()


@pytest.fixture(autouse=True)
def _no_pace(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(statistics, "PACE_S", 0.0)


@pytest.fixture
def index(harness: Harness) -> Index:
    made = Index()
    harness.services.works.add(made.reader)
    return made


@pytest.fixture
async def runtime(harness: Harness, index: Index) -> AsyncIterator[Runtime]:
    leases = LocalLeases(Holders(), "here", 60.0, time.monotonic)
    made = Runtime("here", leases, harness.store, harness.clock, harness.services.works)
    harness.bus.subscribe(Committed, made.committed)
    made.start()
    yield made
    await made.stop()


async def note(harness: Harness) -> None:
    entry = Append(LogId("g1"), "note", UserId("li"), b"{}", harness.clock.now_ms())
    await harness.store.commit(Commit((entry,)))


async def test_what_was_passed_over_is_listed_and_tried_again(
    harness: Harness, index: Index, runtime: Runtime
) -> None:
    for _ in range(3):
        await note(harness)
    await until(lambda: index.seen[-1:] == [3])
    found = await harness.operate(ListReaders())
    assert {"statistics", "index"} <= {one.name for one in found.readers}
    (row,) = found.passed
    assert (row.reader, row.log_id, row.seq, row.tries) == ("index", "g1", 2, 2)
    assert row.error == "no room for it"
    (finding,) = await _passed(harness.store)
    assert (finding.check, finding.level) == ("readers", "warning")
    assert "hongyan readers retry" in finding.remedy
    with pytest.raises(NoSuchReader):
        await harness.operate(RetryPassed(reader="index", number=7))
    with pytest.raises(NoSuchReader):
        await harness.operate(RetryPassed(reader="nobody"))
    index.is_broken = False
    await harness.operate(RetryPassed(reader="index", number=row.number))
    await until(lambda: index.seen[-1:] == [2])

    async def nothing_is_passed() -> bool:
        return not (await harness.operate(ListReaders())).passed

    await until(nothing_is_passed)
    (finding,) = await _passed(harness.store)
    assert finding.level == "fine"


async def test_the_statistics_are_rebuilt_and_come_to_the_same(
    harness: Harness, runtime: Runtime
) -> None:
    await harness.add("li", "wang")
    direct = (await harness.do("li", OpenDirect(user_id=UserId("wang")))).conversation_id
    await harness.say("li", direct)

    async def all_is_counted() -> bool:
        readers = (await harness.operate(ListReaders())).readers
        return [one.entries for one in readers if one.name == "statistics"] == [0]

    await until(all_is_counted)
    assert (await harness.operate(GetStatistics())).messages == 1
    await harness.operate(RebuildReader(name="statistics"))
    await until(all_is_counted)
    assert (await harness.operate(GetStatistics())).messages == 1
    with pytest.raises(NotRebuildable):
        await harness.operate(RebuildReader(name="index"))
    with pytest.raises(NoSuchReader):
        await harness.operate(RebuildReader(name="nobody"))
