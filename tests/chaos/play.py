"""The whole play: a world, a victim, devices under load, a killer, and the judgement."""

import asyncio
import random
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .checker import Item, Seen, Unread, Verdict, check
from .device import Device
from .server import Victim, free_port
from .world import World, make_world

MESSAGE = "message"


@dataclass(frozen=True)
class Plan:
    """What is to happen.

    Attributes:
        kills: How often the server is killed.
        seconds: Stop earlier when so much time has passed; 0 means no limit.
        users: How many people there are.
        pause_s: How long a device waits between two messages, from and to.
        life_s: How long the server lives under load before it is killed, from and to.
        drops_per_s: How often some device loses its connection while the server lives.
    """

    kills: int = 30
    seconds: float = 0
    users: int = 40
    pause_s: tuple[float, float] = (0.02, 0.12)
    life_s: tuple[float, float] = (0.1, 1.5)
    drops_per_s: float = 5.0


@dataclass
class Outcome:
    """What happened."""

    kills: int
    acknowledged: int
    retries: int
    entries: int
    longest_outage_s: float
    start_s: float
    verdict: Verdict


class _Acknowledgements:
    """Counts them, and the longest time without one."""

    def __init__(self) -> None:
        self.count = 0
        self.longest_s = 0.0
        self._last = time.monotonic()
        self._came = asyncio.Event()

    async def next(self) -> None:
        """Wait for the next one."""
        self._came.clear()
        await self._came.wait()

    def __call__(self) -> None:
        now = time.monotonic()
        self.longest_s = max(self.longest_s, now - self._last)
        self._last = now
        self.count += 1
        self._came.set()


async def play(data_dir: Path, plan: Plan) -> Outcome:
    """Let it happen, and judge."""
    world = await make_world(data_dir, plan.users)
    port = free_port()
    victim = Victim(data_dir, port)
    acked = _Acknowledgements()
    devices = [
        Device(f"{user_id}/{number}", user_id, token, port, world.conversations[user_id], acked)
        for user_id, tokens in world.tokens.items()
        for number, token in enumerate(tokens)
    ]
    try:
        await victim.start()
        await _under_fire(victim, devices, acked, plan)
        seen = await _look(world, devices)
    finally:
        await victim.stop()
    return Outcome(
        kills=victim.kills,
        acknowledged=acked.count,
        retries=sum(device.retries for device in devices),
        entries=sum(map(len, seen.logs.values())),
        longest_outage_s=acked.longest_s,
        start_s=max(victim.start_s),
        verdict=check(seen),
    )


async def _under_fire(
    victim: Victim, devices: list[Device], acked: _Acknowledgements, plan: Plan
) -> None:
    stopping = asyncio.Event()
    living = [asyncio.create_task(device.live(stopping, plan.pause_s)) for device in devices]
    dropping = asyncio.create_task(_drop(devices, plan.drops_per_s))
    killing = asyncio.create_task(_kill(victim, acked, plan))
    try:
        await asyncio.wait([killing, *living], return_when=asyncio.FIRST_COMPLETED)
        stopping.set()
        await asyncio.gather(killing, *living)
    finally:
        for task in (killing, dropping, *living):
            task.cancel()
        await asyncio.gather(killing, dropping, *living, return_exceptions=True)


async def _kill(victim: Victim, acked: _Acknowledgements, plan: Plan) -> None:
    began = time.monotonic()
    while victim.kills < plan.kills:
        if plan.seconds and time.monotonic() - began > plan.seconds:
            return
        await acked.next()  # only a server that works is worth killing
        await asyncio.sleep(random.uniform(*plan.life_s))
        await victim.kill()
        await victim.start()


async def _drop(devices: list[Device], per_s: float) -> None:
    while per_s:
        await asyncio.sleep(random.expovariate(per_s))
        random.choice(devices).drop()


async def _look(world: World, devices: list[Device]) -> Seen:
    """Gather what the server has now, and what the devices hold after a last sync."""
    await asyncio.gather(*[device.catch_up() for device in devices])
    of_user = {device.user_id: device for device in devices}
    readers: dict[str, Device] = {}
    for user_id, conversations in world.conversations.items():
        for conversation in conversations:
            readers.setdefault(conversation, of_user[user_id])
    logs = {name: await device.whole_log(name) for name, device in readers.items()}
    unread: list[Unread] = []
    for user_id, device in of_user.items():
        places = {one["conversation_id"]: one for one in await device.places()}
        for name in world.conversations[user_id]:
            read = max(one.read[name] for one in devices if one.user_id == user_id)
            unread.append(
                Unread(
                    user_id, name, places[name]["cursor"]["read_seq"], places[name]["unread"], read
                )
            )
    for device in devices:
        await device.hang_up()
    return Seen(
        logs={name: list(map(_item, log)) for name, log in logs.items()},
        acks={device.name: device.acks for device in devices},
        views={device.name: device.view for device in devices},
        conflicts=[sentence for device in devices for sentence in device.conflicts],
        unread=unread,
    )


def _item(entry: dict[str, Any]) -> Item:
    author = (entry["sender"], entry["client_id"])
    return Item(entry["seq"], entry["ordinal"], author, entry["kind"] == MESSAGE)
