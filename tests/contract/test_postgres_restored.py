"""A dump that is restored in another PostgreSQL, whose transaction ids begin anew."""

import asyncio
from collections.abc import Iterator

import pytest

from hongyan.domain.log.model import Commit, SaveOffset, offset_of, position_of
from hongyan.infra.postgres.connections import close, connect
from hongyan.infra.postgres.migrate import migrate, renew_generation
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
    generation = await before.generation()
    await before.commit(Commit(changes=(SaveOffset("webhook", offset_of(end)),)))
    await before.close()
    dump = str(first.folder / "dump")
    await asyncio.to_thread(first.run, "pg_dump", "-Fc", "-f", dump, first.dsn("chat"))
    await asyncio.to_thread(second.run, "pg_restore", "-d", second.dsn("chat"), dump)

    stores = [PostgresStore(second.dsn("chat"), ROWS) for _ in range(2)]
    for store in stores:
        await store.start()
    restored = {await store.generation() for store in stores}
    assert len(restored) == 1
    assert generation not in restored
    for number in range(3, 6):
        await asyncio.wait_for(stores[number % 2].commit(Commit((said(str(number)),))), 10)
    place = position_of(await stores[0].offset("webhook"))
    assert place == end
    news = await stores[0].follow(place, 99)
    assert [text(entry) for _, entry in news] == ["3", "4", "5"]
    assert seqs(await stores[1].read(A, 1, 99, 99)) == [1, 2, 3, 4, 5, 6]
    assert await stores[1].end() == news[-1][0] > end
    for store in stores:
        await store.close()


async def generation_of(dsn: str) -> str:
    store = PostgresStore(dsn, ROWS)
    await store.start()
    try:
        return await store.generation()
    finally:
        await store.close()


async def test_a_dump_that_is_restored_where_it_was_is_another_generation(
    servers: tuple[PostgresServer, PostgresServer],
) -> None:
    server, dsn = servers[0], servers[0].dsn("chat")
    generation = await generation_of(dsn)
    assert await generation_of(dsn) == generation
    dump = str(server.folder / "dump")
    await asyncio.to_thread(server.run, "pg_dump", "-Fc", "-f", dump, dsn)
    connection = await connect(dsn, "test")
    await connection.execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
    await close(connection)
    await asyncio.to_thread(server.run, "pg_restore", "-d", dsn, dump)
    assert await generation_of(dsn) != generation


async def test_an_operator_says_that_it_was_put_back(postgres_dsn: str) -> None:
    generation = await generation_of(postgres_dsn)
    connection = await connect(postgres_dsn, "test")
    await renew_generation(connection)
    await close(connection)
    assert await generation_of(postgres_dsn) != generation


async def test_who_may_not_ask_for_the_cluster_can_work_all_the_same(
    servers: tuple[PostgresServer, PostgresServer],
) -> None:
    servers[0].sql("CREATE DATABASE other")
    connection = await connect(servers[0].dsn("other"), "test")
    await connection.execute("REVOKE EXECUTE ON FUNCTION pg_control_system() FROM PUBLIC")
    await connection.execute("CREATE ROLE plain; GRANT ALL ON SCHEMA public TO plain")
    await connection.execute("SET ROLE plain")
    assert "0002_generation.pre" in await migrate(connection, ROWS)
    assert await connection.fetchval("SELECT generation FROM feed")
    await close(connection)
