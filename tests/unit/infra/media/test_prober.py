"""The worker's limits, with the real process."""

import asyncio
import os
import signal

import pytest
from tests.files import samples

from hongyan.domain.media.ports import Unreadable
from hongyan.infra.media.prober import WorkerLimits, WorkerProber
from hongyan.kernel.errors import Busy


@pytest.fixture
async def prober():
    made = WorkerProber(WorkerLimits(time_s=20, cpu_s=2, pixels=10**10, waiting=1))
    yield made
    await made.close()


def write(folder, data):
    path = folder / f"{len(list(folder.iterdir()))}"
    path.write_bytes(data)
    return path


async def test_memory_and_time_are_limited(prober, tmp_path):
    """40,000 by 40,000 pixels are 1.6 GB or a long time; either ends at a limit."""
    bomb = write(tmp_path, samples.png_bomb(40_000))
    with pytest.raises(Unreadable):
        await prober.probe(bomb, "image/png")
    good = write(tmp_path, samples.picture((30, 20)))
    assert (await prober.probe(good, "image/png")).facts.width == 30


async def test_a_worker_that_hangs_is_ended(tmp_path):
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    prober = WorkerProber(WorkerLimits(time_s=2))
    try:
        with pytest.raises(Unreadable):
            await prober.probe(fifo, "image/png")
        good = write(tmp_path, samples.picture((30, 20)))
        assert (await prober.probe(good, "image/png")).facts.width == 30
    finally:
        await prober.close()


async def test_a_worker_that_dies_is_replaced(prober, tmp_path):
    good = write(tmp_path, samples.picture((30, 20)))
    await prober.probe(good, "image/png")
    (worker,) = prober._idle
    os.kill(worker._process.pid, signal.SIGSEGV)
    await worker._process.wait()
    with pytest.raises(Unreadable):
        await prober.probe(good, "image/png")
    assert (await prober.probe(good, "image/png")).facts.height == 20


async def test_few_may_wait(prober, tmp_path):
    good = write(tmp_path, samples.picture((30, 20)))
    asked = [prober.probe(good, "image/png") for _ in range(3)]
    found = await asyncio.gather(*asked, return_exceptions=True)
    assert [type(one) for one in found].count(Busy) == 1
