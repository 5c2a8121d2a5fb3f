"""What is run for each message touches one log, so that a database can be sharded by log."""

import asyncio
import json
import re
from typing import Any

import asyncpg
import pytest

from hongyan.domain.log.model import Advance, Commit, Precondition, Put
from hongyan.infra.postgres.batch import SQL
from hongyan.infra.postgres.store import PostgresStore

from .conftest import A, B, said
from .rows import ROWS, Thing

LOG_TABLES = ("log", "entry", "cursor")
HOT = {"raise_head", "append", "wrote", "advance", "oldest", "newest", "find"}


class Spy:
    """Notes the statements that connections run, each with each row of its bindings."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.ran: list[tuple[str, tuple[Any, ...]]] = []
        for name in ("fetch", "fetchval", "execute"):
            self._watch(monkeypatch, name, many=False)
        for name in ("fetchmany", "executemany"):
            self._watch(monkeypatch, name, many=True)

    def _watch(self, monkeypatch: pytest.MonkeyPatch, name: str, many: bool) -> None:
        real = getattr(asyncpg.Connection, name)

        async def watched(connection: Any, statement: str, *args: Any, **more: Any) -> Any:
            for bindings in args[0] if many else (args,):
                self.ran.append((statement, tuple(bindings)))
            return await real(connection, statement, *args, **more)

        monkeypatch.setattr(asyncpg.Connection, name, watched)

    @property
    def on_logs(self) -> list[tuple[str, tuple[Any, ...]]]:
        tables = "|".join(LOG_TABLES)
        pattern = re.compile(rf"\b(FROM|INTO|UPDATE|JOIN) ({tables})\b")
        return [one for one in self.ran if pattern.search(one[0])]


async def test_each_statement_for_messages_and_cursors_names_one_log(
    postgres_dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = PostgresStore(postgres_dsn, ROWS)
    await store.start()
    spy = Spy(monkeypatch)
    await asyncio.gather(
        *[
            store.commit(
                Commit(
                    (said(log_id=f"g{i % 7}", client_id=f"c{i}", countable=True),),
                    (Put(Thing(shelf="s", number=i)), Advance(B, f"u{i}", 1)),
                    (Precondition(f"g{i % 7}", 0),),  # type: ignore[arg-type]
                )
            )
            for i in range(50)
        ]
    )
    repeat = Commit((said(log_id="g1", client_id="c1"),))
    await asyncio.gather(store.commit(repeat), store.commit(Commit((said(log_id="g2"),))))
    await store.read(A, 1, 9, 9)
    await store.read(A, 1, 9, 9, "newest")
    await store.close()
    by_text = {text: name for name, text in SQL.items()}
    ran = {by_text[statement] for statement, _ in spy.on_logs}
    careful = {"lock_head", "find", "set_head"}
    assert ran == {*HOT, *careful}
    logs = {A, B, *(f"g{i}" for i in range(7))}
    for statement, bindings in spy.on_logs:
        assert bindings[0] in logs
        assert not [value for value in bindings[1:] if value in logs or isinstance(value, list)]
        assert_names_log(statement)


def assert_names_log(statement: str) -> None:
    """A table of logs is only read where log_id = $1, and written with log_id = $1."""
    inserted = re.findall(r"INTO (?:\w+)(?: AS \w+)? \(log_id.*?\)\s+(?:VALUES \(|SELECT )\$1\b",
                          statement, re.DOTALL)  # fmt: skip
    filtered = statement.count("log_id = $1")
    named = len(re.findall(r"\b(?:FROM|INTO|UPDATE) (?:log|entry|cursor)\b", statement))
    assert len(inserted) + filtered == named


BINDINGS: dict[str, tuple[Any, ...]] = {
    "raise_head": (A, 1, 1, 0, 0),
    "append": (A, 77, 77, "k", "anna", "c77", 1, b"{}", 77),
    "wrote": (A, "anna", 1, 1, 1),
    "advance": (A, "anna", 1, 1),
    "oldest": (A, 1, 9, 9, None),
    "newest": (A, 1, 9, 9, None),
    "find": (A, "anna", "c"),
    "lock_head": (A,),
    "set_head": (A, 1, 1, 1, 1),
    "rewrite": (A, 1, b"{}"),
}


def partitions(plan: Any) -> set[str]:
    """Return the partitions that a plan really looked into or wrote to."""
    found = set()
    if plan.get("Actual Loops", 0) and "Relation Name" in plan and "Node Type" in plan:
        name = re.fullmatch(r"(?:log|entry|cursor)_(\d+)", plan["Relation Name"])
        if name:
            found.add(name[1])
    for below in plan.get("Plans", ()):
        found |= partitions(below)
    return found


@pytest.mark.parametrize("name", BINDINGS)
async def test_the_plan_looks_into_one_partition(postgres_dsn: str, name: str) -> None:
    store = PostgresStore(postgres_dsn, ROWS)
    await store.start()
    await store.commit(Commit((said(client_id="c", countable=True),)))
    await store.close()
    connection = await asyncpg.connect(
        postgres_dsn, server_settings={"plan_cache_mode": "force_generic_plan"}
    )
    held = connection.transaction()
    await held.start()
    types = await connection.prepare(SQL[name])
    named = ", ".join(parameter.name for parameter in types.get_parameters())
    await connection.execute(f"PREPARE hot ({named}) AS {SQL[name]}")
    literals = ", ".join(map(_literal, BINDINGS[name]))
    told = await connection.fetchval(f"EXPLAIN (ANALYZE, FORMAT JSON) EXECUTE hot ({literals})")
    (explained,) = json.loads(told)
    where = await connection.fetchval(
        "SELECT tableoid::regclass::text FROM log WHERE log_id = $1", A
    )
    home = {re.sub(r"\D", "", where.rpartition(".")[2])}
    looked_into = partitions(explained["Plan"])
    assert looked_into <= home
    assert looked_into or name in {"raise_head", "append", "wrote"}
    if name in {"oldest", "newest", "find", "lock_head"}:
        assert explained["Plan"]["Actual Rows"] == 1
        assert "Index" in json.dumps(explained)
    await held.rollback()
    await connection.close()


def _literal(value: Any) -> str:
    if value is None:
        return "NULL"
    if isinstance(value, bytes):
        return f"'\\x{value.hex()}'"
    return f"'{value}'" if isinstance(value, str) else str(value)
