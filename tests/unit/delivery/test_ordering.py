"""Events of one log that come in any order, twice, or not at all."""

import random

from msgspec import Raw

from hongyan.delivery import ordering
from hongyan.delivery.ordering import Ordering
from hongyan.domain.log.model import Committed, Entry


class Harness:
    """An ordering, what it handed on, and a clock that is moved by hand."""

    def __init__(self):
        self.told = []
        self.due = []
        self.ordering = Ordering(self.deliver, lambda _, call: self.due.append(call))

    def deliver(self, event):
        self.told += [(entry.log_id, entry.seq, event.origin) for entry in event.entries]

    def publish(self, *seqs, log_id="g1", origin=""):
        for seq in seqs:
            entry = Entry(log_id, seq, seq, "message", "anna", "", 0, Raw(b"{}"))
            self.ordering.committed(Committed((entry,), origin))

    def wait(self):
        due, self.due = self.due, []
        for call in due:
            call()

    def seqs(self, log_id="g1"):
        return [seq for log, seq, _ in self.told if log == log_id]


def test_what_is_in_order_goes_on_at_once():
    harness = Harness()
    harness.publish(7, 8, 9)
    assert harness.seqs() == [7, 8, 9]
    assert not harness.due


def test_what_is_ahead_waits_for_what_is_before_it():
    harness = Harness()
    harness.publish(1, 3, 4)
    assert harness.seqs() == [1]
    harness.publish(2)
    assert harness.seqs() == [1, 2, 3, 4]
    harness.wait()
    assert harness.seqs() == [1, 2, 3, 4]


def test_what_waited_keeps_its_origin():
    harness = Harness()
    harness.publish(1)
    harness.publish(3, origin="k3")
    harness.publish(2, origin="k2")
    assert harness.told == [("g1", 1, ""), ("g1", 2, "k2"), ("g1", 3, "k3")]


def test_what_never_comes_is_given_up():
    harness = Harness()
    harness.publish(1, 3, 5)
    harness.wait()
    assert harness.seqs() == [1, 3, 5]
    assert harness.ordering.given_up == 2


def test_what_comes_after_it_was_given_up_is_handed_on_once():
    harness = Harness()
    harness.publish(1, 3)
    harness.wait()
    harness.publish(2, 2)
    assert harness.seqs() == [1, 3, 2]
    assert harness.ordering.repeated == 1


def test_what_began_to_wait_later_waits_as_long():
    harness = Harness()
    harness.publish(1, 3)
    harness.publish(2, 5)
    harness.wait()
    assert harness.seqs() == [1, 2, 3]
    harness.publish(4)
    assert harness.seqs() == [1, 2, 3, 4, 5]
    harness.wait()


def test_repeated_entries_are_left_out():
    harness = Harness()
    harness.publish(1, 2, 1, 2, 3)
    assert harness.seqs() == [1, 2, 3]
    assert harness.ordering.repeated == 2


def test_logs_do_not_wait_for_each_other():
    harness = Harness()
    harness.publish(1, 3)
    harness.publish(8, log_id="g2")
    assert harness.seqs("g2") == [8]


def test_any_order_within_the_wait_comes_out_in_order():
    for seed in range(50):
        harness = Harness()
        harness.publish(1)
        seqs = list(range(2, 60)) * 2
        random.Random(seed).shuffle(seqs)
        harness.publish(*seqs)
        assert harness.seqs() == list(range(1, 60))


def test_no_more_waits_than_is_allowed(monkeypatch):
    monkeypatch.setattr(ordering, "HELD_MAX", 10)
    harness = Harness()
    harness.publish(1, *range(3, 30))
    assert harness.seqs()[:12] == [1, *range(3, 14)]
    assert len(harness.ordering._logs["g1"].held) <= 10


def test_the_logs_used_least_are_forgotten(monkeypatch):
    monkeypatch.setattr(ordering, "LOGS_KEPT", 3)
    harness = Harness()
    for number in range(10):
        harness.publish(5, log_id=f"g{number}")
    assert list(harness.ordering._logs) == ["g7", "g8", "g9"]
