"""What may befall a cluster, one thing at a time; each is over when its function returns."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from .environment import Environment

LINKS = (
    ("gateway", "nats"),
    ("backend", "nats"),
    ("worker", "nats"),
    ("backend", "postgres"),
    ("worker", "postgres"),
    ("gateway", "redis"),
    ("backend", "redis"),
    ("client", "gateway"),
)
SYNC_DELAY_MS = 150
CLOCK_JUMPS_S = (-7_200, -60, 60, 7_200)


@dataclass(frozen=True)
class Lengths:
    """How long faults last, in seconds."""

    down_s: tuple[float, float] = (0.0, 2.0)
    cut_s: float = 20.0
    pause_s: float = 15.0
    slow_disk_s: float = 10.0
    clock_s: float = 8.0
    full_buffer_s: float = 8.0


Fault = Callable[[Environment, Lengths], Awaitable[str]]
"""Does its harm, mends it, and returns what was hit."""


def _one(environment: Environment, role: str) -> str:
    """Return a host at random that has this role; an engine's own name stands for itself."""
    return random.choice([name for name in environment.names if name.startswith(role)] or [role])


def _kill(role: str) -> Fault:
    async def kill(environment: Environment, lengths: Lengths) -> str:
        name = _one(environment, role)
        environment.kill(name)
        await asyncio.sleep(random.uniform(*lengths.down_s))
        await environment.start(name)
        return name

    return kill


async def _restart_postgres(environment: Environment, _: Lengths) -> str:
    await environment.restart("postgres")
    return "postgres"


async def _cut(environment: Environment, lengths: Lengths) -> str:
    one, other = (_one(environment, role) for role in random.choice(LINKS))
    environment.network.cut(one, other)
    try:
        await asyncio.sleep(lengths.cut_s)
    finally:
        environment.network.heal(one, other)
    return f"{one} | {other}"


async def _pause(environment: Environment, lengths: Lengths) -> str:
    name = random.choice([*environment.names, "nats", "redis", "postgres"])
    await environment.hold(name, lengths.pause_s)
    return name


async def _slow_disk(environment: Environment, lengths: Lengths) -> str:
    disturbance = environment.disturbance["postgres"]
    disturbance.change(sync_delay_ms=SYNC_DELAY_MS)
    try:
        await asyncio.sleep(lengths.slow_disk_s)
    finally:
        disturbance.change()
    return f"postgres, {SYNC_DELAY_MS} ms"


async def _clock_jump(environment: Environment, lengths: Lengths) -> str:
    name, jump_s = random.choice(environment.names), random.choice(CLOCK_JUMPS_S)
    environment.disturbance[name].change(clock_offset_s=jump_s)
    try:
        await asyncio.sleep(lengths.clock_s)
    finally:
        environment.disturbance[name].change()
    return f"{name}, {jump_s:+} s"


async def _full_buffer(environment: Environment, lengths: Lengths) -> str:
    """The broker's buffer for a gateway that reads nothing overflows."""
    name = _one(environment, "gateway")
    await environment.hold(name, lengths.full_buffer_s)
    return name


FAULTS: dict[str, Fault] = {
    "kill gateway": _kill("gateway"),
    "kill backend": _kill("backend"),
    "kill worker": _kill("worker"),
    "kill NATS": _kill("nats"),
    "kill Redis": _kill("redis"),
    "kill PostgreSQL": _kill("postgres"),
    "restart PostgreSQL": _restart_postgres,
    "cut network": _cut,
    "pause": _pause,
    "slow disk": _slow_disk,
    "clock jump": _clock_jump,
    "full buffer": _full_buffer,
}
