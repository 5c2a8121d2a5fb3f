"""Random commits against the plainest model, over all stores, with restarts in between."""

import asyncio
import itertools
import shutil
import tempfile
from operator import itemgetter
from pathlib import Path
from typing import Any, ClassVar

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from hongyan.domain.log.model import (
    Advance,
    Append,
    Bump,
    Commit,
    Committed,
    Cursor,
    Drop,
    Duplicate,
    LogState,
    Precondition,
    Put,
    Rewrite,
    SaveOffset,
    SeqRange,
    VersionConflict,
)
from hongyan.infra.postgres.store import PostgresStore
from hongyan.infra.sqlite import memtable
from hongyan.infra.sqlite.store import SqliteStore
from tests.contract.rows import ROWS, Person, Thing
from tests.engines.postgres import PostgresServer
from tests.memory.store import MemoryStore

LOGS = ("g1", "g2", "@anna")
USERS = ("anna", "boris", "chen")
NUMBERS = itertools.count()

logs: Any = st.sampled_from(LOGS)
users: Any = st.sampled_from(USERS)
small = st.integers(0, 12)
appends = st.lists(
    st.builds(
        Append,
        log_id=logs,
        kind=st.sampled_from(["message", "edited"]),
        sender=users,
        body=st.builds(lambda: str(next(NUMBERS)).encode()),
        sent_at_ms=st.integers(0, 50),
        client_id=st.just(""),
        countable=st.booleans(),
        changes_rules=st.booleans(),
    ),
    max_size=3,
)
people = st.builds(
    Person,
    person_id=st.sampled_from("pqrs"),
    handle=st.sampled_from([None, "h", "i"]),
    room=st.sampled_from([None, "x"]),
    seat=st.sampled_from([None, 1, 2]),
)
things = st.builds(Thing, shelf=st.sampled_from("ab"), number=small, due_ms=st.none() | small)
changes = st.lists(
    st.builds(Put, people)
    | st.builds(Put, things)
    | st.builds(Drop, st.just(Person), st.sampled_from("pqrs").map(lambda p: (p,)))
    | st.builds(Drop, st.just(Thing), st.tuples(st.sampled_from("ab"), small))
    | st.builds(Advance, logs, users, small, small)
    | st.builds(Rewrite, logs, st.integers(1, 12), st.just(b'"rewritten"'))
    | st.builds(Bump, logs)
    | st.builds(SaveOffset, st.just("reader"), st.binary(max_size=9)),
    max_size=4,
)


@st.composite
def commits(draw: st.DrawFn) -> tuple[Commit, tuple[str, ...]]:
    """Return a commit and the logs whose version it expects to be what it is (or is not)."""
    made = draw(appends)
    if made and draw(st.booleans()):
        first = made[0]
        made[0] = Append(
            first.log_id,
            first.kind,
            first.sender,
            first.body,
            first.sent_at_ms,
            draw(st.sampled_from(["c1", "c2", "c3", "c4", "c5"])),  # type: ignore[arg-type]
            first.countable,
            first.changes_rules,
        )
    preconditions = draw(st.lists(st.tuples(logs, st.booleans()), max_size=2))
    wrong = tuple(log_id for log_id, right in preconditions if not right)
    commit = Commit(
        tuple(made),
        tuple(draw(changes)),
        tuple(Precondition(log_id, 0) for log_id, _ in preconditions),
    )
    return commit, wrong


class StoresAgreeWithTheModel(RuleBasedStateMachine):
    """The model is dictionaries and loops; the stores must say the same in everything."""

    @initialize(generation=st.sampled_from([1, 4, 15, 20_000]))
    def begin(self, generation: int) -> None:
        self.patch = pytest.MonkeyPatch()
        self.patch.setattr(memtable, "GENERATION_ENTRIES", generation)
        self.patch.setattr(memtable, "READY_ENTRIES", max(1, generation // 2))
        self.runner = asyncio.Runner()
        self.folder = Path(tempfile.mkdtemp(prefix="model-"))
        self.told: list[Committed] = []
        self.expected: list[tuple[Any, ...]] = []
        self.memory = MemoryStore(ROWS)
        self.others = self.open()
        self.entries: dict[str, list[list[Any]]] = {log_id: [] for log_id in LOGS}
        self.versions = dict.fromkeys(LOGS, 0)
        self.cursors: dict[tuple[str, str], list[int]] = {}
        self.rows: dict[Any, dict[Any, Any]] = {Person: {}, Thing: {}}
        self.stream: list[tuple[str, int]] = []
        self.offset = b""

    def open(self) -> list[Any]:
        """Open the stores that can be closed and opened again; the first one tells."""
        store = SqliteStore(self.folder / "store.db", ROWS, self.told.append)
        self.runner.run(store.start())
        return [store]

    def close(self) -> None:
        for store in self.others:
            self.runner.run(store.close())

    def teardown(self) -> None:
        if hasattr(self, "runner"):
            self.close()
            self.runner.close()
            self.patch.undo()
            shutil.rmtree(self.folder)

    # --- the model ---

    def apply(self, commit: Commit) -> Any:
        """Carry out a commit on the model; return its entries or the error's type."""
        if commit.appends and commit.appends[0].client_id:
            first = commit.appends[0]
            for entry in self.entries[first.log_id]:
                if (entry[4], entry[5]) == (first.sender, first.client_id):
                    return [tuple(entry)]
        if any(self.versions[e.log_id] != e.version for e in commit.preconditions):
            return VersionConflict
        rows = {kind: dict(found) for kind, found in self.rows.items()}
        for change in commit.changes:
            if isinstance(change, Put):
                rows[type(change.row)][change.row.key()] = change.row
                if isinstance(change.row, Person) and not distinct(rows[Person].values()):
                    return Duplicate
            elif isinstance(change, Drop):
                rows[change.row].pop(change.key, None)
        self.rows = rows
        made = [self.append(append) for append in commit.appends]
        answer = [tuple(entry) for entry in made]
        if made:
            self.expected.extend(answer)
        for change in commit.changes:
            if isinstance(change, Bump):
                self.versions[change.log_id] += 1
            elif isinstance(change, SaveOffset):
                self.offset = change.position
            elif isinstance(change, Rewrite) and change.seq <= len(self.entries[change.log_id]):
                self.entries[change.log_id][change.seq - 1][7] = change.body
            elif isinstance(change, Advance):
                log = self.entries[change.log_id]
                read = min(change.read_seq, len(log))
                ordinal = sum(entry[8] for entry in log[:read])
                self.move(
                    change.log_id,
                    change.user_id,
                    (read, ordinal, max(read, min(change.delivered_seq, len(log))), 0),
                )
        return answer

    def append(self, append: Append) -> list[Any]:
        log = self.entries[append.log_id]
        ordinal = sum(entry[8] for entry in log) + append.countable
        entry = [
            append.log_id,
            len(log) + 1,
            ordinal,
            append.kind,
            append.sender,
            append.client_id,
            append.sent_at_ms,
            append.body,
            append.countable,
        ]
        log.append(entry)
        self.stream.append((append.log_id, len(log)))
        self.versions[append.log_id] += append.changes_rules
        if append.countable:
            seq = len(log)
            self.move(append.log_id, append.sender, (seq, ordinal, seq, append.sent_at_ms))
        return entry

    def move(self, log_id: str, user: str, to: tuple[int, ...]) -> None:
        old = self.cursors.get((log_id, user), [0, 0, 0, 0])
        self.cursors[(log_id, user)] = [max(pair) for pair in zip(old, to, strict=True)]

    # --- what happens ---

    @rule(batch=st.lists(commits(), min_size=1, max_size=6))
    def commit(self, batch: list[tuple[Commit, tuple[str, ...]]]) -> None:
        """Run some commits of one tick."""
        answers = []
        made = []
        for commit, wrong in batch:
            preconditions = tuple(
                Precondition(e.log_id, self.versions[e.log_id] + (e.log_id in wrong))
                for e in commit.preconditions
            )
            made.append(Commit(commit.appends, commit.changes, preconditions))
            answers.append(self.apply(made[-1]))

        async def run(store: Any) -> list[Any]:
            given: list[Any] = []
            for tick in self.ticks(made):
                given += await asyncio.gather(*map(store.commit, tick), return_exceptions=True)
            return given

        for store in (self.memory, *self.others):
            for answer, expected in zip(self.runner.run(run(store)), answers, strict=True):
                if isinstance(expected, type):
                    assert isinstance(answer, expected), (answer, expected)
                else:
                    assert list(map(plain, answer)) == [entry[:8] for entry in expected]

    @rule()
    def reopen(self) -> None:
        """Restart the stores."""
        self.close()
        self.others = self.open()

    # --- what must hold ---

    @invariant()
    def the_stores_say_what_the_model_says(self) -> None:
        if not hasattr(self, "others"):
            return
        for store in (self.memory, *self.others):
            self.runner.run(self.check(store))
        told = [plain(entry) for committed in self.told for entry in committed.entries]
        assert self.ordered(told) == self.ordered([entry[:8] for entry in self.expected])

    def ordered(self, entries: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
        """Return entries in the order that a store promises: here that of the commits."""
        return entries

    def ticks(self, commits: list[Commit]) -> list[list[Commit]]:
        """Return which commits run at once, and which after others."""
        return [commits]

    async def check(self, store: Any) -> None:
        heads = await store.states(LOGS)
        for log_id, log in self.entries.items():
            ordinal = log[-1][2] if log else 0
            assert heads[log_id] == LogState(len(log), ordinal, self.versions[log_id])
            expected = [tuple(entry[:8]) for entry in log]
            assert list(map(plain, await store.read(log_id, 1, 2**62, 999))) == expected
            newest = await store.read(log_id, 2, len(log), 3, "newest", ("message",))
            shown = [entry for entry in expected[1:] if entry[3] == "message"]
            assert list(map(plain, newest)) == shown[::-1][:3]
            for user in USERS:
                for client_id in ("c1", "c2"):
                    found = await store.find(log_id, user, client_id)
                    matching = [e for e in expected if e[4:6] == (user, client_id)]
                    assert ([plain(found)] if found else []) == matching
            cursors = {
                user: Cursor(*self.cursors.get((log_id, user), (0, 0, 0, 0))) for user in USERS
            }
            readers = [(u, c) for u, c in cursors.items() if c.read_seq >= 2]
            assert await store.in_log(log_id, 2, "", 9) == readers
            for user in USERS:
                assert (await store.of_user(user, [log_id]))[log_id] == cursors[user]
        tails = await store.tails([SeqRange(log_id, 2, 7) for log_id in LOGS], 2, ("edited",))  # type: ignore[arg-type]
        for log_id in LOGS:
            edited = [tuple(e[:8]) for e in self.entries[log_id][1:7] if e[3] == "edited"]
            assert list(map(plain, tails.get(log_id, []))) == edited[-2:]
        stream = await store.follow(0, 9999)
        expected = [tuple(self.entries[log_id][seq - 1][:8]) for log_id, seq in self.stream]
        assert self.ordered([plain(entry) for _, entry in stream]) == self.ordered(expected)
        assert await store.offset("reader") == self.offset
        for kind, rows in self.rows.items():
            assert await store.scan(kind) == [rows[key] for key in sorted(rows)]
        due = sorted(
            (one.due_ms is not None, one.due_ms or 0, one.number)
            for one in self.rows[Thing].values()
            if one.shelf == "a"
        )
        found = await store.scan(Thing, "a", by="by_due")
        assert [(one.due_ms is not None, one.due_ms or 0, one.number) for one in found] == due


def plain(entry: Any) -> tuple[Any, ...]:
    return (
        entry.log_id,
        entry.seq,
        entry.ordinal,
        entry.kind,
        entry.sender,
        entry.client_id,
        entry.sent_at_ms,
        bytes(entry.body),
    )


def distinct(people: Any) -> bool:
    """Return whether no unique constraint is broken."""
    for fields in (("handle",), ("room", "seat")):
        values = [tuple(getattr(one, field) for field in fields) for one in people]
        values = [value for value in values if None not in value]
        if len(values) != len(set(values)):
            return False
    return True


StoresAgreeWithTheModel.TestCase.settings = settings(
    max_examples=20,
    stateful_step_count=25,
    suppress_health_check=[HealthCheck.too_slow],
)
TestStoresAgreeWithTheModel = StoresAgreeWithTheModel.TestCase


class PostgresAgreesWithTheModel(StoresAgreeWithTheModel):
    """The same with PostgreSQL."""

    server: ClassVar[PostgresServer]

    def open(self) -> list[Any]:
        if not hasattr(self, "dsn"):
            self.dsn = self.server.dsn(search_path=self.server.new_schema())
        store = PostgresStore(self.dsn, ROWS, self.told.append, writers=3, readers=2)
        self.runner.run(store.start())
        return [store]

    def ordered(self, entries: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
        """Return them by log: several writers keep the order of each log, and no other."""
        return sorted(entries, key=itemgetter(0))

    def ticks(self, commits: list[Commit]) -> list[list[Commit]]:
        """Let what claims or frees a unique value wait: of two writers, whoever is first has it."""
        ticks: list[list[Commit]] = [[]]
        for commit in commits:
            rows = [change.row for change in commit.changes if isinstance(change, Put | Drop)]
            if any(Person in (row, type(row)) for row in rows):
                ticks.append([])
            ticks[-1].append(commit)
        return ticks


PostgresAgreesWithTheModel.TestCase.settings = settings(
    StoresAgreeWithTheModel.TestCase.settings,
    max_examples=8,
    stateful_step_count=15,
    phases=set(Phase) - {Phase.shrink, Phase.explain},  # takes longer than a test may
)


class TestPostgresAgreesWithTheModel(PostgresAgreesWithTheModel.TestCase):  # type: ignore[misc, name-defined]
    """Run by pytest, which knows where the server is."""

    @pytest.fixture(autouse=True)
    def served(self, postgres: PostgresServer) -> None:
        PostgresAgreesWithTheModel.server = postgres
