"""Each node is called and answers: every parcel to every node, again until it was taken.

Who the nodes are the tellers learn from the nodes' signs of life.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Collection, Mapping, Sequence

import msgspec

from hongyan.kernel.ids import LogId

from .listening import Listening
from .parcel import GREETING, Parcel, Presence, Told, decode_letter, encode_letter
from .ports import Asker, Carrier, Unanswered
from .registry import node_subject

log = logging.getLogger(__name__)

NODES = "nodes"
"""The subject of the nodes' signs of life."""
SILENCE_BEATS = 4
LANE_BYTES_MAX = 64 * 1024 * 1024
TIMEOUT_S = 2.0
RETRY_S = 0.1
CLOSE_S = 1.0


class _Lane:
    """What waits for one node."""

    def __init__(self, heard_s: float) -> None:
        self.heard_s = heard_s
        self.waiting: deque[bytes] = deque()
        self.waiting_bytes = 0
        self.wake, self.idle = asyncio.Event(), asyncio.Event()
        self.task: asyncio.Task[None] | None = None


class Lanes:
    """Calls each node with one parcel after the other; also the ``Addressing`` of the strategy.

    Args:
        carrier: Where the nodes' signs of life are heard.
        asker: Calls a node.
        now_s: A clock that never goes back.
        beat_s: How often nodes give signs of life.

    Attributes:
        dropped: How many parcels did not fit into a lane; the numbers tell the node.
    """

    def __init__(
        self, carrier: Carrier, asker: Asker, now_s: Callable[[], float], beat_s: float
    ) -> None:
        self.dropped = 0
        self.teller = ""
        self._carrier = carrier
        self._asker = asker
        self._now_s = now_s
        self._beat_s = beat_s
        self._lanes: dict[str, _Lane] = {}

    async def start(self) -> None:
        """See ``Addressing.start``; takes until every node has given a sign of life."""
        await self._carrier.listen((NODES,))
        await asyncio.sleep(self._beat_s * 1.5)

    async def address(self, batch: Sequence[Told]) -> Mapping[str, Sequence[Told]]:
        """See ``Addressing.address``."""
        earliest_s = self._now_s() - self._beat_s * SILENCE_BEATS
        for node, lane in list(self._lanes.items()):
            if lane.heard_s < earliest_s:
                self._close(node)
        return dict.fromkeys(self._lanes, batch)

    async def close(self) -> None:
        """See ``Addressing.close``; what waits is sent, for a moment."""
        try:
            async with asyncio.timeout(CLOSE_S):
                for lane in list(self._lanes.values()):
                    await lane.idle.wait()
        except TimeoutError:
            log.warning("some nodes were not told the last facts")
        for node in list(self._lanes):
            self._close(node)

    def heard(self, _subject: str, payload: bytes) -> None:
        """Take a node's sign of life."""
        try:
            letter = decode_letter(payload)
        except msgspec.MsgspecError:
            return
        if not isinstance(letter, Presence):
            return
        subject = node_subject(letter.node)
        lane = self._lanes.get(subject)
        if letter.is_last:
            self._close(subject)
        elif lane is not None:
            lane.heard_s = self._now_s()
        else:
            lane = self._lanes[subject] = _Lane(self._now_s())
            self._queue(lane, encode_letter(Parcel(self.teller, GREETING, ())))
            lane.task = asyncio.get_running_loop().create_task(self._work(subject, lane))

    async def post(self, subject: str, payload: bytes) -> bool:
        """Queue a parcel for a node; a node that is gone misses it. See ``Carrier.send``."""
        lane = self._lanes.get(subject)
        if lane is None:
            return True
        if lane.waiting_bytes + len(payload) > LANE_BYTES_MAX:
            self.dropped += 1
            return False
        self._queue(lane, payload)
        return True

    def _queue(self, lane: _Lane, payload: bytes) -> None:
        lane.waiting.append(payload)
        lane.waiting_bytes += len(payload)
        lane.idle.clear()
        lane.wake.set()

    async def _work(self, subject: str, lane: _Lane) -> None:
        while True:
            await lane.wake.wait()
            lane.wake.clear()
            while lane.waiting:
                try:
                    await self._asker.ask(subject, lane.waiting[0], TIMEOUT_S)
                except Unanswered:
                    await asyncio.sleep(RETRY_S)
                    continue
                lane.waiting_bytes -= len(lane.waiting.popleft())
            lane.idle.set()

    def _close(self, subject: str) -> None:
        lane = self._lanes.pop(subject, None)
        if lane is not None and lane.task is not None:
            lane.task.cancel()


class CallsFollower:
    """Gives signs of life, and listens to its own subject.

    Args:
        carrier: Where to give them.
        listening: What is listened to.
        node: This node's name, new each time it starts.
        beat_s: How often.
    """

    def __init__(self, carrier: Carrier, listening: Listening, node: str, beat_s: float) -> None:
        self._carrier = carrier
        self._listening = listening
        self._node = node
        self._beat_s = beat_s
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """See ``Follower.start``."""
        await self._listening.hold((node_subject(self._node),))
        self._task = asyncio.get_running_loop().create_task(self._beat_on())

    async def follow(self, log_ids: Collection[LogId]) -> None:
        """See ``Follower.follow``."""

    def unfollow(self, log_ids: Collection[LogId]) -> None:
        """See ``Follower.unfollow``."""

    async def close(self) -> None:
        """See ``Follower.close``."""
        if self._task is not None:
            self._task.cancel()
        await self._beat(is_last=True)

    async def _beat_on(self) -> None:
        while True:
            await self._beat()
            await asyncio.sleep(self._beat_s)

    async def _beat(self, is_last: bool = False) -> None:
        await self._carrier.send(NODES, encode_letter(Presence(self._node, is_last)))
