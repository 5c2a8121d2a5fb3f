"""The tail and the indexes on disk tell the same story, whatever has been indexed so far."""

import random

import pytest
from msgspec import Raw

from hongyan.domain.log.model import Append, Commit, Rewrite
from hongyan.infra.sqlite import memtable as memtable_module
from hongyan.infra.sqlite.memtable import union
from hongyan.infra.sqlite.store import SqliteStore

LOGS = [f"g{n:016d}" for n in range(7)]


@pytest.fixture
def small_generations(monkeypatch):
    monkeypatch.setattr(memtable_module, "GENERATION_ENTRIES", 50)


async def make_store(path):
    store = SqliteStore(path, [])
    await store.start()
    return store


@pytest.mark.usefixtures("small_generations")
async def test_reads_agree_with_a_model_across_generations_and_restarts(tmp_path):
    rng = random.Random(7)
    model = {log_id: [] for log_id in LOGS}
    store = await make_store(tmp_path / "a.db")
    for n in range(600):
        log_id = rng.choice(LOGS)
        kind = rng.choice(["message", "other"])
        sender = rng.choice(["alice", "bob"])
        await store.commit(
            Commit((Append(log_id, kind, sender, b'"%d"' % n, n, f"c{n}" if n % 3 else ""),))
        )
        model[log_id].append((kind, sender, f"c{n}" if n % 3 else "", b'"%d"' % n))
        if n % 17 == 0:
            target = rng.choice([i for i in LOGS if model[i]])
            seq = rng.randint(1, len(model[target]))
            await store.commit(Commit(changes=(Rewrite(target, seq, b'"new %d"' % n),)))
            model[target][seq - 1] = (*model[target][seq - 1][:3], b'"new %d"' % n)
        if n % 150 == 149:
            await store.close()
            store = await make_store(tmp_path / "a.db")
        if n % 40 == 0:
            await check(store, model, rng)
    await check(store, model, rng)
    await store.close()


async def test_what_is_ready_is_indexed_while_nobody_waits(tmp_path, monkeypatch):
    monkeypatch.setattr(memtable_module, "READY_ENTRIES", 5)
    store = await make_store(tmp_path / "a.db")
    for n in range(12):
        await store.commit(Commit((Append(LOGS[0], "message", "ann", b'"%d"' % n, n, f"c{n}"),)))
    entries = await store.read(LOGS[0], 1, 100, 100)
    assert [entry.client_id for entry in entries] == [f"c{n}" for n in range(12)]
    await store.close()
    assert len(store.writer.memtable.span(LOGS[0], 1, 100)) < 5


async def check(store, model, rng):
    for log_id, said in model.items():
        first = rng.randint(1, len(said) + 1)
        last = first + rng.randint(0, 40)
        limit = rng.randint(1, 30)
        expected = list(enumerate(said, start=1))[first - 1 : last]
        for order in ("oldest", "newest"):
            for kinds in ((), ("message",)):
                found = await store.read(log_id, first, last, limit, order, kinds)
                wanted = [(s, e) for s, e in expected if not kinds or e[0] in kinds]
                wanted = (wanted[::-1] if order == "newest" else wanted)[:limit]
                assert [(e.seq, e.kind, bytes(e.body)) for e in found] == [
                    (seq, one[0], one[3]) for seq, one in wanted
                ]
        for seq, (_, sender, client_id, body) in enumerate(said, start=1):
            if client_id:
                again = await store.find(log_id, sender, client_id)
                assert (again.seq, bytes(again.body)) == (seq, body)
                repeat = Append(log_id, "message", sender, b"{}", 0, client_id)
                if rng.random() < 0.05:
                    (entry,) = await store.commit(Commit((repeat,)))
                    assert (entry.seq, bytes(entry.body)) == (seq, body)


@pytest.mark.usefixtures("small_generations")
async def test_the_memtable_does_not_grow(tmp_path):
    store = await make_store(tmp_path / "a.db")
    for n in range(500):
        append = Append(LOGS[0], "message", "alice", b"{}", n, f"c{n}")
        await store.commit(Commit((append,)))
    assert len(store._memtable.span(LOGS[0], 1, 1000)) <= 100
    await store.close()


def test_union_prefers_what_the_disk_says():
    from hongyan.domain.log.model import Entry

    def entry(seq, body):
        return Entry("g", seq, seq, "message", "alice", "", 0, Raw(body))

    hot, cold = [entry(2, b"1"), entry(3, b"1")], [entry(1, b"1"), entry(2, b"2")]
    assert [bytes(e.body) for e in union(hot, cold, 9, newest=False)] == [b"1", b"2", b"1"]
    assert [e.seq for e in union(hot, cold, 2, newest=True)] == [3, 2]
