"""The port Deliveries in a cluster: a backend asks all gateways, and waits for them a moment."""

import asyncio
from collections.abc import Callable, Sequence

import msgspec
from msgspec import Struct

from hongyan.domain.admin.commands_tracing import NodeTrace
from hongyan.kernel.ids import LogId, UserId

from .connection import NatsConnection
from .nodes import Nodes
from .subjects import Subjects

WAIT_S = 1.0
"""For gateways that do not answer; what they know is left out."""
ASKED_MAX = 100
"""Questions under way; one more is answered with nothing."""

Known = Callable[[LogId, int, Sequence[UserId]], NodeTrace]


class DeliveryQuestion(Struct, frozen=True, array_like=True):
    """Asks what is known of an entry."""

    asker: str
    number: int
    log_id: LogId
    seq: int
    user_ids: tuple[UserId, ...]


class Reply(Struct, frozen=True, array_like=True):
    """One gateway's reply."""

    number: int
    trace: NodeTrace


_encode = msgspec.msgpack.Encoder().encode
_decode_question = msgspec.msgpack.Decoder(DeliveryQuestion).decode
_decode_reply = msgspec.msgpack.Decoder(Reply).decode


class _Asked:
    def __init__(self, wanted: int) -> None:
        self.wanted = wanted
        self.found: list[NodeTrace] = []
        self.is_done = asyncio.Event()


class NatsDeliveries:
    """Asks the gateways.

    Args:
        connection: The broker.
        subjects: Names subjects.
        nodes: How many gateways there are.
    """

    def __init__(self, connection: NatsConnection, subjects: Subjects, nodes: Nodes) -> None:
        self._connection = connection
        self._subjects = subjects
        self._nodes = nodes
        self._last = 0
        self._asked: dict[int, _Asked] = {}

    async def start(self) -> None:
        """Listen for answers."""
        mine = self._subjects.known(self._connection.me)
        await self._connection.subscribe(mine, self._replied)

    async def of(self, log_id: LogId, seq: int, user_ids: Sequence[UserId]) -> list[NodeTrace]:
        """See ``Deliveries.of``."""
        wanted = len(list(self._nodes.of_role("gateway")))
        if not wanted or len(self._asked) >= ASKED_MAX:
            return []
        self._last += 1
        number, asked = self._last, _Asked(wanted)
        self._asked[number] = asked
        question = DeliveryQuestion(self._connection.me, number, log_id, seq, tuple(user_ids))
        try:
            self._connection.publish(self._subjects.traces, _encode(question))
            async with asyncio.timeout(WAIT_S):
                await asked.is_done.wait()
        except TimeoutError:
            pass
        finally:
            del self._asked[number]
        return sorted(asked.found, key=lambda trace: trace.node)

    def _replied(self, _subject: str, data: bytes) -> None:
        reply = _decode_reply(data)
        asked = self._asked.get(reply.number)
        if asked is not None:
            asked.found.append(reply.trace)
            if len(asked.found) >= asked.wanted:
                asked.is_done.set()


class DeliveriesResponder:
    """Answers for one gateway.

    Args:
        connection: The broker.
        subjects: Names subjects.
        known: Says what the gateway knows.
    """

    def __init__(self, connection: NatsConnection, subjects: Subjects, known: Known) -> None:
        self._connection = connection
        self._subjects = subjects
        self._known = known

    async def start(self) -> None:
        """Take questions."""
        await self._connection.subscribe(self._subjects.traces, self._asked)

    def _asked(self, _subject: str, data: bytes) -> None:
        asked = _decode_question(data)
        reply = Reply(asked.number, self._known(asked.log_id, asked.seq, asked.user_ids))
        self._connection.publish(self._subjects.known(asked.asker), _encode(reply))
