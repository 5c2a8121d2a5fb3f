"""Each node is called and answers: every batch to every node, again until it was taken.

Who the nodes are the publishers learn from the nodes' signs of life.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Collection, Mapping, Sequence

import msgspec

from hongyan.kernel.ids import LogId
from hongyan.kernel.tasks import end_tasks

from .batch import (
    GREETING,
    EventBatch,
    NodeHeartbeat,
    RoutedEvent,
    decode_message,
    encode_message,
)
from .ports import Requester, Transport, Unanswered
from .registry import node_subject
from .subscriptions import Subscriptions

log = logging.getLogger(__name__)

NODES = "nodes"
"""The subject of the nodes' signs of life."""
SILENCE_HEARTBEATS = 4
QUEUE_BYTES_MAX = 64 * 1024 * 1024
TIMEOUT_S = 2.0
RETRY_S = 0.1
CLOSE_S = 1.0


class _NodeQueue:
    """The queue of one node."""

    def __init__(self, received_s: float) -> None:
        self.received_s = received_s
        self.waiting: deque[bytes] = deque()
        self.waiting_bytes = 0
        self.wake, self.idle = asyncio.Event(), asyncio.Event()
        self.task: asyncio.Task[None] | None = None


class NodeQueues:
    """Calls each node with one batch after the other; also the ``Addressing`` of the strategy.

    Args:
        transport: Receives the nodes' signs of life.
        asker: Calls a node.
        now_s: A clock that never goes back.
        heartbeat_s: How often nodes give signs of life.
        publisher: The name of the publisher that this sends for.

    Attributes:
        dropped: How many batches did not fit into a queue; their numbers show it to the node.
    """

    def __init__(
        self,
        transport: Transport,
        asker: Requester,
        now_s: Callable[[], float],
        heartbeat_s: float,
        publisher: str,
    ) -> None:
        self.dropped = 0
        self._publisher = publisher
        self._transport = transport
        self._asker = asker
        self._now_s = now_s
        self._heartbeat_s = heartbeat_s
        self._queues: dict[str, _NodeQueue] = {}

    async def start(self) -> None:
        """See ``Addressing.start``; takes until every node has given a sign of life."""
        await self._transport.listen((NODES,))
        await asyncio.sleep(self._heartbeat_s * 1.5)

    async def address(self, batch: Sequence[RoutedEvent]) -> Mapping[str, Sequence[RoutedEvent]]:
        """See ``Addressing.address``."""
        earliest_s = self._now_s() - self._heartbeat_s * SILENCE_HEARTBEATS
        for node, queue in list(self._queues.items()):
            if queue.received_s < earliest_s:
                self._close(node)
        return dict.fromkeys(self._queues, batch)

    async def close(self) -> None:
        """See ``Addressing.close``; what waits is sent, for a moment."""
        try:
            async with asyncio.timeout(CLOSE_S):
                for queue in list(self._queues.values()):
                    await queue.idle.wait()
        except TimeoutError:
            log.warning("some nodes did not get the last events")
        tasks = [queue.task for queue in self._queues.values() if queue.task is not None]
        self._queues.clear()
        await end_tasks(tasks)

    def received(self, _subject: str, payload: bytes) -> None:
        """Take a node's sign of life."""
        try:
            message = decode_message(payload)
        except msgspec.MsgspecError:
            return
        if not isinstance(message, NodeHeartbeat):
            return
        subject = node_subject(message.node)
        queue = self._queues.get(subject)
        if message.is_last:
            self._close(subject)
        elif queue is not None:
            queue.received_s = self._now_s()
        else:
            queue = self._queues[subject] = _NodeQueue(self._now_s())
            self._queue(queue, encode_message(EventBatch(self._publisher, GREETING, ())))
            queue.task = asyncio.get_running_loop().create_task(self._work(subject, queue))

    async def send(self, subject: str, payload: bytes) -> bool:
        """Queue a batch for a node; a node that is gone misses it. See ``Transport.send``."""
        queue = self._queues.get(subject)
        if queue is None:
            return True
        if queue.waiting_bytes + len(payload) > QUEUE_BYTES_MAX:
            self.dropped += 1
            return False
        self._queue(queue, payload)
        return True

    def _queue(self, queue: _NodeQueue, payload: bytes) -> None:
        queue.waiting.append(payload)
        queue.waiting_bytes += len(payload)
        queue.idle.clear()
        queue.wake.set()

    async def _work(self, subject: str, queue: _NodeQueue) -> None:
        while True:
            await queue.wake.wait()
            queue.wake.clear()
            while queue.waiting:
                try:
                    await self._asker.ask(subject, queue.waiting[0], TIMEOUT_S)
                except Unanswered:
                    await asyncio.sleep(RETRY_S)
                    continue
                queue.waiting_bytes -= len(queue.waiting.popleft())
            queue.idle.set()

    def _close(self, subject: str) -> None:
        queue = self._queues.pop(subject, None)
        if queue is not None and queue.task is not None:
            queue.task.cancel()


class CallsFollower:
    """Gives signs of life, and listens to its own subject.

    Args:
        transport: Where to give them.
        listening: What is listened to.
        node: This node's name, new each time it starts.
        heartbeat_s: How often.
    """

    def __init__(
        self, transport: Transport, listening: Subscriptions, node: str, heartbeat_s: float
    ) -> None:
        self._transport = transport
        self._listening = listening
        self._node = node
        self._heartbeat_s = heartbeat_s
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """See ``Follower.start``."""
        await self._listening.acquire((node_subject(self._node),))
        self._task = asyncio.get_running_loop().create_task(self._heartbeat_on())

    async def follow(self, log_ids: Collection[LogId]) -> None:
        """See ``Follower.follow``."""

    def unfollow(self, log_ids: Collection[LogId]) -> None:
        """See ``Follower.unfollow``."""

    async def close(self) -> None:
        """See ``Follower.close``."""
        if self._task is not None:
            await end_tasks([self._task])
        await self._heartbeat(is_last=True)

    async def _heartbeat_on(self) -> None:
        while True:
            await self._heartbeat()
            await asyncio.sleep(self._heartbeat_s)

    async def _heartbeat(self, is_last: bool = False) -> None:
        await self._transport.send(NODES, encode_message(NodeHeartbeat(self._node, is_last)))
