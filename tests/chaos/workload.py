"""The workload: devices that talk, devices that send files, and a webhook's receiver."""

import asyncio
import random
import time
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass
from typing import Any

from .checker import Item, Seen, Unread
from .device import Device
from .population import Population
from .receiver import Receiver
from .sharing import Sharing
from .transfer import Transfers

MESSAGE = "message"
SENDS_FILES = 8
"""One of so many devices sends files instead of texts."""
CAUGHT_UP_S = 45.0
"""How long the receiver may take at the end to get what it misses."""


@dataclass(frozen=True)
class Pace:
    """How lively they are.

    Attributes:
        pause_s: How long a device waits between two messages, from and to.
        file_pause_s: How long a device that sends files waits between two, from and to.
        drops_per_s: How often some device loses its connection.
        receiver_up_s: How long the webhook's receiver stays up, from and to.
        receiver_down_s: How long it is down then, from and to.
    """

    pause_s: tuple[float, float] = (0.02, 0.12)
    file_pause_s: tuple[float, float] = (0.1, 0.8)
    drops_per_s: float = 5.0
    receiver_up_s: tuple[float, float] = (1.0, 6.0)
    receiver_down_s: tuple[float, float] = (0.5, 3.0)


class Acknowledgements:
    """Counts them.

    Attributes:
        longest_s: The longest time without any.
        slowest_s: The longest that a message has waited for its own.
    """

    def __init__(self) -> None:
        self.count = 0
        self.longest_s = 0.0
        self.slowest_s = 0.0
        self._last = time.monotonic()
        self._came = asyncio.Event()

    async def next(self) -> None:
        """Wait for the next one."""
        self._came.clear()
        await self._came.wait()

    def __call__(self, waited_s: float) -> None:
        self.slowest_s = max(self.slowest_s, waited_s)
        now = time.monotonic()
        self.longest_s = max(self.longest_s, now - self._last)
        self._last = now
        self.count += 1
        self._came.set()


@dataclass
class Workload:
    """Who plays."""

    population: Population
    devices: list[Device]
    sharing: Sharing
    transfers: Transfers
    receiver: Receiver
    acked: Acknowledgements


def make_workload(population: Population, receiver: Receiver, places: Sequence[str]) -> Workload:
    """Make the devices of a world, which connect to these places."""
    tokens = {
        f"{user_id}/{number}": token
        for user_id, those in population.tokens.items()
        for number, token in enumerate(those)
    }
    transfers, acked = Transfers(places), Acknowledgements()
    sharing = Sharing(transfers, tokens)
    devices = []
    for name, token in tokens.items():
        user_id = name.partition("/")[0]
        mine = population.conversations[user_id]
        devices.append(Device(name, user_id, token, places, mine, acked, sharing.noticed))
    return Workload(population, devices, sharing, transfers, receiver, acked)


async def perform(workload: Workload, pace: Pace, harm: Coroutine[Any, Any, None]) -> None:
    """Let everybody act until the harm is done; then let them finish what they began."""
    stopping = asyncio.Event()
    living = [
        asyncio.create_task(
            device.live(stopping, pace.pause_s)
            if place % SENDS_FILES
            else workload.sharing.live(device, stopping, pace.file_pause_s)
        )
        for place, device in enumerate(workload.devices)
    ]
    trouble = [
        asyncio.create_task(_drop(workload.devices, pace.drops_per_s)),
        asyncio.create_task(
            workload.receiver.fail_sometimes(pace.receiver_up_s, pace.receiver_down_s)
        ),
        asyncio.create_task(workload.sharing.fetch()),
    ]
    harming = asyncio.create_task(harm)
    try:
        await asyncio.wait([harming, *trouble, *living], return_when=asyncio.FIRST_COMPLETED)
        stopping.set()
        await asyncio.gather(harming, *living)
    finally:
        for task in (harming, *trouble, *living):
            task.cancel()
        ends = await asyncio.gather(harming, *trouble, *living, return_exceptions=True)
    for end in ends:
        if isinstance(end, Exception):
            raise end


async def _drop(devices: list[Device], per_s: float) -> None:
    while per_s:
        await asyncio.sleep(random.expovariate(per_s))
        random.choice(devices).drop()


async def look(workload: Workload) -> Seen:
    """Gather what the server has now, and what the others hold after a last sync."""
    population, devices, members = (
        workload.population,
        workload.devices,
        workload.population.members,
    )
    await asyncio.gather(*[device.catch_up() for device in devices])
    of_user = {device.user_id: device for device in devices}
    readers: dict[str, Device] = {}
    for user_id, conversations in population.conversations.items():
        for conversation in conversations:
            readers.setdefault(conversation, of_user[user_id])
    logs = {
        name: list(map(_item, await device.whole_log(name))) for name, device in readers.items()
    }
    unread: list[Unread] = []
    for user_id, device in of_user.items():
        places = {one["conversation_id"]: one for one in await device.places()}
        for name in population.conversations[user_id]:
            read = max(one.read[name] for one in devices if one.user_id == user_id)
            unread.append(
                Unread(
                    user_id, name, places[name]["cursor"]["read_seq"], places[name]["unread"], read
                )
            )
    await workload.sharing.fetch_all(of_user, members)
    said = {(name, item.seq) for name, log in logs.items() for item in log if item.countable}
    await workload.receiver.until(said, CAUGHT_UP_S)
    for device in devices:
        await device.hang_up()
    return Seen(
        logs=logs,
        acks={device.name: device.acks for device in devices},
        queries={device.name: device.view for device in devices},
        conflicts=[sentence for device in devices for sentence in device.conflicts]
        + workload.receiver.conflicts,
        unread=unread,
        members=members,
        files=workload.sharing.files,
        downloads=workload.sharing.downloads,
        broken=workload.transfers.conflicts,
        deliveries=workload.receiver.deliveries,
    )


def _item(entry: dict[str, Any]) -> Item:
    author = (entry["sender"], entry["client_id"])
    return Item(entry["seq"], entry["ordinal"], author, entry["kind"] == MESSAGE)
