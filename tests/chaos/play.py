"""The whole play: a world, a victim, devices under load, a killer, and the judgement."""

import asyncio
import random
import time
from dataclasses import dataclass
from pathlib import Path

from tests.engines.process import free_port

from .cast import Acknowledgements, Cast, Pace, look, make_cast, perform
from .checker import Seen, Verdict, check
from .checker_webhook import check_deliveries
from .receiver import Receiver
from .server import Victim
from .world import make_world

LIVELY = Pace()


@dataclass(frozen=True)
class Plan:
    """What is to happen.

    Attributes:
        kills: How often the server is killed.
        seconds: Stop earlier when so much time has passed; 0 means no limit.
        users: How many people there are.
        life_s: How long the server lives under load before it is killed, from and to.
        pace: How lively the people are.
    """

    kills: int = 30
    seconds: float = 0
    users: int = 40
    life_s: tuple[float, float] = (0.1, 1.5)
    pace: Pace = LIVELY


@dataclass
class Outcome:
    """What happened."""

    kills: int
    acknowledged: int
    retries: int
    entries: int
    longest_outage_s: float
    start_s: float
    files: int
    downloads: int
    resumed: int
    events: int
    redelivered: int
    receiver_downs: int
    verdict: Verdict


async def play(data_dir: Path, plan: Plan) -> Outcome:
    """Let it happen, and judge."""
    receiver = Receiver(free_port())
    world = await make_world(data_dir, plan.users, receiver.url)
    receiver.secret = world.secret
    port = free_port()
    victim, cast = Victim(data_dir, port), make_cast(world, receiver, [f"127.0.0.1:{port}"])
    try:
        await receiver.start()
        await victim.start()
        await perform(cast, plan.pace, _kill(victim, cast.acked, plan))
        seen = await look(cast)
    finally:
        await victim.stop()
        await cast.transfers.close()
        await receiver.stop()
    return _outcome(cast, victim, seen)


def _outcome(cast: Cast, victim: Victim, seen: Seen) -> Outcome:
    told = check_deliveries(cast.receiver.deliveries, {})
    return Outcome(
        kills=victim.kills,
        acknowledged=cast.acked.count,
        retries=sum(device.retries for device in cast.devices),
        entries=sum(map(len, seen.logs.values())),
        longest_outage_s=cast.acked.longest_s,
        start_s=max(victim.start_s),
        files=len(seen.files),
        downloads=len(seen.downloads),
        resumed=cast.transfers.breaks,
        events=told.events,
        redelivered=told.redelivered,
        receiver_downs=cast.receiver.downs,
        verdict=check(seen),
    )


async def _kill(victim: Victim, acked: Acknowledgements, plan: Plan) -> None:
    began = time.monotonic()
    while victim.kills < plan.kills:
        if plan.seconds and time.monotonic() - began > plan.seconds:
            return
        await acked.next()  # only a server that works is worth killing
        await asyncio.sleep(random.uniform(*plan.life_s))
        await victim.kill()
        await victim.start()
