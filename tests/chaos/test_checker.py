"""The checker catches what it is there for: planted losses, duplicates and disorder."""

from dataclasses import replace
from typing import Any

import pytest

from .checker import Ack, Item, Seen, Unread, Verdict, check
from .checker_files import Download, File
from .checker_webhook import Delivery, Event, Told, check_deliveries


def author(number: int) -> tuple[str, str]:
    return ("anna" if number % 2 else "boris", f"c{number}")


def clean(count: int = 6) -> Seen:
    """Return a world in which nothing is wrong: a server's entry, then messages.

    Anna's file ``f1`` is shown to Boris, who fetched it twice; ``f2`` is hers alone.
    """
    log = [Item(1, 0, ("system", ""), False)]
    log += [Item(n + 1, n, author(n), True) for n in range(1, count)]
    view = {item.seq: item.author for item in log}
    acks: dict[str, list[Ack]] = {"anna/0": [], "boris/0": []}
    for item in log[1:]:
        acks[f"{item.author[0]}/0"].append(Ack("g", item.author, item.seq))
    return Seen(
        logs={"g": log},
        acks=acks,
        queries={"anna/0": {"g": dict(view)}, "boris/0": {"g": dict(view)}},
        unread=[Unread("anna", "g", 4, count - 4, 4), Unread("boris", "g", count, 0, 0)],
        members={"g": {"anna", "boris"}},
        files=[File("f1", "d1", "anna", "g"), File("f2", "d2", "anna")],
        downloads=[
            Download("f1", "boris", "d1"),
            Download("f1", "anna", "d1", at_end=True),
            Download("f1", "boris", "d1", at_end=True),
            Download("f1", "clara", "", at_end=True),
            Download("f2", "anna", "d2", at_end=True),
            Download("f2", "boris", "", at_end=True),
        ],
        deliveries=[
            Delivery("w1", tuple(Event("g", item.seq, item.author) for item in log[1:4])),
            Delivery("w2", tuple(Event("g", item.seq, item.author) for item in log[4:])),
        ],
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
    del seen.queries["boris/0"]["g"][3]  # type: ignore[attr-defined]
    assert check(seen).lost == ["boris/0 lacks 1 of g: [3]"]


def test_the_same_message_at_two_seqs_is_a_duplicate() -> None:
    seen = clean()
    again = Item(7, 6, author(3), True)
    seen.logs = {"g": [*log_of(seen), again]}
    for view in seen.queries.values():
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
    view: Any = seen.queries["anna/0"]["g"]
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


# --- files ---


def fetched(seen: Seen, at: int, **other: Any) -> list[str]:
    """Return what is wrong when one download was another."""
    downloads = list(seen.downloads)
    downloads[at] = replace(downloads[at], **other)
    seen.downloads = downloads
    verdict = check(seen)
    assert verdict == Verdict(files=verdict.files)
    return verdict.files


def test_a_file_that_its_owner_cannot_fetch_is_broken() -> None:
    assert fetched(clean(), 1, sha256="") == [
        "f1 of anna is not there for anna",
        "f1 was not fetched by its owner anna at the end",
    ]


def test_a_file_that_a_member_cannot_fetch_is_broken() -> None:
    assert fetched(clean(), 2, sha256="") == [
        "f1 of anna is not there for boris",
        "f1 of anna was fetched by nobody else at the end",
    ]


@pytest.mark.parametrize("at", [0, 1, 2, 4])
def test_a_file_with_other_bytes_is_broken(at: int) -> None:
    found = fetched(clean(), at, sha256="dx")
    assert "came damaged" in found[0]


@pytest.mark.parametrize(("at", "sentence"), [(3, "f1 of anna was given to clara"), (5, "boris")])
def test_a_file_that_a_stranger_gets_is_broken(at: int, sentence: str) -> None:
    (found,) = fetched(clean(), at, sha256="d1")
    assert sentence in found


def test_what_was_fetched_earlier_does_not_stand_for_the_end() -> None:
    found = fetched(clean(), 2, at_end=False)
    assert found == ["f1 of anna was fetched by nobody else at the end"]


def test_a_shown_file_that_nobody_uploaded_is_broken() -> None:
    assert "f9, which nobody uploaded" in fetched(clean(), 0, media_id="f9")[0]


def test_what_a_transfer_noticed_itself_counts() -> None:
    seen = clean()
    seen.broken = ["an upload went back"]
    assert check(seen).files == ["an upload went back"]


# --- the webhook ---


def delivered(*deliveries: Delivery) -> Verdict:
    """Return the verdict when these deliveries came."""
    seen = clean()
    seen.deliveries = deliveries
    return check(seen)


def event(seq: int) -> Event:
    return Event("g", seq, author(seq - 1))


FIRST = Delivery("w1", (event(2), event(3), event(4)))


def test_a_delivery_that_came_again_with_its_id_is_counted_and_good() -> None:
    last = Delivery("w2", (event(5), event(6)))
    messages = {("g", seq): author(seq - 1) for seq in range(2, 7)}
    told = check_deliveries([FIRST, FIRST, last], messages)
    assert told == Told(events=5, redelivered=1)


def test_a_message_that_the_receiver_lacks_is_missed() -> None:
    verdict = delivered(FIRST, Delivery("w2", (event(5),)))
    assert verdict == Verdict(events_missed=["the receiver misses ('g', 6)"])


def test_a_receiver_that_was_told_nothing_misses_everything() -> None:
    verdict = delivered()
    assert len(verdict.events_missed) == 5


def test_an_acknowledged_message_that_both_the_log_and_the_receiver_lack_is_missed() -> None:
    seen = clean()
    seen.logs = {"g": log_of(seen)[:-1]}
    seen.deliveries = [FIRST, Delivery("w2", (event(5),))]
    assert check(seen).events_missed == ["the receiver misses ('g', 6)"]


def test_the_same_events_under_another_id_are_doubled() -> None:
    verdict = delivered(FIRST, Delivery("w1b", FIRST.events), Delivery("w2", (event(5), event(6))))
    assert len(verdict.events_doubled) == 3
    assert verdict == Verdict(events_doubled=verdict.events_doubled)


def test_an_event_twice_in_one_delivery_is_doubled() -> None:
    verdict = delivered(FIRST, Delivery("w2", (event(5), event(5), event(6))))
    assert len(verdict.events_doubled) == 1


def test_events_that_changed_places_are_disorder() -> None:
    inside = delivered(FIRST, Delivery("w2", (event(6), event(5))))
    assert len(inside.events_disordered) == 1
    between = delivered(Delivery("w2", (event(5), event(6))), FIRST)
    assert len(between.events_disordered) == 3
    assert not between.events_missed


def test_one_id_for_two_deliveries_is_disorder() -> None:
    verdict = delivered(
        FIRST, Delivery("w1", (event(2), event(3))), Delivery("w2", (event(5), event(6)))
    )
    assert verdict.events_disordered == ["w1 came again with other events"]


def test_an_event_that_no_log_has_is_disorder() -> None:
    verdict = delivered(FIRST, Delivery("w2", (event(5), event(6), event(7))))
    assert len(verdict.events_disordered) == 1
