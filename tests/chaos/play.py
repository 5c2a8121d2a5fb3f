"""The whole play: a world, a victim, devices under load, a killer, and the judgement.

Beside the devices that talk there are some that send files, and a webhook's receiver that is
itself down now and then.
"""

import asyncio
import random
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .checker import Item, Seen, Unread, Verdict, check
from .checker_webhook import check_deliveries
from .device import Device
from .receiver import Receiver
from .server import Victim, free_port
from .sharing import Sharing
from .transfer import Transfers
from .world import World, make_world

MESSAGE = "message"
SENDS_FILES = 8
"""One of so many devices sends files instead of texts."""
CAUGHT_UP_S = 45.0
"""How long the receiver may take at the end to get what it misses."""


@dataclass(frozen=True)
class Plan:
    """What is to happen.

    Attributes:
        kills: How often the server is killed.
        seconds: Stop earlier when so much time has passed; 0 means no limit.
        users: How many people there are.
        pause_s: How long a device waits between two messages, from and to.
        file_pause_s: How long a device that sends files waits between two, from and to.
        life_s: How long the server lives under load before it is killed, from and to.
        drops_per_s: How often some device loses its connection while the server lives.
        receiver_up_s: How long the webhook's receiver stays up, from and to.
        receiver_down_s: How long it is down then, from and to.
    """

    kills: int = 30
    seconds: float = 0
    users: int = 40
    pause_s: tuple[float, float] = (0.02, 0.12)
    file_pause_s: tuple[float, float] = (0.1, 0.8)
    life_s: tuple[float, float] = (0.1, 1.5)
    drops_per_s: float = 5.0
    receiver_up_s: tuple[float, float] = (1.0, 6.0)
    receiver_down_s: tuple[float, float] = (0.5, 3.0)


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


@dataclass
class Cast:
    """Who plays."""

    world: World
    victim: Victim
    devices: list[Device]
    sharing: Sharing
    transfers: Transfers
    receiver: Receiver
    acked: "_Acknowledgements"


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
    receiver = Receiver(free_port())
    world = await make_world(data_dir, plan.users, receiver.url)
    receiver.secret = world.secret
    port = free_port()
    cast = _cast(world, Victim(data_dir, port), receiver, Transfers(port), port)
    try:
        await receiver.start()
        await cast.victim.start()
        await _under_fire(cast, plan)
        seen = await _look(cast)
    finally:
        await cast.victim.stop()
        await cast.transfers.close()
        await receiver.stop()
    return _outcome(cast, seen)


def _cast(
    world: World, victim: Victim, receiver: Receiver, transfers: Transfers, port: int
) -> Cast:
    tokens = {
        f"{user_id}/{number}": token
        for user_id, those in world.tokens.items()
        for number, token in enumerate(those)
    }
    sharing, acked = Sharing(transfers, tokens), _Acknowledgements()
    devices = []
    for name, token in tokens.items():
        user_id = name.partition("/")[0]
        mine = world.conversations[user_id]
        devices.append(Device(name, user_id, token, port, mine, acked, sharing.noticed))
    return Cast(world, victim, devices, sharing, transfers, receiver, acked)


def _outcome(cast: Cast, seen: Seen) -> Outcome:
    told = check_deliveries(cast.receiver.deliveries, {})
    return Outcome(
        kills=cast.victim.kills,
        acknowledged=cast.acked.count,
        retries=sum(device.retries for device in cast.devices),
        entries=sum(map(len, seen.logs.values())),
        longest_outage_s=cast.acked.longest_s,
        start_s=max(cast.victim.start_s),
        files=len(seen.files),
        downloads=len(seen.downloads),
        resumed=cast.transfers.breaks,
        events=told.events,
        redelivered=told.redelivered,
        receiver_downs=cast.receiver.downs,
        verdict=check(seen),
    )


async def _under_fire(cast: Cast, plan: Plan) -> None:
    stopping = asyncio.Event()
    living = [
        asyncio.create_task(
            device.live(stopping, plan.pause_s)
            if place % SENDS_FILES
            else cast.sharing.live(device, stopping, plan.file_pause_s)
        )
        for place, device in enumerate(cast.devices)
    ]
    harm = [
        asyncio.create_task(_drop(cast.devices, plan.drops_per_s)),
        asyncio.create_task(cast.receiver.fail_sometimes(plan.receiver_up_s, plan.receiver_down_s)),
        asyncio.create_task(cast.sharing.fetch()),
    ]
    killing = asyncio.create_task(_kill(cast.victim, cast.acked, plan))
    try:
        await asyncio.wait([killing, *harm, *living], return_when=asyncio.FIRST_COMPLETED)
        stopping.set()
        await asyncio.gather(killing, *living)
    finally:
        for task in (killing, *harm, *living):
            task.cancel()
        ends = await asyncio.gather(killing, *harm, *living, return_exceptions=True)
    for end in ends:
        if isinstance(end, Exception):
            raise end


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


async def _look(cast: Cast) -> Seen:
    """Gather what the server has now, and what the others hold after a last sync."""
    world, devices, members = cast.world, cast.devices, cast.world.members
    await asyncio.gather(*[device.catch_up() for device in devices])
    of_user = {device.user_id: device for device in devices}
    readers: dict[str, Device] = {}
    for user_id, conversations in world.conversations.items():
        for conversation in conversations:
            readers.setdefault(conversation, of_user[user_id])
    logs = {
        name: list(map(_item, await device.whole_log(name))) for name, device in readers.items()
    }
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
    await cast.sharing.fetch_all(of_user, members)
    said = {(name, item.seq) for name, log in logs.items() for item in log if item.countable}
    await cast.receiver.until(said, CAUGHT_UP_S)
    for device in devices:
        await device.hang_up()
    return Seen(
        logs=logs,
        acks={device.name: device.acks for device in devices},
        views={device.name: device.view for device in devices},
        conflicts=[sentence for device in devices for sentence in device.conflicts]
        + cast.receiver.conflicts,
        unread=unread,
        members=members,
        files=cast.sharing.files,
        downloads=cast.sharing.downloads,
        broken=cast.transfers.conflicts,
        deliveries=cast.receiver.deliveries,
    )


def _item(entry: dict[str, Any]) -> Item:
    author = (entry["sender"], entry["client_id"])
    return Item(entry["seq"], entry["ordinal"], author, entry["kind"] == MESSAGE)
