"""The part that all guests of a process share: the caller of commands, and the counters."""

import asyncio
from collections import Counter
from collections.abc import Coroutine, Mapping
from typing import Any

from msgspec import Struct

from hongyan.access.admission_queue import AdmissionQueue
from hongyan.access.rate_options import RateOptions
from hongyan.delivery.hub import Hub
from hongyan.domain.catalog import COMMANDS
from hongyan.kernel.bus import Caller, Command
from hongyan.kernel.clock import Clock
from hongyan.kernel.errors import UnknownMethod
from hongyan.kernel.meters import Meters
from hongyan.kernel.tracing import Answered, Tracer
from hongyan.wire.native.errors import wire_error

from .generation import LogGeneration
from .identity import Identity
from .live import PAUSE_S, Live
from .rates import Rates


class AdmissionOptions(Struct, frozen=True, kw_only=True):
    """The options of every connection and request."""

    rates: RateOptions = RateOptions()
    in_flight_max: int = 64
    """Unanswered requests of a connection; with so many no more of it is read."""
    look_after_s: float = PAUSE_S
    """Seconds until those whose rights may have changed are looked at, also if they ask nothing."""
    relay_awaits_only_futures: bool = False
    """Whether no command that ``relay`` carries needs a task."""


class Shared:
    """Takes requests to the bus, and counts them.

    Args:
        caller: Carries the commands.
        clock: The time of day.
        hub: Where those attach who stay connected.
        options: The settings.
        commands: All commands by method.
        relay: Carries what connections ask, and may answer with ``msgspec.Raw`` JSON; None takes
            ``caller``.
        line: Where those who come wait for their turn; None lets all in at once.
        tracer: Follows some requests; None follows none.

    Attributes:
        generation: The generation of the logs.
        meters: How long requests took, by method.
        refusals: How many were refused, by code.
    """

    def __init__(
        self,
        caller: Caller,
        clock: Clock,
        hub: Hub,
        options: AdmissionOptions = AdmissionOptions(),  # noqa: B008
        commands: Mapping[str, type[Command[Any]]] = COMMANDS,
        relay: Caller | None = None,
        line: AdmissionQueue | None = None,
        tracer: Tracer | None = None,
    ) -> None:
        self.caller = caller
        self.hub = hub
        self.clock = clock
        self.in_flight_max = options.in_flight_max
        self.commands = commands
        self.relay = relay or caller
        self.needs_no_task = options.relay_awaits_only_futures
        self.line = line
        self.tracer = tracer
        self.rates = Rates(options.rates)
        self.live = Live(caller, clock, options.look_after_s)
        self.identity = Identity(caller, clock)
        self.generation = LogGeneration(caller)
        self.meters = Meters()
        self.refusals: Counter[str] = Counter()
        self._tasks: set[asyncio.Task[None]] = set()
        hub.on_rights(self.live.changed)

    def command(self, method: str) -> type[Command[Any]]:
        """Return the command of this name.

        Raises:
            UnknownMethod: there is none.
        """
        command = self.commands.get(method)
        if command is None:
            raise UnknownMethod(method=method)
        return command

    def run(self, work: Coroutine[Any, Any, Any], answered: Answered) -> None:
        """Answer a request by a task."""
        task = asyncio.get_running_loop().create_task(_run(work, answered))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def refused(self, error: Exception) -> None:
        """Count a request that was refused."""
        self.refusals[wire_error(error).code] += 1


async def _run(work: Coroutine[Any, Any, Any], answered: Answered) -> None:
    try:
        result = await work
    except Exception as error:
        answered(None, error)
    else:
        answered(result, None)
