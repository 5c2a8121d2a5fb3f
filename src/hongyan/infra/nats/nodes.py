"""Node discovery: every node sends a heartbeat each second, and knows those of the others."""

import asyncio
import logging
import math
from collections.abc import Callable, Iterable
from typing import Literal

import msgspec
from msgspec import Struct

from hongyan.kernel.tasks import end_tasks

from .connection import NatsConnection
from .subjects import Subjects

log = logging.getLogger(__name__)

HEARTBEAT_S = 1.0
LOST_S = 3.5
"""After so long without a sign of life a node is taken for lost."""

State = Literal["starting", "ready", "draining", "gone", "lost"]
"""``gone`` is said by the node itself, when it has sent all that it had to send; ``lost`` is
what others call one that fell silent."""


class Alive(Struct, frozen=True, array_like=True):
    """One sign of life."""

    node: str
    """The process: another one after each start."""
    name: str
    """The operator's name for the node, which stays."""
    role: str
    state: State


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Alive).decode


class Nodes:
    """Announces this node to the others, and knows them.

    Args:
        connection: The broker.
        subjects: Names subjects.
        name: What the operator calls this node.
        role: ``gateway``, ``backend``, ``worker``, or several of them joined by ``+``.
        heartbeat_s: How often to give a sign of life.
        lost_s: After how much silence another node counts as lost.

    Attributes:
        known: The signs of life of those that are there, by process.
    """

    def __init__(
        self,
        connection: NatsConnection,
        subjects: Subjects,
        name: str,
        role: str,
        heartbeat_s: float = HEARTBEAT_S,
        lost_s: float = LOST_S,
    ) -> None:
        self._connection = connection
        self._subjects = subjects
        self._me = Alive(connection.me, name, role, "starting")
        self._heartbeat_s = heartbeat_s
        self._lost_s = lost_s
        self.known: dict[str, Alive] = {}
        self._received_at: dict[str, float] = {}
        self._on_change: list[Callable[[Alive], None]] = []
        self._task: asyncio.Task[None] | None = None
        self._listens_s = math.inf

    def on_change(self, listener: Callable[[Alive], None]) -> None:
        """Call ``listener`` when a node has come, changed its state, or is gone or lost."""
        self._on_change.append(listener)

    async def start(self) -> None:
        """Listen, and ask who is there."""
        await self._connection.subscribe(self._subjects.alive, self._received)
        await self._connection.subscribe(self._subjects.who, lambda _, __: self._heartbeat())
        self._connection.on_back(self._asked_again)
        self._listens_s = asyncio.get_running_loop().time()
        self._task = asyncio.get_running_loop().create_task(self._run())
        self._connection.publish(self._subjects.who, b"")

    def become(self, state: State) -> None:
        """Announce at once that this node's state is another."""
        self._me = msgspec.structs.replace(self._me, state=state)
        self._heartbeat()

    async def stop(self) -> None:
        """Say goodbye: others need not wait for signs of life."""
        if self._task is not None:
            await end_tasks([self._task])
        self.become("gone")

    def of_role(self, role: str) -> Iterable[Alive]:
        """Return those that are there and take part in a role."""
        return [one for one in self.known.values() if role in one.role.split("+")]

    def is_known(self, node: str) -> bool:
        """Return whether this process is there, as far as is known.

        Who has just begun to listen knows of nobody that they are not there.
        """
        now = asyncio.get_running_loop().time()
        return node in self.known or now < self._listens_s + self._lost_s

    def missed(self, node: str) -> None:
        """Forget a node that does not listen, as somebody found, until it gives a sign of life."""
        self._forget(node)

    def _asked_again(self) -> None:
        now = asyncio.get_running_loop().time()
        self._received_at = dict.fromkeys(self._received_at, now)  # nothing could arrive meanwhile
        self._connection.publish(self._subjects.who, b"")

    def _heartbeat(self) -> None:
        self._connection.publish(self._subjects.alive, _encode(self._me))

    def _received(self, _subject: str, data: bytes) -> None:
        alive = _decode(data)
        if alive.state == "gone":
            self._forget(alive.node, "gone")
            return
        self._received_at[alive.node] = asyncio.get_running_loop().time()
        before = self.known.get(alive.node)
        self.known[alive.node] = alive
        if before != alive:
            self._notify(alive)

    def _forget(self, node: str, state: State = "lost") -> None:
        self._received_at.pop(node, None)
        alive = self.known.pop(node, None)
        if alive is not None:
            self._notify(msgspec.structs.replace(alive, state=state))

    def _notify(self, alive: Alive) -> None:
        for listener in self._on_change:
            try:
                listener(alive)
            except Exception:
                log.exception("a listener failed on %s", alive)

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            self._heartbeat()
            began = loop.time()
            await asyncio.sleep(self._heartbeat_s)
            now = loop.time()
            if not self._connection.is_up or now - began > 2 * self._heartbeat_s:
                continue  # it was this node that could not receive
            for node, at in list(self._received_at.items()):
                if now - at > self._lost_s:
                    log.warning("no sign of life of node %s", self.known.get(node, node))
                    self._forget(node)
