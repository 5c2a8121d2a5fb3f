"""Readers follow several writers: nothing is missed that is committed later than what is read."""

import asyncio
import time
from typing import Any

import asyncpg
import pytest

from hongyan.domain.log.model import Commit
from hongyan.infra.postgres import reader
from hongyan.infra.postgres.store import PostgresStore

from .conftest import A, B, said, text
from .rows import ROWS

BEGIN_LATE = """
INSERT INTO log (log_id, seq, ordinal, epoch, position) VALUES ('g-late', 1, 0, 0,
    pg_current_xact_id()::text::bigint << 16);
INSERT INTO entry (log_id, seq, ordinal, kind, sender, sent_at_ms, body, position)
VALUES ('g-late', 1, 0, 'message', 'anna', 1, '"late"', pg_current_xact_id()::text::bigint << 16)
"""


@pytest.fixture
async def stores(postgres_dsn: str) -> Any:
    made = [PostgresStore(postgres_dsn, ROWS) for _ in range(2)]
    for store in made:
        await store.start()
    yield made
    for store in made:
        await store.close()


async def follow_all(store: PostgresStore, after: int = 0) -> list[str]:
    return [text(entry) for _, entry in await store.follow(after, 99)]


async def test_who_commits_later_with_a_lower_position_is_not_missed(
    stores: list[PostgresStore], postgres_dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reader, "SETTLE_S", 0.0)
    await stores[0].commit(Commit((said("1"),)))
    slow = await asyncpg.connect(postgres_dsn)
    held = slow.transaction()
    await held.start()
    await slow.execute(BEGIN_LATE)
    await stores[1].commit(Commit((said("2"), said("3", log_id=B))))
    assert [text(entry) for entry in await stores[0].read(A, 1, 9, 9)] == ["1", "2"]
    ((position, first),) = await stores[0].follow(0, 99)
    assert text(first) == "1"
    assert await stores[0].follow(position, 99) == []
    assert await stores[0].tally(position, 99) == (position, [])
    assert await stores[0].end() == position
    await held.commit()
    assert await follow_all(stores[0], position) == ["late", "2", "3"]
    assert await follow_all(stores[1]) == ["1", "late", "2", "3"]
    end, tallies = await stores[0].tally(position, 99)
    last, _ = (await stores[0].follow(0, 9))[-1]
    assert (end, sum(tally.count for tally in tallies)) == (last, 3)
    assert await stores[0].end() == last
    await slow.close()


async def test_a_reader_waits_for_it_and_has_it_at_once(
    stores: list[PostgresStore], postgres_dsn: str
) -> None:
    slow = await asyncpg.connect(postgres_dsn)
    held = slow.transaction()
    await held.start()
    await slow.execute(BEGIN_LATE)
    await stores[0].commit(Commit((said("1"),)))
    reading = asyncio.create_task(follow_all(stores[1]))
    await asyncio.sleep(0.2)
    assert not reading.done()
    await held.commit()
    began = time.monotonic()
    assert await reading == ["late", "1"]
    assert time.monotonic() - began < 1
    await slow.close()


async def test_what_was_rolled_back_holds_nobody_up(
    stores: list[PostgresStore], postgres_dsn: str
) -> None:
    other = await asyncpg.connect(postgres_dsn)
    held = other.transaction()
    await held.start()
    await other.execute(BEGIN_LATE)
    await stores[0].commit(Commit((said("1"),)))
    await held.rollback()
    assert await follow_all(stores[1]) == ["1"]
    await other.close()


async def test_a_reader_under_load_misses_nothing_and_reads_each_log_in_order(
    stores: list[PostgresStore],
) -> None:
    total, writing = 0, True

    async def write(store: PostgresStore, who: int) -> int:
        for number in range(60):
            logs = (f"g{number % 4}", f"g{(number + who) % 4}") if who % 2 else (f"g{number % 4}",)
            await store.commit(Commit(tuple(said(log_id=log_id) for log_id in logs)))
        return 60 * (1 + who % 2)

    async def follow(store: PostgresStore) -> list[Any]:
        found: list[Any] = []
        while True:
            was_writing = writing
            page = await store.follow(found[-1][0] if found else 0, 7)
            found += page
            if not page and not was_writing:
                return found

    following = [asyncio.create_task(follow(store)) for store in stores]
    total = sum(await asyncio.gather(*[write(stores[i % 2], i) for i in range(8)]))
    writing = False
    one, two = await asyncio.gather(*following)
    assert one == two
    assert len(one) == total
    positions = [position for position, _ in one]
    assert positions == sorted(set(positions))
    for i in range(4):
        of_log = [entry.seq for _, entry in one if entry.log_id == f"g{i}"]
        assert of_log == list(range(1, len(of_log) + 1))
