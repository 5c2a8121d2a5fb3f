"""What becomes of peers that fail: asked to sync, then closed, logged once, and counted."""

import logging

import pytest

from hongyan.delivery.failures import AGAIN_S, LOG_AGAIN_S, Failures
from hongyan.delivery.fanout import Failed
from hongyan.delivery.resyncs import Resyncs
from hongyan.domain.log.model import Signal

from .test_hub import FakePeer

TYPING = Signal("g1", "typing", "ann", b"{}")


class Harness:
    def __init__(self):
        self.now_s = 1000.0
        self.failures = Failures(Resyncs(None), lambda: self.now_s)
        self.peer = FakePeer("ann", connection_id="k1")

    def alone(self, error=None):
        self.failures.note(TYPING, Failed({self.peer: error or ValueError("no")}))

    def together(self):
        self.failures.note(TYPING, Failed(together={self.peer: ValueError("no")}))

    @property
    def connected_of_it(self):
        return self.peer.asked, self.peer.closed


@pytest.fixture
def harness():
    return Harness()


def test_who_fails_is_asked_to_sync_and_closed_when_it_fails_again_soon(harness):
    harness.alone()
    assert harness.connected_of_it == (1, 0)
    harness.now_s += AGAIN_S
    harness.alone()
    assert harness.connected_of_it == (1, 1)


def test_who_fails_again_much_later_is_asked_again(harness):
    harness.alone()
    harness.now_s += AGAIN_S + 1
    harness.alone()
    assert harness.connected_of_it == (2, 0)


def test_the_next_connection_of_a_device_begins_anew(harness):
    harness.alone()
    harness.failures.forget(harness.peer)
    harness.alone()
    assert harness.connected_of_it == (2, 0)


def test_nobody_is_closed_for_an_encoder_that_all_share(harness):
    for _ in range(3):
        harness.together()
    assert harness.connected_of_it == (1, 0)
    assert harness.failures.count == 3


def test_the_same_failure_is_logged_once_in_a_while_with_ids(harness, caplog):
    with caplog.at_level(logging.ERROR, "hongyan.delivery"):
        harness.alone()
        harness.alone()
        assert len(caplog.records) == 1
        record = caplog.records[0]
        assert (record.user, record.device, record.connection) == ("ann", "ann1", "k1")
        assert record.exc_info[1].args == ("no",)
        harness.alone(KeyError("other"))
        harness.now_s += LOG_AGAIN_S
        harness.alone()
    assert len(caplog.records) == 3
