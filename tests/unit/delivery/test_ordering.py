"""Facts of one log that come in any order, twice, or not at all."""

import random

from msgspec import Raw

from hongyan.delivery import ordering
from hongyan.delivery.ordering import Ordering
from hongyan.domain.log.model import Committed, Entry


class World:
    """An ordering, what it handed on, and a clock that is moved by hand."""

    def __init__(self):
        self.told = []
        self.due = []
        self.ordering = Ordering(self.deliver, lambda _, call: self.due.append(call))

    def deliver(self, event):
        self.told += [(entry.log_id, entry.seq, event.origin) for entry in event.entries]

    def tell(self, *seqs, log_id="g1", origin=""):
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
    world = World()
    world.tell(7, 8, 9)
    assert world.seqs() == [7, 8, 9]
    assert not world.due


def test_what_is_ahead_waits_for_what_is_before_it():
    world = World()
    world.tell(1, 3, 4)
    assert world.seqs() == [1]
    world.tell(2)
    assert world.seqs() == [1, 2, 3, 4]
    world.wait()
    assert world.seqs() == [1, 2, 3, 4]


def test_what_waited_keeps_its_origin():
    world = World()
    world.tell(1)
    world.tell(3, origin="k3")
    world.tell(2, origin="k2")
    assert world.told == [("g1", 1, ""), ("g1", 2, "k2"), ("g1", 3, "k3")]


def test_what_never_comes_is_given_up():
    world = World()
    world.tell(1, 3, 5)
    world.wait()
    assert world.seqs() == [1, 3, 5]
    assert world.ordering.given_up == 2


def test_what_comes_after_it_was_given_up_is_handed_on_once():
    world = World()
    world.tell(1, 3)
    world.wait()
    world.tell(2, 2)
    assert world.seqs() == [1, 3, 2]
    assert world.ordering.repeated == 1


def test_what_began_to_wait_later_waits_as_long():
    world = World()
    world.tell(1, 3)
    world.tell(2, 5)
    world.wait()
    assert world.seqs() == [1, 2, 3]
    world.tell(4)
    assert world.seqs() == [1, 2, 3, 4, 5]
    world.wait()


def test_repeated_entries_are_left_out():
    world = World()
    world.tell(1, 2, 1, 2, 3)
    assert world.seqs() == [1, 2, 3]
    assert world.ordering.repeated == 2


def test_logs_do_not_wait_for_each_other():
    world = World()
    world.tell(1, 3)
    world.tell(8, log_id="g2")
    assert world.seqs("g2") == [8]


def test_any_order_within_the_wait_comes_out_in_order():
    for seed in range(50):
        world = World()
        world.tell(1)
        seqs = list(range(2, 60)) * 2
        random.Random(seed).shuffle(seqs)
        world.tell(*seqs)
        assert world.seqs() == list(range(1, 60))


def test_no_more_waits_than_is_allowed(monkeypatch):
    monkeypatch.setattr(ordering, "HELD_MAX", 10)
    world = World()
    world.tell(1, *range(3, 30))
    assert world.seqs()[:12] == [1, *range(3, 14)]
    assert len(world.ordering._logs["g1"].held) <= 10


def test_the_logs_used_least_are_forgotten(monkeypatch):
    monkeypatch.setattr(ordering, "LOGS_KEPT", 3)
    world = World()
    for number in range(10):
        world.tell(5, log_id=f"g{number}")
    assert list(world.ordering._logs) == ["g7", "g8", "g9"]
