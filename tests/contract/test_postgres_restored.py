"""A dump that is restored in another PostgreSQL, whose transaction ids begin anew."""

import asyncio
from collections.abc import Iterator

import pytest

from hongyan.domain.log.model import Commit, SavePlace, place_of, position_of
from hongyan.infra.postgres.store import PostgresStore
from tests.engines.postgres import PostgresServer

from .conftest import A, B, said, seqs, text
from .rows import ROWS

GROW_OLD = """DO $$ BEGIN
    FOR number IN 1..3000 LOOP PERFORM pg_current_xact_id(); COMMIT; END LOOP;
END $$"""


@pytest.fixture
def servers(postgres: PostgresServer) -> Iterator[tuple[PostgresServer, PostgresServer]]:
    """Two PostgreSQLs with a database ``chat`` each; the first one is used long since."""
    first, second = (PostgresServer(postgres.binaries) for _ in range(2))
    try:
        for server in (first, second):
            server.init()
            server.start()
            server.sql("CREATE DATABASE chat")
        first.sql(GROW_OLD)
        yield first, second
    finally:
        for server in (first, second):
            server.remove()


async def test_logs_grow_and_readers_go_on(servers: tuple[PostgresServer, PostgresServer]) -> None:
    first, second = servers
    before = PostgresStore(first.dsn("chat"), ROWS)
    await before.start()
    for number in range(3):
        await before.commit(Commit((said(str(number)), said(str(number), B))))
    end = await before.end()
    await before.commit(Commit(changes=(SavePlace("webhook", place_of(end)),)))
    await before.close()
    dump = str(first.folder / "dump")
    await asyncio.to_thread(first.run, "pg_dump", "-Fc", "-f", dump, first.dsn("chat"))
    await asyncio.to_thread(second.run, "pg_restore", "-d", second.dsn("chat"), dump)

    stores = [PostgresStore(second.dsn("chat"), ROWS) for _ in range(2)]
    for store in stores:
        await store.start()
    for number in range(3, 6):
        await asyncio.wait_for(stores[number % 2].commit(Commit((said(str(number)),))), 10)
    place = position_of(await stores[0].place("webhook"))
    assert place == end
    news = await stores[0].follow(place, 99)
    assert [text(entry) for _, entry in news] == ["3", "4", "5"]
    assert seqs(await stores[1].read(A, 1, 99, 99)) == [1, 2, 3, 4, 5, 6]
    assert await stores[1].end() == news[-1][0] > end
    for store in stores:
        await store.close()
