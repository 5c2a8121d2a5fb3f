"""What is looked up now and then for the metrics."""

from tests.memory.store import MemoryStore

from hongyan.app.metrics.probe import EVERY_MS, StoreProbe
from hongyan.domain.catalog import ROWS
from hongyan.domain.log.model import Append, Commit, Put, SaveOffset, offset_of
from hongyan.domain.log.readers import PassedEntry, Reader, ReaderPage
from hongyan.kernel.ids import LogId, UserId
from hongyan.runtime.works import Works

BEGIN_MS = 1_700_000_000_000


async def nothing(_page: ReaderPage) -> Commit:
    return Commit()


def seconds(probe: StoreProbe) -> dict[str, float]:
    return {name: lag.seconds for name, lag in probe.lags.items()}


async def test_a_reader_is_as_late_as_the_oldest_entry_it_has_not_passed() -> None:
    store, works = MemoryStore(ROWS), Works()
    works.add(Reader("counter", nothing), Reader("search", nothing, parts=2))
    probe = StoreProbe(store, works)
    await probe.run(BEGIN_MS)
    assert seconds(probe) == {"counter": 0.0, "search/0-2": 0.0, "search/1-2": 0.0}
    for number in range(3):
        at_ms = BEGIN_MS + number * 1000
        await store.commit(Commit((Append(LogId("g1"), "message", UserId("anna"), b"{}", at_ms),)))
    places = {"counter": 1, "search/0-2": 3, "search/1-2": 2}
    saved = [SaveOffset(name, offset_of(place)) for name, place in places.items()]
    row = PassedEntry(reader="counter", number=1, after="", end="", at_ms=1, tries=8, error="no")
    await store.commit(Commit(changes=(*saved, Put(row))))
    await probe.run(BEGIN_MS + EVERY_MS)
    assert probe.end == 3
    assert seconds(probe) == {"counter": 4.0, "search/0-2": 0.0, "search/1-2": 3.0}
    assert [lag.entries for lag in probe.lags.values()] == [2, 0, 1]
    assert [round(lag.progress, 2) for lag in probe.lags.values()] == [0.33, 1.0, 0.67]
    assert probe.passed == {"counter": 1, "search/0-2": 0, "search/1-2": 0}
    await store.commit(Commit(changes=(SaveOffset("counter", offset_of(3)),)))
    await probe.run(BEGIN_MS + EVERY_MS + 1)
    assert probe.lags["counter"].seconds == 4.0, "it looks each five seconds"
    await probe.run(BEGIN_MS + 2 * EVERY_MS)
    assert probe.lags["counter"].seconds == 0.0
