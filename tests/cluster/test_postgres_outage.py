"""PostgreSQL dies, stands still or fails over under load: what was acknowledged is there."""

import asyncio
import itertools
import signal
import time
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import pytest

from hongyan.domain.log.model import Commit, Committed, Entry, Put
from hongyan.infra.postgres.store import PostgresStore
from hongyan.kernel.errors import Unavailable
from tests.contract.conftest import said, text
from tests.contract.rows import ROWS, Thing
from tests.engines.postgres import PostgresServer, find_binaries

LOGS = [f"g{i}" for i in range(5)]


class Load:
    """Senders that send on and on, with and without client ids, and note what was said to them."""

    def __init__(self) -> None:
        self.told: list[Committed] = []
        self.acked: list[tuple[str, Entry]] = []
        self.refused: list[str] = []
        self.acked_at: list[float] = []
        self._numbers = itertools.count()
        self._tasks: list[asyncio.Task[None]] = []
        self._ending = False
        self._changed = asyncio.Event()

    async def _send(self, store: PostgresStore, who: int) -> None:
        while not self._ending:
            number = next(self._numbers)
            words = f"{who}.{number}"
            client_id = words if who % 2 else ""
            append = said(words, LOGS[number % 5], f"u{who}", client_id, countable=True)
            other = said(words, LOGS[(number + 1) % 5], f"u{who}")
            commit = Commit(
                (append, other) if number % 4 == 0 else (append,),
                (Put(Thing(shelf=f"u{who}", number=number)),),
            )
            try:
                entries = await store.commit(commit)
            except Unavailable:
                self.refused.append(words)
                self._changed.set()
                await asyncio.sleep(0.02)
                continue
            self.acked += [(words, entry) for entry in entries]
            self.acked_at.append(time.monotonic())
            self._changed.set()

    def start(self, *stores: PostgresStore) -> None:
        self._tasks = [
            asyncio.create_task(self._send(stores[who % len(stores)], who)) for who in range(12)
        ]

    async def acks(self, more: int) -> None:
        """Wait for so many more acknowledgements."""
        end = len(self.acked_at) + more
        await self._until(lambda: len(self.acked_at) >= end)

    async def refusal(self) -> None:
        """Wait until one more is refused."""
        before = len(self.refused)
        await self._until(lambda: len(self.refused) > before)

    async def _until(self, holds: Callable[[], bool]) -> None:
        while not holds():
            self._changed.clear()
            await self._changed.wait()

    async def end(self) -> None:
        self._ending = True
        await asyncio.gather(*self._tasks)

    @property
    def longest_gap_s(self) -> float:
        return max(b - a for a, b in itertools.pairwise(self.acked_at))

    async def check(self, store: PostgresStore) -> None:
        """Nothing acknowledged is lost, nothing is there twice, told is what is there."""
        stored: dict[tuple[str, int], Entry] = {}
        for log_id in LOGS:
            entries = await store.read(log_id, 1, 2**62, 10**6)  # type: ignore[arg-type]
            assert [e.seq for e in entries] == list(range(1, len(entries) + 1))
            countable = [e for e in entries if e.ordinal]
            assert countable[-1].ordinal <= len(entries)
            stored |= {(e.log_id, e.seq): e for e in entries}
        for words, entry in self.acked:
            found = stored[(entry.log_id, entry.seq)]
            assert found == entry
            assert text(found) == words
        places = [(text(e), e.log_id) for e in stored.values()]
        assert len(places) == len(set(places)), "something is there twice"
        told = [(e.log_id, e.seq) for one in self.told for e in one.entries]
        assert len(told) == len(set(told))
        assert set(told) == set(stored)
        for log_id in LOGS:
            of_log = [seq for at, seq in told if at == log_id]
            assert of_log == sorted(of_log)
        said_no = set(self.refused) & {words for words, _ in self.acked}
        assert not said_no
        feed = [(e.log_id, e.seq) for _, e in await store.follow(0, 10**6)]
        assert sorted(feed) == sorted(stored)
        assert await store.count(Thing) == len({text(e) for e in stored.values()})


@pytest.fixture
def server() -> Iterator[PostgresServer]:
    binaries = find_binaries()
    if binaries is None:
        pytest.skip("PostgreSQL is not installed (tools/prepare-tests does it)")
    made = PostgresServer(binaries)
    try:
        made.init()
        made.start()
        yield made
    finally:
        made.remove()


@pytest.fixture
def standby(server: PostgresServer) -> Iterator[PostgresServer]:
    """A synchronous standby of the server."""
    made = PostgresServer(server.binaries)
    try:
        made.follow(server, "standby")
        made.start()
        server.sql("ALTER SYSTEM SET synchronous_standby_names = 'standby'")
        server.query("SELECT pg_reload_conf()")
        while server.query("SELECT sync_state FROM pg_stat_replication") != "sync":
            time.sleep(0.05)
        yield made
    finally:
        made.remove()


@pytest.fixture
async def load() -> AsyncIterator[Load]:
    made = Load()
    yield made
    await made.end()


async def opened(dsn: str, load: Load, **more: Any) -> PostgresStore:
    store = PostgresStore(dsn, ROWS, load.told.append, **({"patience_s": 60.0} | more))
    await store.start()
    return store


async def test_it_is_killed_and_started_again(server: PostgresServer, load: Load) -> None:
    stores = [await opened(server.dsn(), load) for _ in range(2)]
    load.start(*stores)
    for _ in range(3):
        await load.acks(150)
        await asyncio.to_thread(server.kill)
        await asyncio.to_thread(server.start)
    await load.acks(150)
    await load.end()
    assert load.refused == []
    await load.check(stores[0])
    for store in stores:
        await store.close()


async def test_its_sessions_are_ended_again_and_again(server: PostgresServer, load: Load) -> None:
    store = await opened(server.dsn(), load)
    load.start(store)
    for _ in range(3):
        await load.acks(100)
        server.query(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE application_name LIKE 'hongyan writer%'"
        )
    await load.acks(100)
    await load.end()
    assert load.refused == []
    await load.check(store)
    await store.close()


async def test_it_stands_still_for_a_while(server: PostgresServer, load: Load) -> None:
    """What could not wait was told so; what was begun before is finished once, and told."""
    store = await opened(server.dsn(), load, patience_s=0.7, answer_s=0.5)
    load.start(store)
    await load.acks(100)
    server.signal_all(signal.SIGSTOP)
    await load.refusal()
    server.signal_all(signal.SIGCONT)
    await load.acks(100)
    await load.end()
    await load.check(store)
    await store.close()


async def test_its_standby_takes_over(
    server: PostgresServer, standby: PostgresServer, load: Load
) -> None:
    """The primary is killed; the synchronous standby is promoted, and has all that was acked."""
    hosts = f"127.0.0.1:{server.port},127.0.0.1:{standby.port}"
    dsn = server.dsn().replace(f"127.0.0.1:{server.port}", hosts)
    stores = [await opened(dsn, load) for _ in range(2)]
    load.start(*stores)
    await load.acks(300)
    await asyncio.to_thread(server.kill)
    await asyncio.to_thread(standby.promote)
    await load.acks(300)
    await load.end()
    assert load.refused == []
    await load.check(stores[1])
    for store in stores:
        await store.close()
