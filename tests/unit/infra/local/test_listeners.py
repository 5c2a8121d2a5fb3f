"""Who hears of a commit."""

import pytest
from msgspec import Raw

from hongyan.domain.log.model import Committed, Entry
from hongyan.infra.local.listeners import Listeners


@pytest.fixture
def listeners():
    return Listeners()


def committed(*kinds):
    entries = [
        Entry("g1", seq, 0, kind, "ann", "", 1, Raw(b"{}")) for seq, kind in enumerate(kinds)
    ]
    return Committed(tuple(entries), "")


def test_a_listener_hears_of_its_kinds_only(listeners):
    heard = []
    listeners.add(heard.append, "message", "user.changed")
    news = committed("message")
    listeners.committed(news)
    listeners.committed(committed("poll.voted"))
    listeners.committed(committed("poll.voted", "message.edited"))
    assert heard == [news]


def test_without_kinds_it_hears_of_everything_whenever_it_was_added(listeners):
    early, late, some = [], [], []
    listeners.add(early.append)
    listeners.add(some.append, "message")
    listeners.add(late.append)
    for kind in ("message", "poll.voted"):
        listeners.committed(committed(kind))
    assert (len(early), len(late), len(some)) == (2, 2, 1)


def test_each_hears_once_of_a_commit_of_several_entries(listeners):
    all_, some = [], []
    listeners.add(all_.append)
    listeners.add(some.append, "member.changed", "message")
    news = committed("message", "member.changed", "message", "other")
    listeners.committed(news)
    assert (all_, some) == ([news], [news])


def test_one_that_fails_keeps_nothing_from_the_others(listeners, caplog):
    heard = []

    def fail(_):
        raise OSError("broken")

    listeners.add(fail, "message")
    listeners.add(heard.append, "message")
    listeners.committed(committed("message"))
    assert len(heard) == 1
    assert "a listener failed" in caplog.text
