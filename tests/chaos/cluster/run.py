"""The whole play on a cluster: people, one fault after the other, and the judgement."""

import asyncio
import random
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from tests.chaos.checker import Seen, Verdict, check
from tests.chaos.workload import Acknowledgements, Pace, Workload, look, make_workload, perform

from .environment import Environment
from .faults import FAULTS, Lengths

STEADY = Pace(pause_s=(0.1, 0.4), file_pause_s=(0.5, 2.0), drops_per_s=1.0)
WELL_ACKNOWLEDGED = 50
"""After a fault the cluster counts as well when so many messages were acknowledged."""
WELL_S = 60.0


@dataclass(frozen=True)
class Plan:
    """What is to happen.

    Attributes:
        faults: How many.
        kinds: Of which kinds; each comes equally often.
        users: How many people there are.
        calm_s: How long all is well between two faults, from and to.
        lengths: How long faults last.
        pace: How lively the people are.
    """

    faults: int = 60
    kinds: Sequence[str] = tuple(FAULTS)
    users: int = 40
    calm_s: tuple[float, float] = (0.5, 3.0)
    lengths: Lengths = field(default_factory=Lengths)
    pace: Pace = STEADY

    def drawn(self) -> Iterator[str]:
        """Yield the kinds of the faults, shuffled round by round."""
        left = self.faults
        while left > 0:
            yield from random.sample(self.kinds, min(left, len(self.kinds)))
            left -= len(self.kinds)


@dataclass(frozen=True)
class Blow:
    """One fault, as it was felt.

    Attributes:
        silence_s: The longest time in which no message at all was acknowledged.
        slowest_s: The longest that a message waited for its acknowledgement.
    """

    kind: str
    what: str
    lasted_s: float
    silence_s: float
    slowest_s: float


@dataclass
class Outcome:
    """What happened."""

    blows: list[Blow]
    acknowledged: int
    retries: int
    entries: int
    files: int
    events: int
    verdict: Verdict


async def run(
    environment: Environment, plan: Plan, told: Callable[[Blow], None] = lambda _: None
) -> Outcome:
    """Let it happen on an open arena, and judge.

    Args:
        environment: Where.
        plan: What.
        told: Called after each fault.
    """
    population = await environment.fill(plan.users)
    environment.receiver.secret = population.secret
    workload = make_workload(population, environment.receiver, environment.places)
    blows: list[Blow] = []
    try:
        await environment.receiver.start()
        await perform(workload, plan.pace, _harm(environment, workload.acked, plan, blows, told))
        seen = await look(workload)
    finally:
        await workload.transfers.close()
        await environment.receiver.stop()
    return _outcome(workload, seen, blows)


def _outcome(workload: Workload, seen: Seen, blows: list[Blow]) -> Outcome:
    return Outcome(
        blows=blows,
        acknowledged=workload.acked.count,
        retries=sum(device.retries for device in workload.devices),
        entries=sum(map(len, seen.logs.values())),
        files=len(seen.files),
        events=sum(len(delivery.events) for delivery in workload.receiver.deliveries),
        verdict=check(seen),
    )


async def _harm(
    environment: Environment,
    acked: Acknowledgements,
    plan: Plan,
    blows: list[Blow],
    told: Callable[[Blow], None],
) -> None:
    await _well(acked)
    for kind in plan.drawn():
        await asyncio.sleep(random.uniform(*plan.calm_s))
        acked.longest_s = acked.slowest_s = 0.0
        began = time.monotonic()
        what = await FAULTS[kind](environment, plan.lengths)
        lasted_s = time.monotonic() - began
        await _well(acked)
        blow = Blow(kind, what, lasted_s, acked.longest_s, acked.slowest_s)
        blows.append(blow)
        told(blow)


async def _well(acked: Acknowledgements) -> None:
    """Wait until the cluster works.

    Raises:
        TimeoutError: it does not.
    """
    wanted = acked.count + WELL_ACKNOWLEDGED
    async with asyncio.timeout(WELL_S):
        while acked.count < wanted:
            await acked.next()
