"""A gateway that stands still for a while is cut off by the broker, which must not go unnoticed."""

import asyncio
import json
import signal
import sys
from contextlib import AsyncExitStack

import pytest
from tools.cluster.engines import NatsProcess, RedisProcess

from .harness import RealHarness, until

FLOOD = 90
"""Entries of a megabyte: more than NATS (64 MiB) and Redis (32 MiB) keep for one subscriber."""


@pytest.mark.parametrize("strategy", ["broadcast", "broadcast-redis"])
async def test_a_subscriber_that_stood_still_resyncs_and_goes_on(
    strategy: str, nats: NatsProcess, redis: RedisProcess
) -> None:
    async with AsyncExitStack() as stack:
        harness = RealHarness(stack, strategy, nats, redis)
        publisher = await harness.publisher()
        group = harness.people.group("ann")
        about = {
            "nats": nats.url,
            "redis": redis.url,
            "strategy": strategy,
            "group": group,
        }
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "tests.contract.routes.subscriber_process", json.dumps(about)),
            stdout=asyncio.subprocess.PIPE,
        )
        lines: list[str] = []

        async def read() -> None:
            assert process.stdout is not None
            while line := await process.stdout.readline():
                lines.append(line.decode().strip())

        reading = asyncio.create_task(read())
        try:
            await until(lambda: "ready" in lines, "ready")
            publisher.publish(harness.people.commit(group))
            await until(lambda: "fact 2" in lines, "told")
            process.send_signal(signal.SIGSTOP)
            for _ in range(FLOOD):
                publisher.publish(harness.people.commit(group, text="x" * 1_000_000))
                await asyncio.sleep(0.01)
            await asyncio.sleep(1.0)
            process.send_signal(signal.SIGCONT)
            await until(lambda: "doubt" in lines, "doubted", 60.0)
            assert len(lines) < FLOOD, "nothing was lost: the broker keeps more than it did"

            def routed() -> bool:
                publisher.publish(harness.people.commit(group))
                return f"fact {harness.people.seqs[group] - 1}" in lines[lines.index("doubt") :]

            await until(routed, "told again")
        finally:
            process.kill()
            await process.wait()
            reading.cancel()
