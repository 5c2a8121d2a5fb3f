"""Calls to each node: again until a batch was taken, and none to a node that has said goodbye."""

from collections.abc import AsyncIterator

import pytest
from tests.memory.transport import LocalNetwork, LocalTransport
from tests.unit.waiting import turns, until

from hongyan.delivery.routes import rpc
from hongyan.delivery.routes.batch import EventBatch, decode_message
from hongyan.delivery.routes.ports import Unanswered
from hongyan.delivery.routes.registry import node_subject
from hongyan.delivery.routes.rpc import CallsFollower, NodeQueues
from hongyan.delivery.routes.subscriptions import Subscriptions

NODE = "node-a"
SUBJECT = node_subject(NODE)


class Frail(LocalTransport):
    """Does not answer as often as it is told to."""

    unanswered = 0

    async def ask(self, subject: str, payload: bytes, timeout_s: float) -> None:
        if self.unanswered:
            self.unanswered -= 1
            raise Unanswered(subject)
        await super().ask(subject, payload, timeout_s)


@pytest.fixture
def network(monkeypatch: pytest.MonkeyPatch) -> LocalNetwork:
    monkeypatch.setattr(rpc, "RETRY_S", 0.0)
    return LocalNetwork()


@pytest.fixture
async def frail(network: LocalNetwork) -> Frail:
    return Frail(network)


@pytest.fixture
async def queues(frail: Frail) -> AsyncIterator[NodeQueues]:
    queues = NodeQueues(frail, frail, lambda: 0.0, 0.0, "publisher")
    await frail.start(queues.received, lambda: None)
    await queues.start()
    yield queues
    await queues.close()


class Node:
    """A gateway, and what arrived there."""

    def __init__(self, network: LocalNetwork) -> None:
        self.arrived: list[int] = []
        self._transport = LocalTransport(network)
        listening = Subscriptions(self._transport, lambda: 0.0)
        self.follower = CallsFollower(self._transport, listening, NODE, 3600.0)

    async def start(self) -> None:
        await self._transport.start(self._received, lambda: None)
        await self.follower.start()
        await turns()

    def _received(self, _subject: str, payload: bytes) -> None:
        message = decode_message(payload)
        assert isinstance(message, EventBatch)
        self.arrived.append(message.number)


def batch(number: int) -> bytes:
    return rpc.encode_message(EventBatch("publisher", number, ()))


@pytest.mark.parametrize("times", [1, 2, 7])
async def test_a_batch_that_nobody_took_is_sent_again(
    network: LocalNetwork, frail: Frail, queues: NodeQueues, times: int
) -> None:
    node = Node(network)
    await node.start()
    await until(lambda: node.arrived)
    frail.unanswered = times
    for number in (1, 2):
        assert await queues.send(SUBJECT, batch(number))
    await until(lambda: len(node.arrived) >= 3)
    assert node.arrived[1:] == [1, 2]
    await node.follower.close()


async def test_a_node_that_ended_is_called_no_more(
    network: LocalNetwork, queues: NodeQueues
) -> None:
    node = Node(network)
    await node.start()
    assert await queues.address([]) == {SUBJECT: []}
    await node.follower.close()
    assert await queues.address([]) == {}
