"""Which client ids need no look-up."""

import random

import pytest

from hongyan.infra.sqlite import newest_ids as newest_module
from hongyan.infra.sqlite.newest_ids import NewestIds

PAIR, OTHER = (1, "ann"), (1, "bob")


class Disk:
    """An index that holds what it was last told, and counts the questions."""

    def __init__(self):
        self.ids = {}
        self.asked = 0

    def greatest(self, pair):
        self.asked += 1
        return max(self.ids.get(pair, ()), default=None)


@pytest.fixture
def disk():
    return Disk()


def test_ids_that_grow_are_new_and_the_disk_is_asked_once(disk):
    disk.ids = {PAIR: ["m"], OTHER: ["x"]}
    newest = NewestIds(disk.greatest)
    assert [newest.see(PAIR, client_id) for client_id in ("n", "o", "p", "q")] == [
        False,
        True,
        True,
        True,
    ]
    assert disk.asked == 1


def test_what_is_not_greater_must_be_looked_for(disk):
    disk.ids = {PAIR: ["m"]}
    newest = NewestIds(disk.greatest)
    assert [newest.see(PAIR, client_id) for client_id in ("a", "m", "l", "n", "n", "b")] == [
        False,
        False,
        False,
        True,
        False,
        False,
    ]


def test_what_was_seen_before_the_disk_was_asked_counts_too(disk):
    newest = NewestIds(disk.greatest)
    newest.see(PAIR, "z")  # it waits for its index, which does not hold it yet
    assert not newest.see(PAIR, "k")
    assert not newest.see(PAIR, "y")
    assert newest.see(PAIR, "zz")


def test_too_much_is_forgotten_and_learnt_again(disk, monkeypatch):
    monkeypatch.setattr(newest_module, "PAIRS_KEPT", 1)
    newest = NewestIds(disk.greatest)
    for pair in (PAIR, OTHER):
        newest.see(pair, "m")
    disk.ids = {PAIR: ["m"], OTHER: ["m"]}  # the index is complete
    newest.trim()
    assert [newest.see(PAIR, client_id) for client_id in ("l", "m", "n")] == [False, False, True]


@pytest.mark.parametrize("seed", range(20))
def test_no_repeat_is_ever_taken_for_new(disk, seed):
    chance = random.Random(seed)
    newest, all_, waiting = NewestIds(disk.greatest), set(), []
    for _ in range(400):
        client_id = f"{chance.randrange(200):03}"
        if newest.see(PAIR, client_id):
            assert client_id not in all_
        if client_id not in all_:
            all_.add(client_id)
            waiting.append(client_id)
        if chance.random() < 0.05:
            disk.ids.setdefault(PAIR, []).extend(waiting)
            waiting.clear()
            newest.trim()
