"""``Put.seq_field``: a row that holds the seq of the entry it is committed with."""

from typing import Any

import pytest

from hongyan.domain.log.model import Commit, Duplicate, Precondition, Put, VersionConflict

from .conftest import A, B, said
from .rows import Person, Thing


async def test_it_is_the_seq_of_the_commits_first_append(store: Any) -> None:
    await store.commit(Commit((said(), said())))
    thing = Thing(shelf="s", number=1, note="kept")
    appends = (said(), said(), said(log_id=B))
    await store.commit(Commit(appends, (Put(thing, "due_ms"), Put(Thing(shelf="s", number=2)))))
    stored = await store.scan(Thing, "s")
    assert [(one.number, one.due_ms, one.note) for one in stored] == [(1, 3, "kept"), (2, None, "")]


async def test_it_is_indexed_as_it_is_stored(store: Any) -> None:
    for number in (1, 2, 3):
        put = Put(Thing(shelf="s", number=number, due_ms=99), "due_ms")
        await store.commit(Commit((said(),), (put,)))
    found = await store.scan(Thing, "s", by="by_due", after=(1, 9))
    assert [(one.due_ms, one.number) for one in found] == [(2, 2), (3, 3)]


async def test_it_is_right_beside_a_unique_constraint(store: Any) -> None:
    await store.commit(Commit(changes=(Put(Person(person_id="p", handle="h")),)))
    taken = Commit(
        (said(),),
        (Put(Person(person_id="q", handle="h")), Put(Thing(shelf="s", number=1), "due_ms")),
    )
    with pytest.raises(Duplicate):
        await store.commit(taken)
    assert await store.get(Thing, "s", 1) is None
    free = Commit((said(),), (Put(Person(person_id="q", room="r"), "seat"),))
    (entry,) = await store.commit(free)
    assert (await store.get(Person, "q")).seat == entry.seq == 1


async def test_a_stale_commit_and_a_repeat_leave_the_row_alone(store: Any) -> None:
    put = Put(Thing(shelf="s", number=1), "due_ms")
    await store.commit(Commit((said(client_id="c"),), (put,)))
    await store.commit(Commit((said(client_id="c"),), (put,)))
    with pytest.raises(VersionConflict):
        await store.commit(Commit((said(),), (put,), (Precondition(A, 7),)))
    assert (await store.get(Thing, "s", 1)).due_ms == 1
