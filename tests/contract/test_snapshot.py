"""What a snapshot shows: one moment, whatever is committed afterwards."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from hongyan.domain.log.model import Commit, Put
from hongyan.infra.postgres.snapshot import PostgresSnapshot
from hongyan.infra.sqlite.snapshot import SqliteSnapshot
from hongyan.kernel.errors import Unavailable

from .conftest import A, B, Subject, said, seqs
from .rows import ROWS, Thing


@pytest.fixture(params=["sqlite", "postgres"])
async def subject(request: pytest.FixtureRequest, tmp_path: Any) -> AsyncIterator[Subject]:
    dsn = request.getfixturevalue("postgres_dsn") if request.param == "postgres" else ""
    made = Subject(request.param, tmp_path / "store.db", dsn)
    await made.open()
    yield made
    await made.store.close()


def snapshot_of(subject: Subject) -> SqliteSnapshot | PostgresSnapshot:
    if subject.kind == "sqlite":
        return SqliteSnapshot(subject.path, ROWS)
    return PostgresSnapshot(subject.dsn, ROWS)


async def test_what_is_committed_later_is_not_in_it(subject: Subject) -> None:
    thing = Thing(shelf="a", number=1, note="before")
    await subject.store.commit(Commit((said("1"), said("2")), (Put(thing),)))
    async with snapshot_of(subject) as snapshot:
        for number in range(3, 6):
            later = Thing(shelf="a", number=number)
            await subject.store.commit(Commit((said(str(number)),), (Put(later),)))
        await subject.store.commit(
            Commit((said("elsewhere", B),), (Put(Thing(shelf="a", number=1, note="after")),))
        )
        entries, things, heads, followed, end = await asyncio.gather(
            snapshot.read(A, 1, 2**62, 99),
            snapshot.scan(Thing, "a"),
            snapshot.states([A, B]),
            snapshot.follow(0, 99),
            snapshot.end(),
        )
        assert seqs(entries) == [1, 2]
        assert things == [thing]
        assert (heads[A].seq, heads[B].seq) == (2, 0)
        assert seqs(entry for _, entry in followed) == [1, 2]
        assert end == followed[-1][0]
    assert seqs(await subject.store.read(A, 1, 2**62, 99)) == [1, 2, 3, 4, 5]


async def test_nothing_can_be_committed_to_it(subject: Subject) -> None:
    async with snapshot_of(subject) as snapshot:
        with pytest.raises(Unavailable):
            await snapshot.commit(Commit((said(),)))
    assert await subject.store.read(A, 1, 2**62, 99) == []
