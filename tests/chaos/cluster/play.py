"""The whole play on a cluster: people, one fault after the other, and the judgement."""

import asyncio
import random
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from tests.chaos.cast import Acknowledgements, Cast, Pace, look, make_cast, perform
from tests.chaos.checker import Seen, Verdict, check

from .arena import Arena
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


async def play(arena: Arena, plan: Plan, told: Callable[[Blow], None] = lambda _: None) -> Outcome:
    """Let it happen on an open arena, and judge.

    Args:
        arena: Where.
        plan: What.
        told: Called after each fault.
    """
    world = await arena.fill(plan.users)
    arena.receiver.secret = world.secret
    cast = make_cast(world, arena.receiver, arena.places)
    blows: list[Blow] = []
    try:
        await arena.receiver.start()
        await perform(cast, plan.pace, _harm(arena, cast.acked, plan, blows, told))
        seen = await look(cast)
    finally:
        await cast.transfers.close()
        await arena.receiver.stop()
    return _outcome(cast, seen, blows)


def _outcome(cast: Cast, seen: Seen, blows: list[Blow]) -> Outcome:
    return Outcome(
        blows=blows,
        acknowledged=cast.acked.count,
        retries=sum(device.retries for device in cast.devices),
        entries=sum(map(len, seen.logs.values())),
        files=len(seen.files),
        events=sum(len(delivery.events) for delivery in cast.receiver.deliveries),
        verdict=check(seen),
    )


async def _harm(
    arena: Arena,
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
        what = await FAULTS[kind](arena, plan.lengths)
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
