"""What a node remembers of a moment ago."""

import pytest

from hongyan.delivery import recent_deliveries as module
from hongyan.delivery.recent_deliveries import ConnectedDevice, RecentDeliveries


class Time:
    now = 100.0

    def time(self):
        return self.now


class Peer:
    def __init__(self, user_id, device_id):
        self.user_id, self.device_id = user_id, device_id


@pytest.fixture
def clock(monkeypatch):
    made = Time()
    monkeypatch.setattr(module, "time", made)
    return made


def test_who_was_connected_when_it_was_told(clock):
    recent = RecentDeliveries()
    early, late, gone, other = (Peer(u, d) for u, d in ("a1", "a2", "b1", "c1"))
    for peer in (early, gone, other):
        recent.connected(peer)
    clock.now = 101.0
    recent.note("g", 7)
    clock.now = 102.0
    recent.disconnected(gone)
    recent.connected(late)
    at_s = recent.pushed_at("g", 7)
    assert at_s == 101.0
    assert set(recent.connected_at(at_s, {"a", "b"})) == {
        ConnectedDevice("a", "1", True),
        ConnectedDevice("b", "1", False),
    }


def test_what_was_never_told_or_is_forgotten(clock, monkeypatch):
    monkeypatch.setattr(module, "EVENTS_KEPT", 3)
    recent = RecentDeliveries()
    for seq in range(1, 6):
        recent.note("g", seq)
    assert [bool(recent.pushed_at("g", seq)) for seq in range(1, 7)] == [False] * 2 + [True] * 3 + [
        False
    ]
    assert recent.pushed_at("other", 5) == 0.0


def test_a_peer_that_went_twice_is_no_trouble(clock):
    recent, peer = RecentDeliveries(), Peer("a", "1")
    recent.connected(peer)
    recent.disconnected(peer)
    recent.disconnected(peer)
    assert list(recent.connected_at(100.0, {"a"})) == [ConnectedDevice("a", "1", False)]
