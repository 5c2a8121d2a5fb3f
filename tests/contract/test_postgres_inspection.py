"""What contradicts itself in a PostgreSQL is found, and only that."""

from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import pytest

from hongyan.domain.log.model import Advance, Commit, SaveOffset, offset_of
from hongyan.infra.postgres.inspection import check_logs, newest_ms
from hongyan.infra.postgres.snapshot import PostgresSnapshot

from .conftest import ANNA, A, B, Subject, said
from .rows import ROWS


@pytest.fixture
async def subject(postgres_dsn: str, tmp_path: Path) -> AsyncIterator[Subject]:
    made = Subject("postgres", tmp_path, postgres_dsn)
    store = await made.open()
    await store.commit(
        Commit(tuple(said(str(number), at_ms=number, countable=True) for number in range(5)))
    )
    await store.commit(Commit((said("joined", B, kind="members.joined"),)))
    moved = Advance(A, ANNA, read_seq=3, delivered_seq=5)
    await store.commit(Commit(changes=(moved, SaveOffset("r", offset_of(await store.end())))))
    yield made
    await store.close()


async def found(subject: Subject) -> str:
    async with PostgresSnapshot(subject.dsn, ROWS) as snapshot:
        assert await newest_ms(snapshot.moment) == 1000
        return "\n".join([text async for text in check_logs(snapshot.moment, ("message",))])


async def test_a_healthy_database_has_no_trouble(subject: Subject) -> None:
    assert await found(subject) == ""


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        ("DELETE FROM entry WHERE seq = 2", "1 logs whose seqs have gaps"),
        ("DELETE FROM entry WHERE seq = 5", "head is not where the entries end"),
        ("DELETE FROM log", "2 logs whose seqs have gaps"),
        ("UPDATE log SET seq = seq + 1 WHERE ordinal > 0", "1 logs whose seqs have gaps"),
        ("UPDATE log SET ordinal = ordinal + 1", "2 logs whose ordinals do not count"),
        ("UPDATE entry SET kind = 'x' WHERE seq = 4", "1 logs whose ordinals do not count"),
        ("UPDATE cursor SET read_seq = 9, delivered_seq = 9", "1 logs with cursors beyond"),
        (
            "UPDATE reader SET place = int8send(9223372036854775807)",
            "1 readers whose place is beyond",
        ),
    ],
)
async def test_what_is_broken_is_told(subject: Subject, statement: str, words: str) -> None:
    connection = await asyncpg.connect(subject.dsn)
    await connection.execute(statement)
    await connection.close()
    assert words in await found(subject)
