import shutil
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from tools.cluster.engines import RedisProcess

from hongyan.domain.log.model import Append, Committed, Entry
from hongyan.infra.postgres.store import PostgresStore
from hongyan.infra.sqlite.store import SqliteStore
from hongyan.kernel.ids import ClientId, LogId, UserId
from tests.memory.store import MemoryStore

from .rows import ROWS

A = LogId("g-a")
B = LogId("g-b")
ANNA = UserId("anna")
BORIS = UserId("boris")


def said(
    text: str = "hi",
    log_id: str = A,
    sender: str = ANNA,
    client_id: str = "",
    at_ms: int = 1000,
    **more: Any,
) -> Append:
    """Return an append with defaults."""
    return Append(
        LogId(log_id),
        more.pop("kind", "message"),
        UserId(sender),
        f'"{text}"'.encode(),
        at_ms,
        ClientId(client_id),
        **more,
    )


def seqs(entries: Any) -> list[int]:
    return [entry.seq for entry in entries]


def text(entry: Entry) -> str:
    return bytes(entry.body).decode().strip('"')


class Subject:
    """A store under test, what it told, and a way to close and open it again."""

    def __init__(self, kind: str, path: Path, dsn: str = "") -> None:
        self.kind = kind
        self.path = path
        self.dsn = dsn
        self.told: list[Committed] = []
        self.store: Any = None

    async def open(self, **more: Any) -> Any:
        """Open the store; a memory store stays what it was."""
        if self.kind == "sqlite":
            self.store = SqliteStore(self.path, ROWS, self.told.append, **more)
        elif self.kind == "postgres":
            self.store = PostgresStore(self.dsn, ROWS, self.told.append, **more)
        elif self.store is None:
            self.store = MemoryStore(ROWS, self.told.append)
        await self.store.start()
        return self.store

    async def reopen(self) -> Any:
        """Restart the store."""
        if self.kind != "memory":
            await self.store.close()
            await self.open()
        return self.store


@pytest.fixture(scope="session")
def redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisProcess]:
    """A Redis that all tests share; each takes names of its own there."""
    if shutil.which("redis-server") is None:
        pytest.skip("no redis-server; see tools/prepare-tests")
    process = RedisProcess(tmp_path_factory.mktemp("redis"))
    process.start()
    yield process
    process.stop()


@pytest.fixture(params=["memory", "sqlite", "postgres"])
async def subject(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Subject]:
    dsn = request.getfixturevalue("postgres_dsn") if request.param == "postgres" else ""
    made = Subject(request.param, tmp_path / "store.db", dsn)
    await made.open()
    yield made
    await made.store.close()


@pytest.fixture
def store(subject: Subject) -> Any:
    return subject.store
