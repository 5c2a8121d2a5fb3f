"""The checker catches what it is there for: planted losses, duplicates and disorder."""

from dataclasses import replace
from typing import Any

import pytest

from .checker import Ack, Item, Seen, Unread, Verdict, check


def author(number: int) -> tuple[str, str]:
    return ("anna" if number % 2 else "boris", f"c{number}")


def clean(count: int = 6) -> Seen:
    """Return a world in which nothing is wrong: a server's entry, then messages."""
    log = [Item(1, 0, ("system", ""), False)]
    log += [Item(n + 1, n, author(n), True) for n in range(1, count)]
    view = {item.seq: item.author for item in log}
    acks: dict[str, list[Ack]] = {"anna/0": [], "boris/0": []}
    for item in log[1:]:
        acks[f"{item.author[0]}/0"].append(Ack("g", item.author, item.seq))
    return Seen(
        logs={"g": log},
        acks=acks,
        views={"anna/0": {"g": dict(view)}, "boris/0": {"g": dict(view)}},
        unread=[Unread("anna", "g", 4, count - 4, 4), Unread("boris", "g", count, 0, 0)],
    )


def log_of(seen: Seen) -> list[Any]:
    return list(seen.logs["g"])


def test_nothing_wrong_is_clean() -> None:
    assert check(clean()) == Verdict()


def test_an_acknowledged_message_that_is_not_in_the_log_is_lost() -> None:
    seen = clean()
    seen.logs = {"g": log_of(seen)[:-1]}
    verdict = check(seen)
    assert any("c5" in sentence for sentence in verdict.lost)
    assert any("was shown what g lacks" in sentence for sentence in verdict.lost)


def test_a_whole_log_that_is_gone_is_lost() -> None:
    seen = clean()
    seen.logs, seen.unread = {}, []
    assert len(check(seen).lost) >= 5


def test_a_device_that_lacks_an_entry_has_lost_it() -> None:
    seen = clean()
    del seen.views["boris/0"]["g"][3]  # type: ignore[attr-defined]
    assert check(seen).lost == ["boris/0 lacks 1 of g: [3]"]


def test_the_same_message_at_two_seqs_is_a_duplicate() -> None:
    seen = clean()
    again = Item(7, 6, author(3), True)
    seen.logs = {"g": [*log_of(seen), again]}
    for view in seen.views.values():
        view["g"][7] = again.author  # type: ignore[index]
    seen.unread = []
    verdict = check(seen)
    assert len(verdict.duplicated) == 3
    assert not verdict.lost
    assert not verdict.disordered


@pytest.mark.parametrize("places", [(2, 3), (4, 5)])
def test_two_entries_that_changed_places_are_disorder(places: tuple[int, int]) -> None:
    seen = clean()
    log = log_of(seen)
    one, other = (next(i for i in log if i.seq == place) for place in places)
    log[places[0] - 1] = replace(one, author=other.author)
    log[places[1] - 1] = replace(other, author=one.author)
    seen.logs = {"g": log}
    verdict = check(seen)
    assert verdict.disordered
    assert not verdict.lost


def test_a_gap_in_the_seqs_is_disorder() -> None:
    seen = clean()
    log = log_of(seen)
    seen.logs = {"g": [*log[:-1], replace(log[-1], seq=9)]}
    assert any("seq 9 stands at place 6" in sentence for sentence in check(seen).disordered)


def test_a_wrong_ordinal_is_disorder() -> None:
    seen = clean()
    log = log_of(seen)
    seen.logs = {"g": [*log[:-1], replace(log[-1], ordinal=9)]}
    assert check(seen).disordered == ["g: ordinal 9 at seq 6"]


def test_a_device_with_another_order_is_disorder() -> None:
    seen = clean()
    view: Any = seen.views["anna/0"]["g"]
    view[2], view[3] = view[3], view[2]
    assert check(seen).disordered == ["anna/0 has other entries in g: [2, 3]"]


def test_messages_of_one_device_in_another_order_than_sent_are_disorder() -> None:
    seen = clean()
    acks: Any = seen.acks["anna/0"]
    acks.reverse()
    assert any("before what it sent earlier" in sentence for sentence in check(seen).disordered)


def test_what_a_device_noticed_itself_counts() -> None:
    seen = clean()
    seen.conflicts = ["two entries at one seq"]
    assert check(seen).disordered == ["two entries at one seq"]


def test_a_wrong_unread_count_and_a_cursor_that_went_back_are_seen() -> None:
    seen = clean()
    seen.unread = [Unread("anna", "g", 4, 3, 4), Unread("boris", "g", 4, 2, 5)]
    assert check(seen).unread == [
        "anna in g: 3 unread instead of 2",
        "boris in g: read up to 4, acknowledged 5",
    ]
