"""From one release's tables to the next's, while servers of both write."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, ClassVar

import asyncpg
import pytest
from typer.testing import CliRunner

from hongyan.app.cli.root import app
from hongyan.domain.log.model import Commit, Put, Row, Table, offset_of
from hongyan.infra.postgres import migrate as migrating
from hongyan.infra.postgres.batch import SQL
from hongyan.infra.postgres.connections import connect
from hongyan.infra.postgres.migrate import STEPS, migrate, migrations
from hongyan.infra.postgres.store import PostgresStore
from hongyan.infra.sql.statements import read_sql
from tests.contract.conftest import said, text
from tests.engines.postgres import PostgresServer

NAME = "test_ticket"


class OldTicket(Row, frozen=True, kw_only=True):
    """As the previous release declares it."""

    TABLE: ClassVar = Table(NAME, key=("owner", "number"), indexes={"by_owner": ("owner",)})

    owner: str
    number: int
    title: str = ""


class Ticket(Row, frozen=True, kw_only=True):
    """As this release declares it: with two indexes more, over fields old and new."""

    TABLE: ClassVar = Table(
        NAME,
        key=("owner", "number"),
        indexes={
            "by_owner": ("owner",),
            "by_title": ("title",),
            "by_state": ("state", "urgent", "due_ms"),
        },
    )

    owner: str
    number: int
    title: str = ""
    state: str = "it's open"
    urgent: bool = False
    due_ms: int | None = None


@pytest.fixture
async def connection(postgres_dsn: str) -> AsyncIterator[Any]:
    made = await connect(postgres_dsn, "test")
    yield made
    await made.close()


CATALOG = """
SELECT table_name || '.' || column_name || ' ' || data_type || ' ' || is_nullable || ' '
    || coalesce(collation_name, '') || ' ' || coalesce(column_default, '')
FROM information_schema.columns WHERE table_schema = current_schema()
UNION ALL SELECT replace(indexdef, current_schema() || '.', '') FROM pg_indexes
WHERE schemaname = current_schema()
UNION ALL SELECT pg_get_constraintdef(oid) || conname FROM pg_constraint
WHERE connamespace = current_schema()::regnamespace
UNION ALL SELECT relname || relkind::text || coalesce(pg_get_expr(relpartbound, oid), '')
    || coalesce(reloptions::text, '') || coalesce(pg_get_partkeydef(oid), '')
FROM pg_class WHERE relnamespace = current_schema()::regnamespace
"""


async def test_the_migrations_come_to_the_schema(postgres: PostgresServer, connection: Any) -> None:
    await migrate(connection, [], ("pre", "post"))
    await connection.execute("DROP TABLE migration")
    replayed = sorted(found for (found,) in await connection.fetch(CATALOG))
    other = await asyncpg.connect(postgres.dsn(search_path=postgres.new_schema()))
    await other.execute(read_sql("hongyan.infra.postgres", "schema.sql"))
    assert replayed == sorted(found for (found,) in await other.fetch(CATALOG))
    assert len(replayed) > 100
    await other.close()


async def test_a_step_is_done_once_by_one_of_many(postgres_dsn: str) -> None:
    async def one() -> list[str]:
        connection = await connect(postgres_dsn, "test")
        done = await migrate(connection, [Ticket])
        await connection.close()
        return done

    done = await asyncio.gather(*[one() for _ in range(5)])
    expected = [step.name for step in migrations() if step.phase == "pre"]
    assert sorted(done, key=len) == [[], [], [], [], expected]


async def test_a_step_that_fails_leaves_nothing_behind(connection: Any, tmp_path: Path) -> None:
    for step in STEPS.iterdir():
        if step.name.endswith(".sql"):
            (tmp_path / step.name).write_text(step.read_text())
    bad = tmp_path / "9999_bad.pre.sql"
    bad.write_text("CREATE TABLE half (a int); SELECT 1 / 0;")
    with pytest.raises(asyncpg.DivisionByZeroError):
        await migrate(connection, [], folder=tmp_path)
    assert await connection.fetchval("SELECT to_regclass('half')") is None
    bad.write_text("CREATE TABLE half (a int);")
    assert await migrate(connection, [], folder=tmp_path) == ["9999_bad.pre"]


def test_names_of_steps(tmp_path: Path) -> None:
    (tmp_path / "2_x.sql").write_text("")
    with pytest.raises(ValueError, match="no name for a migration"):
        list(migrations(tmp_path))  # type: ignore[arg-type]


async def test_servers_of_two_releases_write_while_a_filled_database_is_upgraded(
    postgres_dsn: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hongyan.infra.postgres.migrate_rows.FILLED_AT_ONCE", 50)
    old = PostgresStore(postgres_dsn, [OldTicket])
    await old.start()
    tickets = [OldTicket(owner=f"o{i % 7}", number=i, title=f"t{i % 5}") for i in range(600)]
    await old.commit(Commit(changes=tuple(map(Put, tickets))))
    writing, numbers = True, iter(range(10_000, 10**9))

    async def keep_writing(store: PostgresStore, kind: Any) -> list[int]:
        """Put new rows, put old ones again, and append."""
        mine = []
        while writing:
            number = next(numbers)
            again = kind(owner=f"o{number % 7}", number=number % 600 // 7 * 7 + number % 7)
            changes = (Put(kind(owner="new", number=number, title=f"t{number % 5}")), Put(again))
            await store.commit(Commit((said(str(number), client_id=f"c{number}"),), changes))
            mine.append(number)
        return mine

    load = [asyncio.create_task(keep_writing(old, OldTicket)) for _ in range(3)]
    for step in STEPS.iterdir():
        if step.name.endswith(".sql"):
            (tmp_path / step.name).write_text(step.read_text())
    (tmp_path / "9999_note.pre.sql").write_text("ALTER TABLE reader ADD COLUMN note text;")
    (tmp_path / "9999_note.post.sql").write_text("UPDATE reader SET note = 'moved';")
    monkeypatch.setattr(migrating.migrate, "__defaults__", (("pre",), tmp_path))
    new = PostgresStore(postgres_dsn, [Ticket])
    await new.start()
    load += [asyncio.create_task(keep_writing(new, Ticket)) for _ in range(3)]
    await asyncio.sleep(0.5)
    await assert_indexed(new)
    writing = False
    written = [number for mine in await asyncio.gather(*load) for number in mine]
    await old.close()
    connection = await connect(postgres_dsn, "test")
    posts = [step.name for step in migrations() if step.phase == "post"]
    done = await migrate(connection, [Ticket], ("pre", "post"))
    assert done == [*posts, "9999_note.post"]
    functions = await connection.fetchval(
        "SELECT count(*) FROM pg_trigger JOIN pg_class AS c ON c.oid = tgrelid"
        " WHERE NOT tgisinternal AND relnamespace = current_schema()::regnamespace"
    )
    assert functions == 0
    await connection.close()
    await new.commit(Commit(changes=(Put(Ticket(owner="x", number=1, state="done", urgent=True)),)))
    await assert_indexed(new)
    assert [one.number for one in await new.scan(Ticket, "done", True, by="by_state")] == [1]
    entries = await new.read("g-a", 1, 10**9, 10**9)  # type: ignore[arg-type]
    assert sorted(int(text(entry)) for entry in entries) == sorted(written)
    assert len(written) > 20
    await new.close()


async def assert_indexed(store: PostgresStore) -> None:
    """Each index finds all rows, where their JSON says that they belong."""
    everything = await store.scan(Ticket, limit=10**6)
    assert len(everything) > 600
    for by in ("by_title", "by_state"):
        found = await store.scan(Ticket, by=by, limit=10**6)
        assert len(found) >= len(everything)
        fields = Ticket.TABLE.index(by)
        places = [
            tuple((value is not None, value) for value in (getattr(one, f) for f in fields))
            for one in found
        ]
        assert places == sorted(places)


def test_an_operator_finishes_an_upgrade(postgres_dsn: str, tmp_path: Path) -> None:
    arguments = ["migrate", "--data", str(tmp_path)]
    runner = CliRunner()
    assert "cluster.postgres is empty" in runner.invoke(app, arguments).output
    arguments += ["--set", f"cluster.postgres={postgres_dsn}"]
    first = runner.invoke(app, [*arguments, "--finish"])
    assert first.exit_code == 0, first.output
    assert "0001_logs.pre" in first.output.splitlines()
    assert runner.invoke(app, arguments).output == "No steps were left to do.\n"


OLD_SAVE = """INSERT INTO reader (name, position) VALUES ($1, $2)
ON CONFLICT (name) DO UPDATE SET position = excluded.position"""
"""How a server of the release before saves a place."""


async def test_places_become_bytes_while_two_releases_save_them(
    connection: Any, tmp_path: Path
) -> None:
    for step in ("0001_logs.pre.sql", "0002_generation.pre.sql"):
        (tmp_path / step).write_text((STEPS / step).read_text())
    await migrate(connection, [], folder=tmp_path)
    for name, position in {"new": 0, "webhook:w1": 7 << 16, "far": 2**62}.items():
        await connection.execute(OLD_SAVE, name, position)
    await migrate(connection, [])

    async def saved(name: str) -> bytes:
        return bytes(await connection.fetchval(SQL["offset"], name))

    assert [await saved(name) for name in ("new", "webhook:w1", "far")] == [
        b"",
        offset_of(7 << 16),
        offset_of(2**62),
    ]
    await connection.execute(OLD_SAVE, "webhook:w1", 8 << 16)
    await connection.execute(OLD_SAVE, "made", 5)
    assert [await saved("webhook:w1"), await saved("made")] == [offset_of(8 << 16), offset_of(5)]
    await connection.execute(SQL["save_offset"], "webhook:w1", offset_of(9 << 16))
    await connection.execute(SQL["save_offset"], "search", b"gtid:1-5")
    await connection.execute(SQL["save_offset"], "made", b"")
    old = "SELECT position FROM reader WHERE name = $1"
    assert await connection.fetchval(old, "webhook:w1") == 9 << 16
    assert await connection.fetchval(old, "made") == 0
    await migrate(connection, [], ("post",))
    assert await saved("webhook:w1") == offset_of(9 << 16)
    assert await saved("search") == b"gtid:1-5"
    await connection.execute(SQL["save_offset"], "webhook:w1", offset_of(10 << 16))
    assert await saved("webhook:w1") == offset_of(10 << 16)
