"""``Log``, ``Cursors`` and ``ChangeStream``: what ports.py and model.py promise."""

import asyncio
from typing import Any

import pytest

from hongyan.domain.log.model import (
    Advance,
    Append,
    Bump,
    Commit,
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
from hongyan.kernel.errors import Unavailable
from hongyan.kernel.ids import ConnectionId, UserId

from .conftest import ANNA, BORIS, A, B, Subject, said, seqs, text
from .rows import Person, Thing


async def settle(*commits: Any) -> list[Any]:
    """Run commits of one tick; return their answers or errors."""
    return await asyncio.gather(*commits, return_exceptions=True)


class TestAppend:
    async def test_seq_starts_at_1_and_grows_by_1_in_each_log(self, store: Any) -> None:
        one = await store.commit(Commit((said(), said(), said(log_id=B))))
        two = await store.commit(Commit((said(log_id=B), said())))
        assert [(e.log_id, e.seq) for e in (*one, *two)] == [(A, 1), (A, 2), (B, 1), (B, 2), (A, 3)]

    async def test_an_entry_is_what_was_appended(self, store: Any) -> None:
        (entry,) = await store.commit(Commit((said("x", client_id="c", at_ms=7, kind="k"),)))
        assert (entry.kind, entry.sender, entry.client_id) == ("k", ANNA, "c")
        assert (entry.sent_at_ms, text(entry)) == (7, "x")
        assert await store.read(A, 1, 9, 9) == [entry]

    async def test_ordinal_counts_the_countable(self, store: Any) -> None:
        entries = await store.commit(
            Commit((said(), said(countable=True), said(), said(countable=True)))
        )
        assert [e.ordinal for e in entries] == [0, 1, 1, 2]
        assert (await store.states([A]))[A] == LogState(4, 2, 0)

    async def test_the_version_grows_with_rules_and_bumps(self, store: Any) -> None:
        await store.commit(Commit((said(), said(changes_rules=True))))
        assert (await store.states([A]))[A].version == 1
        await store.commit(Commit(changes=(Bump(A), Bump(B))))
        assert await store.states([A, B, "c"]) == {
            A: LogState(2, 0, 2),
            B: LogState(0, 0, 1),
            "c": LogState(),
        }

    async def test_counters_go_on_after_a_restart(self, subject: Subject) -> None:
        await subject.store.commit(Commit((said(countable=True, changes_rules=True),)))
        store = await subject.reopen()
        (entry,) = await store.commit(Commit((said(countable=True),)))
        assert (entry.seq, entry.ordinal) == (2, 2)
        assert (await store.states([A]))[A] == LogState(2, 2, 1)
        assert [p for p, _ in await store.follow(0, 9)] == sorted(
            {p for p, _ in await store.follow(0, 9)}
        )

    async def test_commits_of_one_log_take_effect_in_the_order_of_the_calls(
        self, store: Any
    ) -> None:
        answers = await asyncio.gather(*[store.commit(Commit((said(str(i)),))) for i in range(300)])
        assert [text(entry) for (entry,) in answers] == [str(i) for i in range(300)]
        assert seqs(entry for (entry,) in answers) == list(range(1, 301))
        assert await store.read(A, 1, 300, 300) == [entry for (entry,) in answers]

    async def test_an_empty_commit_is_nothing(self, subject: Subject) -> None:
        assert await subject.store.commit(Commit()) == ()
        assert subject.told == []

    async def test_unicode_and_quotes_survive(self, store: Any) -> None:
        words = "鸿雁 ' \\\" 🕊"
        await store.commit(Commit((said(words, log_id="g'\"雁", sender="a'雁", client_id="'雁"),)))
        entry = await store.find("g'\"雁", "a'雁", "'雁")
        assert text(entry) == words
        assert (await store.states(["g'\"雁"]))["g'\"雁"].seq == 1
        assert (await store.of_user("a'雁", ["g'\"雁"]))["g'\"雁"] == Cursor()


class TestIdempotence:
    async def test_a_repeat_gets_the_first_entry_alone(self, subject: Subject) -> None:
        store = subject.store
        first = await store.commit(Commit((said("1", client_id="c"), said("2"))))
        again = await store.commit(Commit((said("other", client_id="c"), said("3"), said("4"))))
        assert again == first[:1]
        assert seqs(await store.read(A, 1, 99, 99)) == [1, 2]
        assert len(subject.told) == 1

    async def test_concurrent_repeats_are_one(self, subject: Subject) -> None:
        store = subject.store
        answers = await settle(
            *[store.commit(Commit((said(str(i), client_id="c"),))) for i in range(50)]
        )
        assert {text(entry) for (entry,) in answers} == {"0"}
        assert (await store.states([A]))[A].seq == 1
        assert len(subject.told) == 1

    async def test_old_and_new_repeats_mixed_in_one_batch(self, subject: Subject) -> None:
        store = subject.store
        await store.commit(Commit((said("old", client_id="old"),)))
        answers = await settle(
            store.commit(Commit((said("n1", client_id="n1", countable=True),))),
            store.commit(Commit((said("x", client_id="old", countable=True),))),
            store.commit(Commit((said("n2", client_id="n2", countable=True),))),
            store.commit(Commit((said("x", client_id="n1", countable=True),))),
            store.commit(Commit((said("plain"),))),
        )
        assert [(entry.seq, text(entry)) for (entry,) in answers] == [
            (2, "n1"),
            (1, "old"),
            (3, "n2"),
            (2, "n1"),
            (4, "plain"),
        ]
        assert (await store.states([A]))[A] == LogState(4, 2, 0)
        assert [text(e) for told in subject.told for e in told.entries] == [
            "old",
            "n1",
            "n2",
            "plain",
        ]

    async def test_a_repeat_after_a_restart(self, subject: Subject) -> None:
        first = await subject.store.commit(Commit((said(client_id="c"),)))
        store = await subject.reopen()
        assert await store.commit(Commit((said("x", client_id="c"),))) == first
        assert len(subject.told) == 1

    async def test_the_same_client_id_of_another_sender_or_log_is_new(self, store: Any) -> None:
        await store.commit(Commit((said(client_id="c"),)))
        (other,) = await store.commit(Commit((said(sender=BORIS, client_id="c"),)))
        (elsewhere,) = await store.commit(Commit((said(log_id=B, client_id="c"),)))
        assert (other.seq, elsewhere.seq) == (2, 1)

    @pytest.mark.parametrize("same_batch", [True, False])
    async def test_a_repeat_changes_nothing(self, store: Any, same_batch: bool) -> None:
        commits = [
            Commit(
                (said(str(i), client_id="c", countable=True, changes_rules=True),),
                (
                    Put(Thing(shelf="s", number=i)),
                    Drop(Thing, ("s", 0)) if i else Bump(B),
                    Bump(B),
                    Advance(A, BORIS, i, i),
                    SaveOffset("r", b"%d" % i),
                    Rewrite(A, 1, f'"{i}"'.encode()),
                ),
            )
            for i in range(2)
        ]
        if same_batch:
            await settle(*map(store.commit, commits))
        else:
            for commit in commits:
                await store.commit(commit)
        assert await store.scan(Thing) == [Thing(shelf="s", number=0)]
        assert await store.states([A, B]) == {A: LogState(1, 1, 1), B: LogState(0, 0, 2)}
        assert (await store.of_user(BORIS, [A]))[A] == Cursor()
        assert await store.offset("r") == b"0"
        assert text(await store.find(A, ANNA, "c")) == "0"

    @pytest.mark.parametrize("same_batch", [True, False])
    async def test_a_repeat_is_answered_whatever_its_preconditions(
        self, store: Any, same_batch: bool
    ) -> None:
        commit = Commit(
            (said(client_id="c", changes_rules=True),), preconditions=(Precondition(A, 0),)
        )
        if same_batch:
            one, two = await settle(store.commit(commit), store.commit(commit))
        else:
            one, two = await store.commit(commit), await store.commit(commit)
        assert one == two
        assert seqs(one) == [1]

    @pytest.mark.parametrize("same_batch", [True, False])
    async def test_a_repeat_is_answered_whatever_it_would_duplicate(
        self, store: Any, same_batch: bool
    ) -> None:
        commits = [
            Commit((said(client_id="c"),), (Put(Person(person_id=p, handle="h")),)) for p in "pq"
        ]
        if same_batch:
            one, two = await settle(*map(store.commit, commits))
        else:
            one, two = [await store.commit(commit) for commit in commits]
        assert one == two
        assert await store.get(Person, "q") is None

    async def test_a_repeat_of_a_rewritten_entry_shows_what_it_is_now(self, store: Any) -> None:
        answers = await settle(
            store.commit(Commit((said("secret", client_id="c"),))),
            store.commit(Commit(changes=(Rewrite(A, 1, b'"gone"'),))),
            store.commit(Commit((said("secret", client_id="c"),))),
        )
        assert text(answers[2][0]) == "gone"

    async def test_find(self, store: Any) -> None:
        (entry,) = await store.commit(Commit((said(client_id="c"),)))
        await store.commit(Commit((said(),)))
        assert await store.find(A, ANNA, "c") == entry
        assert await store.find(A, BORIS, "c") is None
        assert await store.find(B, ANNA, "c") is None
        assert await store.find(A, ANNA, "") is None


class TestExpect:
    async def test_stale_changes_nothing(self, subject: Subject) -> None:
        store = subject.store
        with pytest.raises(VersionConflict):
            await store.commit(
                Commit(
                    (said(client_id="c"),),
                    (Put(Thing(shelf="s", number=1)),),
                    (Precondition(A, 1),),
                )
            )
        assert await store.states([A]) == {A: LogState()}
        assert await store.scan(Thing) == []
        assert await store.find(A, ANNA, "c") is None
        assert subject.told == []

    async def test_an_empty_log_has_version_0(self, store: Any) -> None:
        assert seqs(
            await store.commit(
                Commit((said(),), preconditions=(Precondition(A, 0), Precondition(B, 0)))
            )
        ) == [1]

    async def test_of_two_rivals_in_one_batch_one_wins(self, store: Any) -> None:
        await store.commit(Commit(changes=(Bump(A),)))
        rival = Commit((said(changes_rules=True),), preconditions=(Precondition(A, 1),))
        answers = await settle(*[store.commit(rival) for _ in range(5)])
        assert seqs(answers[0]) == [1]
        assert [type(answer) for answer in answers[1:]] == [VersionConflict] * 4
        assert (await store.states([A]))[A] == LogState(1, 0, 2)

    async def test_all_expectations_must_hold(self, store: Any) -> None:
        await store.commit(Commit(changes=(Bump(B),)))
        with pytest.raises(VersionConflict):
            await store.commit(
                Commit((said(),), preconditions=(Precondition(A, 0), Precondition(B, 0)))
            )

    async def test_what_the_commit_itself_touches_comes_after(self, store: Any) -> None:
        await store.commit(Commit((said(),), (Bump(A),), (Precondition(A, 0),)))
        await store.commit(Commit((said(),), preconditions=(Precondition(A, 1),)))
        assert (await store.states([A]))[A].seq == 2

    async def test_a_stale_commit_does_not_disturb_its_batch(self, store: Any) -> None:
        answers = await settle(
            store.commit(Commit((said("1"),))),
            store.commit(Commit((said("2", client_id="c"),), preconditions=(Precondition(A, 9),))),
            store.commit(Commit((said("3", client_id="c"),))),
        )
        assert isinstance(answers[1], VersionConflict)
        assert [text(e) for e in await store.read(A, 1, 9, 9)] == ["1", "3"]


class TestDuplicate:
    async def test_it_leaves_nothing_behind(self, subject: Subject) -> None:
        store = subject.store
        await store.commit(Commit(changes=(Put(Person(person_id="p", handle="h")),)))
        with pytest.raises(Duplicate) as caught:
            await store.commit(
                Commit(
                    (said(client_id="c", countable=True, changes_rules=True), said(log_id=B)),
                    (
                        Put(Thing(shelf="s", number=1)),
                        Bump("c"),
                        Advance(A, BORIS, 1, 1),
                        SaveOffset("r", b"5"),
                        Put(Person(person_id="q", handle="h")),
                    ),
                )
            )
        assert (caught.value.table, caught.value.constraint) == ("test_person", "handle")
        assert await store.states([A, B, "c"]) == dict.fromkeys([A, B, "c"], LogState())
        assert await store.of_user(ANNA, [A]) == {A: Cursor()}
        assert await store.of_user(BORIS, [A]) == {A: Cursor()}
        assert await store.scan(Thing) == []
        assert await store.offset("r") == b""
        assert await store.follow(0, 9) == []
        assert subject.told == []
        (entry,) = await store.commit(Commit((said("again", client_id="c", countable=True),)))
        assert (entry.seq, entry.ordinal, text(entry)) == (1, 1, "again")
        assert (await store.states([A]))[A].version == 0

    async def test_the_rest_of_its_batch_stands(self, subject: Subject) -> None:
        store = subject.store
        taken = Put(Person(person_id="p", handle="h"))
        clash = Put(Person(person_id="q", handle="h"))
        answers = await settle(
            store.commit(Commit((said("1", countable=True),), (taken,))),
            store.commit(
                Commit((said("2", client_id="c", countable=True), said(log_id=B)), (clash,))
            ),
            store.commit(
                Commit((said("3", client_id="c", countable=True),), (Advance(A, BORIS, 9),))
            ),
            store.commit(Commit((said("4", client_id="c", countable=True),), (clash,))),
            store.commit(Commit((said("5", log_id=B),))),
        )
        assert isinstance(answers[1], Duplicate)
        assert [text(answers[i][0]) for i in (0, 2, 3, 4)] == ["1", "3", "3", "5"]
        assert await store.states([A, B]) == {A: LogState(2, 2, 0), B: LogState(1, 0, 0)}
        assert (await store.of_user(BORIS, [A]))[A] == Cursor(2, 2, 2)
        assert (await store.of_user(ANNA, [A]))[A] == Cursor(2, 2, 2, 1000)
        assert [text(e) for _, e in await store.follow(0, 9)] == ["1", "3", "5"]
        assert [text(e) for told in subject.told for e in told.entries] == ["1", "3", "5"]

    async def test_two_fields_and_none(self, store: Any) -> None:
        def seated(person_id: str, seat: int | None) -> Commit:
            return Commit(changes=(Put(Person(person_id=person_id, room="r", seat=seat)),))

        await store.commit(seated("p", 1))
        await store.commit(seated("q", 2))
        await store.commit(seated("r", None))
        await store.commit(seated("s", None))
        with pytest.raises(Duplicate) as caught:
            await store.commit(seated("t", 1))
        assert (caught.value.table, caught.value.constraint) == ("test_person", "seat")
        assert await store.count(Person) == 4

    async def test_a_row_does_not_clash_with_itself(self, store: Any) -> None:
        for room in "xy":
            await store.commit(Commit(changes=(Put(Person(person_id="p", handle="h", room=room)),)))
        assert (await store.get(Person, "p")).room == "y"

    async def test_changes_count_in_their_order(self, store: Any) -> None:
        await store.commit(Commit(changes=(Put(Person(person_id="p", handle="h")),)))
        give = (Put(Person(person_id="p")), Put(Person(person_id="q", handle="h")))
        with pytest.raises(Duplicate):
            await store.commit(Commit(changes=give[::-1]))
        assert (await store.get(Person, "p")).handle == "h"
        await store.commit(Commit(changes=give))
        assert (await store.get(Person, "q")).handle == "h"
        moved = (Drop(Person, ("q",)), Put(Person(person_id="r", handle="h")))
        await store.commit(Commit(changes=moved))
        assert await store.keys(Person) == [("p",), ("r",)]

    async def test_two_in_one_commit(self, store: Any) -> None:
        both = tuple(Put(Person(person_id=p, handle="h")) for p in "pq")
        with pytest.raises(Duplicate):
            await store.commit(Commit((said(),), both))
        assert await store.count(Person) == 0
        assert (await store.states([A]))[A] == LogState()


class TestAdvance:
    async def three(self, store: Any) -> None:
        await store.commit(
            Commit((said(countable=True), said(), said(countable=True), said(countable=True)))
        )

    async def test_the_ordinal_follows_from_the_seq(self, store: Any) -> None:
        await self.three(store)
        for seq, ordinal in ((1, 1), (2, 1), (3, 2), (4, 3)):
            await store.commit(Commit(changes=(Advance(A, BORIS, seq),)))
            assert (await store.of_user(BORIS, [A]))[A] == Cursor(seq, ordinal, seq)

    async def test_never_back(self, store: Any) -> None:
        await self.three(store)
        await store.commit(Commit(changes=(Advance(A, BORIS, 3, 4),)))
        await store.commit(Commit(changes=(Advance(A, BORIS, 1, 1), Advance(A, BORIS))))
        assert (await store.of_user(BORIS, [A]))[A] == Cursor(3, 2, 4)

    async def test_clamped_to_the_head(self, store: Any) -> None:
        await self.three(store)
        await store.commit(Commit(changes=(Advance(A, BORIS, 99, 99), Advance(B, BORIS, 5, 5))))
        assert await store.of_user(BORIS, [A, B]) == {A: Cursor(4, 3, 4), B: Cursor()}

    async def test_parts_move_alone_and_read_is_delivered(self, store: Any) -> None:
        await self.three(store)
        await store.commit(Commit(changes=(Advance(A, BORIS, 0, 2),)))
        assert (await store.of_user(BORIS, [A]))[A] == Cursor(0, 0, 2)
        await store.commit(Commit(changes=(Advance(A, BORIS, 4, 0),)))
        assert (await store.of_user(BORIS, [A]))[A] == Cursor(4, 3, 4)

    async def test_it_counts_the_entries_of_its_own_commit(self, store: Any) -> None:
        await store.commit(Commit((said(countable=True),), (Advance(A, BORIS, 1),)))
        assert (await store.of_user(BORIS, [A]))[A] == Cursor(1, 1, 1)

    async def test_to_write_is_to_have_read(self, store: Any) -> None:
        await store.commit(Commit((said(sender=BORIS, countable=True),)))
        await store.commit(Commit((said(countable=True, at_ms=77), said(at_ms=99))))
        assert (await store.of_user(ANNA, [A]))[A] == Cursor(2, 2, 2, 77)
        assert (await store.of_user(BORIS, [A]))[A] == Cursor(1, 1, 1, 1000)

    async def test_in_one_batch(self, store: Any) -> None:
        await settle(
            *[
                store.commit(Commit((said(countable=True),), (Advance(A, f"u{i:02}", i),)))
                for i in range(1, 30)
            ]
        )
        found = await store.in_log(A, 1, "", 99)
        expected = [(ANNA, Cursor(29, 29, 29, 1000))]
        assert found == expected + [(f"u{i:02}", Cursor(i, i, i)) for i in range(1, 30)]

    async def test_in_log_pages(self, store: Any) -> None:
        await self.three(store)
        moves = [Advance(A, f"u{i}", i, i) for i in range(5)]
        await store.commit(Commit(changes=tuple(moves)))
        assert [u for u, _ in await store.in_log(A, 2, "", 9)] == [ANNA, "u2", "u3", "u4"]
        assert [u for u, _ in await store.in_log(A, 2, "u2", 1)] == ["u3"]
        assert await store.in_log(B, 0, "", 9) == []

    async def test_after_a_restart(self, subject: Subject) -> None:
        await self.three(subject.store)
        await subject.store.commit(Commit(changes=(Advance(A, BORIS, 3, 4),)))
        store = await subject.reopen()
        await store.commit(Commit(changes=(Advance(A, BORIS, 1, 1),)))
        assert (await store.of_user(BORIS, [A]))[A] == Cursor(3, 2, 4)


class TestSeqField:
    async def test_a_row_takes_the_seq_of_the_first_append(self, store: Any) -> None:
        await store.commit(Commit((said(),)))
        answers = await settle(
            *[
                store.commit(Commit((said(), said()), (Put(Thing(shelf="s", number=0), "number"),)))
                for _ in range(3)
            ]
        )
        expected = [entries[0].seq for entries in answers]
        assert expected == [2, 4, 6]
        assert await store.keys(Thing, "s") == [("s", seq) for seq in expected]


class TestRewrite:
    async def test_only_the_body_changes(self, store: Any) -> None:
        (old, other) = await store.commit(Commit((said("old", client_id="c"), said("other"))))
        await store.commit(Commit(changes=(Rewrite(A, 1, b'"new"'),)))
        new = await store.find(A, ANNA, "c")
        assert text(new) == "new"
        assert (new.seq, new.ordinal, new.kind, new.sent_at_ms) == (1, 0, "message", old.sent_at_ms)
        assert await store.read(A, 1, 9, 9) == [new, other]
        assert [entry for _, entry in await store.follow(0, 9)] == [new, other]

    async def test_of_its_own_commit_and_of_nothing(self, store: Any) -> None:
        await store.commit(
            Commit(
                (said("old"),), (Rewrite(A, 1, b'"new"'), Rewrite(A, 2, b"1"), Rewrite(B, 1, b"1"))
            )
        )
        assert [text(e) for e in await store.read(A, 1, 9, 9)] == ["new"]
        assert (await store.states([B]))[B] == LogState()


class TestRead:
    async def test_ranges_limits_and_order(self, store: Any) -> None:
        await store.commit(Commit(tuple(said(str(i)) for i in range(1, 11))))
        assert seqs(await store.read(A, 3, 6, 99)) == [3, 4, 5, 6]
        assert seqs(await store.read(A, 3, 6, 2)) == [3, 4]
        assert seqs(await store.read(A, 3, 6, 2, "newest")) == [6, 5]
        assert seqs(await store.read(A, -5, 2, 99)) == [1, 2]
        assert seqs(await store.read(A, 0, 0, 99)) == []
        assert seqs(await store.read(A, 9, 2**62, 99)) == [9, 10]
        assert seqs(await store.read(A, 6, 3, 99)) == []
        assert seqs(await store.read(A, 1, 9, 0)) == []
        assert await store.read(B, 1, 9, 9) == []

    async def test_kinds(self, store: Any) -> None:
        kinds = ("m", "e", "r", "m", "e")
        await store.commit(Commit(tuple(said(kind=kind) for kind in kinds)))
        assert seqs(await store.read(A, 1, 9, 9, kinds=("m", "r"))) == [1, 3, 4]
        assert seqs(await store.read(A, 1, 9, 1, "newest", ("m", "r"))) == [4]
        assert seqs(await store.read(A, 2, 3, 9, kinds=("m",))) == []

    async def test_tails(self, store: Any) -> None:
        await store.commit(Commit(tuple(said(kind=kind) for kind in ("m", "m", "e", "m", "e"))))
        await store.commit(Commit((said(log_id=B, kind="e"),)))
        spans = [SeqRange(A, 1, 4), SeqRange(B, 1, 2**62), SeqRange("c", 1, 9)]

        async def tails(limit: int, *kinds: str) -> dict[str, list[int]]:
            found = await store.tails(spans, limit, kinds)
            return {log_id: seqs(entries) for log_id, entries in found.items()}

        assert await tails(2) == {A: [3, 4], B: [1]}
        assert await tails(1, "e") == {A: [3], B: [1]}
        assert await tails(2, "m", "x") == {A: [2, 4]}
        assert await tails(0) == {}
        assert await store.tails([], 1) == {}

    async def test_of_nothing(self, store: Any) -> None:
        assert await store.states([]) == {}
        assert await store.of_user(ANNA, []) == {}

    async def test_a_read_sees_what_was_committed_before(self, store: Any) -> None:
        for i in range(1, 40):
            await store.commit(Commit((said(),)))
            assert (await store.states([A]))[A].seq == i
            assert len(await store.read(A, 1, 99, 99)) == i


class TestFeed:
    async def test_the_order_of_the_commits(self, subject: Subject) -> None:
        store = subject.store
        await settle(
            *[store.commit(Commit((said(str(i), log_id=f"g{i % 3}"),))) for i in range(20)]
        )
        found = await store.follow(0, 99)
        assert [text(entry) for _, entry in found] == [str(i) for i in range(20)]
        positions = [position for position, _ in found]
        assert positions == sorted(set(positions))
        assert positions[0] > 0
        store = await subject.reopen()
        await store.commit(Commit((said("last"),)))
        again = await store.follow(0, 99)
        assert again[:20] == found
        assert text(again[20][1]) == "last"
        assert again[20][0] > positions[-1]

    async def test_pages(self, store: Any) -> None:
        await store.commit(Commit(tuple(said(str(i)) for i in range(10))))
        seen: list[str] = []
        after = 0
        while page := await store.follow(after, 3):
            seen.extend(text(entry) for _, entry in page)
            after = page[-1][0]
        assert seen == [str(i) for i in range(10)]

    async def test_its_end_is_the_position_of_the_newest_entry(self, subject: Subject) -> None:
        store = subject.store
        assert await store.end() == 0
        for count in (1, 1, 5, 30):
            await store.commit(Commit(tuple(said(log_id=f"g{i % 3}") for i in range(count))))
            end = await store.end()
            assert end == (await store.follow(0, 99))[-1][0]
            assert await store.follow(end, 1) == []
        await store.commit(Commit(changes=(Bump(A),)))
        assert await store.end() == end
        assert await (await subject.reopen()).end() == end

    async def test_a_place_is_saved_with_what_was_done(self, subject: Subject) -> None:
        store = subject.store
        assert await store.offset("r") == b""
        await store.commit(
            Commit((said(),), (SaveOffset("r", b"gtid:3"), SaveOffset("q", b"\0\xff")))
        )
        with pytest.raises(VersionConflict):
            await store.commit(
                Commit(changes=(SaveOffset("r", b"9"),), preconditions=(Precondition(A, 5),))
            )
        store = await subject.reopen()
        assert (await store.offset("r"), await store.offset("q")) == (b"gtid:3", b"\0\xff")


class TestEvents:
    async def test_told_once_in_commit_order_before_the_answer(self, subject: Subject) -> None:
        store = subject.store

        async def commit(number: int) -> None:
            origin = ConnectionId(f"k{number}")
            (entry,) = await store.commit(Commit((said(str(number)),), origin=origin))
            assert [(e, told.origin) for told in subject.told for e in told.entries].count(
                (entry, origin)
            ) == 1

        await asyncio.gather(*[commit(number) for number in range(200)])
        assert [text(e) for told in subject.told for e in told.entries] == list(
            map(str, range(200))
        )

    async def test_a_commit_is_told_whole_and_only_if_it_appended(self, subject: Subject) -> None:
        entries = await subject.store.commit(Commit((said(), said(log_id=B))))
        await subject.store.commit(Commit(changes=(Bump(A), Put(Thing(shelf="s", number=1)))))
        assert [told.entries for told in subject.told] == [entries]

    async def test_an_asker_that_went_away_changes_nothing(self, subject: Subject) -> None:
        store = subject.store
        asked = asyncio.create_task(store.commit(Commit((said("1", client_id="c"),))))
        await asyncio.sleep(0)
        asked.cancel()
        await store.commit(Commit((said("2"),)))
        stands = [text(e) for e in await store.read(A, 1, 9, 9)]
        assert stands == ["1", "2"]
        assert [text(e) for told in subject.told for e in told.entries] == stands

    async def test_close_finishes_what_is_queued(self, subject: Subject) -> None:
        store = subject.store
        tasks = [asyncio.create_task(store.commit(Commit((said(str(i)),)))) for i in range(500)]
        await asyncio.sleep(0)
        await store.close()
        answers = await asyncio.gather(*tasks)
        assert seqs(entry for (entry,) in answers) == list(range(1, 501))
        if subject.kind != "memory":
            store = await subject.open()
            assert (await store.states([A]))[A].seq == 500

    async def test_after_close_it_says_so(self, subject: Subject) -> None:
        await subject.store.close()
        with pytest.raises(Unavailable):
            await subject.store.commit(Commit((said(),)))
        await subject.store.close()


async def test_a_reader_may_follow_some_kinds_up_to_a_place(subject: Subject) -> None:
    for number in range(6):
        await subject.store.commit(
            Commit((said(str(number), kind="odd" if number % 2 else "even"),))
        )
    everything = await subject.store.follow(0, 99)
    places = [position for position, _ in everything]
    odd = await subject.store.follow(0, 99, kinds=("odd",))
    assert [position for position, _ in odd] == places[1::2]
    assert await subject.store.follow(0, 99, until=places[3]) == everything[:4]
    assert await subject.store.follow(places[0], 1, places[3], ("odd",)) == [everything[1]]


async def test_entries_are_tallied_by_kind_sender_and_day(subject: Subject) -> None:
    day_ms = 86_400_000
    for number in range(5):
        append = Append(A, "k", UserId(f"u{number % 2}"), b"{}", number // 4 * day_ms + 7)
        await subject.store.commit(Commit((append,)))
    places = [position for position, _ in await subject.store.follow(0, 99)]
    end, tallies = await subject.store.tally(0, 99)
    assert end == places[-1]
    counts = {(tally.kind, tally.sender, tally.day): tally.count for tally in tallies}
    assert counts == {("k", "u0", 0): 2, ("k", "u1", 0): 2, ("k", "u0", 1): 1}
    end, tallies = await subject.store.tally(places[0], 2)
    assert (end, sum(tally.count for tally in tallies)) == (places[2], 2)
    assert await subject.store.tally(places[-1], 9) == (places[-1], [])
