"""``Records``: what ports.py promises of rows."""

import itertools
from typing import Any

import pytest

from hongyan.domain.catalog import ROWS as DOMAIN_ROWS
from hongyan.domain.log.model import Commit, Drop, Duplicate, Put
from hongyan.infra.sqlite.store import SqliteStore

from .conftest import Subject
from .rows import Colour, Person, Persona, Thing

THINGS = [
    Thing(
        shelf=shelf,
        number=number,
        colour=Colour.RED if number % 2 else Colour.BLUE,
        active=number % 3 == 0,
        due_ms=None if number % 4 == 0 else number // 2,
        note=f"{shelf}{number}",
    )
    for shelf in ("a", "b", "雁")
    for number in range(-2, 7)
]


def spot(thing: Thing) -> tuple[str, int]:
    return (thing.shelf, thing.number)


@pytest.fixture
async def things(store: Any) -> Any:
    await store.commit(Commit(changes=tuple(map(Put, reversed(THINGS)))))
    return store


class TestOne:
    async def test_put_get_replace_drop(self, subject: Subject) -> None:
        store = subject.store
        assert await store.get(Thing, "a", 1) is None
        await store.commit(Commit(changes=(Put(Thing(shelf="a", number=1, due_ms=5)),)))
        await store.commit(Commit(changes=(Put(Thing(shelf="a", number=1, note="n")),)))
        store = await subject.reopen()
        assert await store.get(Thing, "a", 1) == Thing(shelf="a", number=1, note="n")
        assert await store.scan(Thing, 5, by="by_due_only") == []
        await store.commit(Commit(changes=(Drop(Thing, ("a", 1)), Drop(Thing, ("x", 9)))))
        assert await store.get(Thing, "a", 1) is None

    async def test_changes_of_one_commit_go_in_order(self, store: Any) -> None:
        one = Thing(shelf="a", number=1)
        await store.commit(Commit(changes=(Put(one), Drop(Thing, one.key()))))
        assert await store.count(Thing) == 0
        await store.commit(Commit(changes=(Drop(Thing, one.key()), Put(one))))
        assert await store.scan(Thing) == [one]

    async def test_get_many(self, things: Any) -> None:
        found = await things.get_many(Thing, [("a", 1), ("雁", 2), ("a", 1), ("x", 1)])
        assert {key: one.note for key, one in found.items()} == {("a", 1): "a1", ("雁", 2): "雁2"}
        assert await things.get_many(Thing, []) == {}

    async def test_get_many_of_a_one_field_key_is_by_its_bare_value(self, store: Any) -> None:
        people = [Person(person_id=p) for p in ("p", "q'\"", "雁")]
        await store.commit(Commit(changes=tuple(map(Put, people))))
        found = await store.get_many(Person, [("雁",), ("q'\"",), ("no",)])
        assert found == {"雁": people[2], "q'\"": people[1]}


class TestScan:
    async def test_by_key(self, things: Any) -> None:
        assert [spot(one) for one in await things.scan(Thing)] == sorted(map(spot, THINGS))
        assert [one.number for one in await things.scan(Thing, "b")] == list(range(-2, 7))
        assert [one.note for one in await things.scan(Thing, "b", 3)] == ["b3"]
        assert await things.scan(Thing, "x") == []

    @pytest.mark.parametrize("order", ["oldest", "newest"])
    @pytest.mark.parametrize(
        ("by", "prefix"),
        [
            (None, ()),
            (None, ("a",)),
            ("by_colour", ()),
            ("by_colour", (Colour.RED,)),
            ("by_colour", ("blue", False)),
            ("by_colour", ("blue", False, "a")),
            ("by_due", ("a",)),
            ("by_due", ("a", None)),
            ("by_due", ("a", 1)),
            ("by_due_only", ()),
            ("by_due_only", (None,)),
            ("by_due_only", (2, "b")),
        ],
    )
    async def test_order_and_paging(
        self, things: Any, by: str | None, prefix: tuple[Any, ...], order: Any
    ) -> None:
        table = Thing.TABLE
        fields = (*(table.index(by) if by else ()),)
        fields = (*fields, *(field for field in table.key if field not in fields))

        def place(one: Thing) -> tuple[Any, ...]:
            return tuple(getattr(one, field) for field in fields)

        def sorting(one: Thing) -> list[tuple[bool, Any]]:
            return [(value is not None, value) for value in place(one)]

        expected = sorted(
            (one for one in THINGS if place(one)[: len(prefix)] == prefix),
            key=sorting,
            reverse=order == "newest",
        )
        assert await things.scan(Thing, *prefix, by=by, order=order) == expected
        assert await things.count(Thing, *prefix, by=by) == len(expected)
        if order == "oldest":
            keys = [one.key() for one in expected]
            assert await things.keys(Thing, *prefix, by=by) == keys
            assert await things.keys(Thing, *prefix, by=by, limit=2) == keys[:2]
        paged: list[Thing] = []
        after: tuple[Any, ...] = ()
        while page := await things.scan(Thing, *prefix, by=by, after=after, limit=2, order=order):
            paged += page
            after = place(page[-1])[len(prefix) :]
            if not after:
                break
        assert paged == expected

    async def test_a_short_after_skips_all_that_begin_so(self, things: Any) -> None:
        found = await things.scan(Thing, by="by_colour", after=(Colour.BLUE,))
        assert {one.colour for one in found} == {Colour.RED}
        found = await things.scan(Thing, by="by_colour", after=(Colour.RED,), order="newest")
        assert {one.colour for one in found} == {Colour.BLUE}

    async def test_by_a_unique_constraint(self, store: Any) -> None:
        people = [Person(person_id=p, handle=h) for p, h in (("p", "z"), ("q", None), ("r", "a"))]
        await store.commit(Commit(changes=tuple(map(Put, people))))
        assert await store.scan(Person, "z", by="handle") == [people[0]]
        everybody = await store.scan(Person, by="handle")
        assert [one.person_id for one in everybody] == ["q", "r", "p"]
        newest = await store.scan(Person, by="handle", order="newest")
        assert newest == everybody[::-1]
        rest = await store.scan(Person, by="handle", order="newest", after=("a", "r"))
        assert [one.person_id for one in rest] == ["q"]

    async def test_an_index_follows_its_row(self, things: Any) -> None:
        await things.commit(Commit(changes=(Put(Thing(shelf="a", number=1, due_ms=77)),)))
        assert [spot(one) for one in await things.scan(Thing, 77, by="by_due_only")] == [("a", 1)]
        await things.commit(Commit(changes=(Drop(Thing, ("a", 1)),)))
        assert await things.count(Thing, 77, by="by_due_only") == 0

    async def test_many_rows(self, store: Any) -> None:
        many = [Thing(shelf="m", number=i) for i in range(3000)]
        await store.commit(Commit(changes=tuple(map(Put, many))))
        assert len(await store.scan(Thing, "m")) == 1000
        assert await store.scan(Thing, "m", limit=5000) == many
        assert len(await store.keys(Thing, "m")) == 3000


async def test_tables_with_like_names_are_not_confused(store: Any) -> None:
    await store.commit(
        Commit(
            changes=(
                Put(Persona(person_id="p", handle="h", handle_a="a")),
                Put(Person(person_id="p", handle="h")),
            )
        )
    )
    for fields, name in (({"handle": "h"}, "h"), ({"handle_a": "a"}, "handle")):
        with pytest.raises(Duplicate) as caught:
            await store.commit(
                Commit(changes=(Put(Person(person_id="x")), Put(Persona(person_id="q", **fields))))
            )
        assert (caught.value.table, caught.value.constraint) == ("test_person_a", name)


@pytest.mark.parametrize("row", DOMAIN_ROWS, ids=lambda row: row.__name__)
async def test_every_declared_row_has_a_working_table(row: Any, tmp_path: Any) -> None:
    store = SqliteStore(tmp_path / "rows.db", [row])
    await store.start()
    table = row.TABLE
    fields = set(row.__struct_fields__)
    for name, index in itertools.chain(table.indexes.items(), table.unique.items()):
        assert set(index) <= fields
        assert await store.scan(row, by=name) == []
        assert await store.scan(row, by=name, order="newest") == []
    assert set(table.key) <= fields
    assert await store.scan(row) == []
    await store.close()
