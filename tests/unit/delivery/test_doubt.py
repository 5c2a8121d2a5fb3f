"""When sessions are asked to sync."""

from hongyan.delivery.doubt import Doubt
from hongyan.delivery.resyncs import Resyncs
from hongyan.domain.conversation.presence_api import AskToSync
from hongyan.kernel.bus import ANONYMOUS


class Peer:
    def __init__(self):
        self.asked = 0

    def ask_to_sync(self):
        self.asked += 1


class World:
    """A hub with peers, and a clock that is moved by hand."""

    def __init__(self, count, per_s):
        self.all = [Peer() for _ in range(count)]
        self.due = []
        resyncs = Resyncs(lambda _, call: self.due.append(call), per_s)
        self.doubt = Doubt(self, resyncs)

    def peers(self):
        return list(self.all)

    def step(self):
        due, self.due = self.due, []
        for call in due:
            call()

    def asked(self):
        return sum(peer.asked for peer in self.all)


def test_a_few_sessions_are_asked_at_once():
    world = World(5, per_s=400)
    world.doubt.arise()
    assert [peer.asked for peer in world.all] == [1] * 5
    assert not world.due


def test_many_are_asked_some_after_the_other():
    world = World(100, per_s=400)
    world.doubt.arise()
    assert world.asked() == 20
    for step in range(2, 6):
        world.step()
        assert world.asked() == 20 * step
    world.step()
    assert [peer.asked for peer in world.all] == [1] * 100
    assert not world.due


def test_new_doubt_asks_all_again_without_going_faster():
    world = World(100, per_s=400)
    world.doubt.arise()
    world.step()
    world.doubt.arise()
    assert world.asked() == 40
    for _ in range(5):
        world.step()
    assert min(peer.asked for peer in world.all) == 1
    assert world.asked() == 140
    assert world.doubt.arisen == 2


async def test_an_operator_may_ask_too():
    world = World(3, per_s=400)
    await world.doubt.ask_all(ANONYMOUS, AskToSync())
    assert world.asked() == 3
