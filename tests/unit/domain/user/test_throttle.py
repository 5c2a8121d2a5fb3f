"""Delays that grow and are forgotten."""

import pytest

from hongyan.domain.user.throttle import Throttle
from hongyan.kernel.addresses import network_of
from hongyan.kernel.errors import RateLimited


def wait_of(throttle, key, now_ms):
    try:
        throttle.begin(key, now_ms)
    except RateLimited as refused:
        return refused.details["retry_after_ms"]
    return 0


def test_delays_double_up_to_a_limit():
    throttle = Throttle(free=2, delay_ms=100, delay_max_ms=500)
    now, waits = 1_000_000, []
    for _ in range(7):
        wait = wait_of(throttle, "a", now)
        waits.append(wait)
        now += wait
        if wait:
            assert wait_of(throttle, "a", now) == 0
    assert waits == [0, 0, 100, 200, 400, 500, 500]


def test_what_comes_too_early_does_not_count():
    throttle = Throttle(free=1, delay_ms=100)
    throttle.begin("a", 1_000)
    assert [wait_of(throttle, "a", 1_000 + at) for at in (10, 20, 30)] == [90, 80, 70]


def test_silence_is_forgotten_and_success_forgives():
    throttle = Throttle(free=1, delay_ms=100, forget_ms=1_000)
    throttle.begin("a", 10_000)
    assert wait_of(throttle, "a", 10_000)
    assert not wait_of(throttle, "a", 11_001)
    throttle.forget("a")
    assert not wait_of(throttle, "a", 11_001)
    throttle.undo("a")
    assert not wait_of(throttle, "a", 11_001)


def test_memory_is_bounded():
    throttle = Throttle(free=1, limit=3)
    for key in "abcd":
        throttle.begin(key, 10_000)
    assert not wait_of(throttle, "a", 10_000)
    assert wait_of(throttle, "d", 10_000)


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"),
        ("", ""),
        ("control", "control"),
    ],
)
def test_networks(address, network):
    assert network_of(address) == network
