"""Tracing of a message behind the access layer: who carries it out, which node pushed it when."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from msgspec import Struct

from hongyan.domain.message.commands import Ack
from hongyan.kernel.bus import Actor, Caller, Command, Result
from hongyan.kernel.errors import Refusal
from hongyan.kernel.ids import LogId
from hongyan.kernel.tracing import TRACE, Ids, Tracer

from .recent_deliveries import RecentDeliveries

WAIT_S = 0.5
"""Until then a published event has come to its nodes."""


class TracedEntry(Struct, frozen=True, array_like=True):
    """An entry that belongs to a trace; sent to all nodes."""

    log_id: LogId
    seq: int
    traceparent: str


class TracedCaller:
    """Carries commands, and makes a span of each that belongs to a trace.

    Args:
        caller: Carries them.
        tracer: Begins spans.
        on_traced: Sends an entry that is followed to all nodes.
    """

    def __init__(
        self, caller: Caller, tracer: Tracer, on_traced: Callable[[TracedEntry], None]
    ) -> None:
        self._caller = caller
        self._tracer = tracer
        self._on_traced = on_traced

    def call(self, actor: Actor, command: Command[Result]) -> Coroutine[Any, Any, Result]:
        """See ``Caller.call``."""
        parent = TRACE.get()
        if not parent:
            return self._caller.call(actor, command)
        return self._followed(parent, actor, command)

    async def _followed(self, parent: str, actor: Actor, command: Command[Result]) -> Result:
        span = self._tracer.follow(f"carry out {type(command).METHOD}", parent, ids_of(command))
        try:
            result = await self._caller.call(actor, command)
        except Exception as error:
            span.end(error.code if isinstance(error, Refusal) else type(error).__name__)
            raise
        if isinstance(result, Ack):
            span.end("", {"hongyan.seq": result.seq})
            log_id = LogId(getattr(command, "conversation_id", ""))
            self._on_traced(TracedEntry(log_id, result.seq, span.traceparent))
        else:
            span.end()
        return result


class PushTracing:
    """Makes a span of what this node pushed, a moment after it did.

    Args:
        tracer: Begins spans.
        recent: What was pushed.
        node: What this node is called.
    """

    def __init__(self, tracer: Tracer, recent: RecentDeliveries, node: str) -> None:
        self._tracer = tracer
        self._recent = recent
        self._node = node

    def follow(self, followed: TracedEntry) -> None:
        """An entry is followed; look soon what became of it here."""
        asyncio.get_running_loop().call_later(WAIT_S, self._look, followed)

    def _look(self, followed: TracedEntry) -> None:
        at_s = self._recent.pushed_at(followed.log_id, followed.seq)
        if not at_s:
            return
        ids: Ids = {
            "hongyan.conversation": followed.log_id,
            "hongyan.seq": followed.seq,
            "hongyan.node": self._node,
        }
        self._tracer.follow("push", followed.traceparent, ids, at_s).end()


def ids_of(command: Command[Any]) -> Ids:
    """Return the ids in a command that a trace may show."""
    conversation_id = getattr(command, "conversation_id", "")
    client_id = getattr(command, "client_id", "")
    found = {"hongyan.conversation": conversation_id, "hongyan.client_id": client_id}
    return {name: str(value) for name, value in found.items() if value}
