"""What all tests share: a clock that stands still, the stores, and no hurry for hypothesis."""

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import settings

from hongyan.domain.catalog import ROWS
from hongyan.domain.log.model import Committed
from hongyan.infra.postgres.store import PostgresStore
from hongyan.infra.sqlite.store import SqliteStore
from tests.engines.postgres import PostgresServer, find_binaries
from tests.memory.store import MemoryStore

settings.register_profile("unhurried", deadline=None)  # a busy machine is no failure
settings.load_profile("unhurried")

ALSO_POSTGRES = os.environ.get("TEST_DOMAIN_ON_POSTGRES", "") == "1"
"""The domain's own tests run on PostgreSQL too, where somebody has a few minutes more."""
Store = MemoryStore | SqliteStore | PostgresStore
ENGINES = {"postgres", "redis", "nats", "real", "s3", "seaweed"}
"""Fixtures that start a server of somebody else's, and parameters that mean one."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests that start real engines, which the quick run leaves out."""
    for item in items:
        fixtures = set(getattr(item, "fixturenames", ()))
        chosen = item.callspec.params.values() if hasattr(item, "callspec") else ()
        words = {word for value in chosen for word in str(value).split()}
        if ENGINES & (fixtures | words):
            item.add_marker("engine")


class FakeClock:
    """Shows what it was set to."""

    def __init__(self, now_ms: int = 1_700_000_000_000) -> None:
        self.at_ms = now_ms

    def now_ms(self) -> int:
        return self.at_ms

    def advance(self, ms: int) -> None:
        self.at_ms += ms


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def committed() -> list[Committed]:
    """What the ``store`` fixture has told, in order."""
    return []


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """A PostgreSQL, for the whole run of the tests."""
    binaries = find_binaries()
    if binaries is None:
        pytest.skip("PostgreSQL is not installed (tools/prepare-tests does it)")
    server = PostgresServer(binaries)
    try:
        server.init()
        server.start()
        yield server
    finally:
        server.remove()


@pytest.fixture
def postgres_dsn(postgres: PostgresServer) -> str:
    """Where an empty schema is."""
    return postgres.dsn(search_path=postgres.new_schema())


def make_memory(request: pytest.FixtureRequest, committed: list[Committed]) -> Store:
    return MemoryStore(ROWS, committed.append)


def make_sqlite(request: pytest.FixtureRequest, committed: list[Committed]) -> Store:
    folder = request.getfixturevalue("tmp_path")
    return SqliteStore(folder / "hongyan.db", ROWS, committed.append)


def make_postgres(request: pytest.FixtureRequest, committed: list[Committed]) -> Store:
    server: PostgresServer = request.getfixturevalue("postgres")
    dsn = server.dsn(search_path="domain")
    if not server.query("SELECT to_regnamespace('domain')"):
        server.sql("CREATE SCHEMA domain")
        make_tables_of(PostgresStore(dsn, ROWS))
    server.empty("domain")
    return PostgresStore(dsn, ROWS, committed.append)


def make_tables_of(store: PostgresStore) -> None:
    """Make the tables, from within a fixture whose loop runs already."""

    async def make_tables() -> None:
        await store.start()
        await store.close()

    with ThreadPoolExecutor(1) as pool:
        pool.submit(asyncio.run, make_tables()).result()


MAKERS: dict[str, Callable[[pytest.FixtureRequest, list[Committed]], Store]] = {
    "memory": make_memory,
    "sqlite": make_sqlite,
    "postgres": make_postgres,
}


@pytest.fixture(params=["memory", "sqlite", *(["postgres"] if ALSO_POSTGRES else [])])
async def store(request: pytest.FixtureRequest, committed: list[Committed]) -> AsyncIterator[Store]:
    """A fresh store of each kind."""
    made = MAKERS[request.param](request, committed)
    await made.start()
    yield made
    await made.close()
