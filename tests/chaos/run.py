"""A whole run: a population, a victim, devices under load, a killer, and the verdict."""

import asyncio
import random
import time
from dataclasses import dataclass
from pathlib import Path

from tests.engines.process import free_port

from .checker import Seen, Verdict, check
from .checker_webhook import check_deliveries
from .population import make_population
from .receiver import Receiver
from .server import Victim
from .workload import Acknowledgements, Pace, Workload, look, make_workload, perform

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


async def run(data_dir: Path, plan: Plan) -> Outcome:
    """Let it happen, and judge."""
    receiver = Receiver(free_port())
    population = await make_population(data_dir, plan.users, receiver.url)
    receiver.secret = population.secret
    port = free_port()
    victim, workload = (
        Victim(data_dir, port),
        make_workload(population, receiver, [f"127.0.0.1:{port}"]),
    )
    try:
        await receiver.start()
        await victim.start()
        await perform(workload, plan.pace, _kill(victim, workload.acked, plan))
        seen = await look(workload)
    finally:
        await victim.stop()
        await workload.transfers.close()
        await receiver.stop()
    return _outcome(workload, victim, seen)


def _outcome(workload: Workload, victim: Victim, seen: Seen) -> Outcome:
    told = check_deliveries(workload.receiver.deliveries, {})
    return Outcome(
        kills=victim.kills,
        acknowledged=workload.acked.count,
        retries=sum(device.retries for device in workload.devices),
        entries=sum(map(len, seen.logs.values())),
        longest_outage_s=workload.acked.longest_s,
        start_s=max(victim.start_s),
        files=len(seen.files),
        downloads=len(seen.downloads),
        resumed=workload.transfers.breaks,
        events=told.events,
        redelivered=told.redelivered,
        receiver_downs=workload.receiver.downs,
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
