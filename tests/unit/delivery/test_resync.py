"""When sessions are asked to sync."""

from hongyan.delivery.resync import Resync
from hongyan.delivery.resyncs import Resyncs
from hongyan.domain.conversation.commands_presence import AskToSync
from hongyan.kernel.bus import ANONYMOUS


class Peer:
    def __init__(self):
        self.asked = 0

    def ask_to_sync(self):
        self.asked += 1


class Harness:
    """A hub with peers, and a clock that is moved by hand."""

    def __init__(self, count, per_s):
        self.all = [Peer() for _ in range(count)]
        self.due = []
        resyncs = Resyncs(lambda _, call: self.due.append(call), per_s)
        self.request_resync = Resync(self, resyncs)

    def peers(self):
        return list(self.all)

    def step(self):
        due, self.due = self.due, []
        for call in due:
            call()

    def asked(self):
        return sum(peer.asked for peer in self.all)


def test_a_few_sessions_are_asked_at_once():
    harness = Harness(5, per_s=400)
    harness.request_resync.request()
    assert [peer.asked for peer in harness.all] == [1] * 5
    assert not harness.due


def test_many_are_asked_some_after_the_other():
    harness = Harness(100, per_s=400)
    harness.request_resync.request()
    assert harness.asked() == 20
    for step in range(2, 6):
        harness.step()
        assert harness.asked() == 20 * step
    harness.step()
    assert [peer.asked for peer in harness.all] == [1] * 100
    assert not harness.due


def test_a_new_possible_loss_asks_all_again_without_going_faster():
    harness = Harness(100, per_s=400)
    harness.request_resync.request()
    harness.step()
    harness.request_resync.request()
    assert harness.asked() == 40
    for _ in range(5):
        harness.step()
    assert min(peer.asked for peer in harness.all) == 1
    assert harness.asked() == 140
    assert harness.request_resync.arisen == 2


async def test_an_operator_may_ask_too():
    harness = Harness(3, per_s=400)
    await harness.request_resync.ask_all(ANONYMOUS, AskToSync())
    assert harness.asked() == 3
