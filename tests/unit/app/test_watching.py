"""What is looked up now and then for the metrics."""

from hongyan.app.watching import EVERY_MS, Watching
from hongyan.domain.catalog import ROWS
from hongyan.domain.integration.model import Webhook, reader_of
from hongyan.domain.log.model import Append, Commit, Put, SavePlace
from hongyan.infra.memory.store import MemoryStore
from hongyan.kernel.ids import LogId, UserId

BEGIN_MS = 1_700_000_000_000


def hook(webhook_id: str, active: bool) -> Put:
    return Put(
        Webhook(
            webhook_id=webhook_id,
            name="",
            url="https://shop.example/",
            active=active,
            secrets=(),
            created_by=UserId("root"),
            created_at_ms=BEGIN_MS,
        )
    )


async def test_a_reader_is_as_late_as_the_oldest_entry_it_has_not_passed() -> None:
    store = MemoryStore(ROWS)
    watching = Watching(store, readers=("counter",))
    await watching.tick(BEGIN_MS)
    assert watching.lags_s == {"counter": 0.0}
    await store.commit(Commit(changes=(hook("w1", True), hook("w2", False))))
    for number in range(3):
        at_ms = BEGIN_MS + number * 1000
        await store.commit(Commit((Append(LogId("g1"), "message", UserId("anna"), b"{}", at_ms),)))
    await store.commit(Commit(changes=(SavePlace("counter", 1), SavePlace(reader_of("w1"), 3))))
    await watching.tick(BEGIN_MS + EVERY_MS)
    assert watching.end == 3
    assert watching.lags_s == {"counter": 4.0, "webhook:w1": 0.0}
    await store.commit(Commit(changes=(SavePlace("counter", 3), SavePlace(reader_of("w1"), 2))))
    await watching.tick(BEGIN_MS + EVERY_MS + 1)
    assert watching.lags_s["counter"] == 4.0, "it looks each five seconds"
    await watching.tick(BEGIN_MS + 2 * EVERY_MS)
    assert watching.lags_s == {"counter": 0.0, "webhook:w1": 8.0}
