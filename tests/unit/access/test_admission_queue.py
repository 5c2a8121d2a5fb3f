"""The line before hello."""

import asyncio

import pytest

from hongyan.access.admission_queue import BACK_MS, AdmissionQueue
from hongyan.kernel.errors import Busy


class Crowd:
    """Those who are inside, and a door out."""

    def __init__(self, at_once, waiting_max):
        self.line = AdmissionQueue(at_once, waiting_max)
        self.inside = []
        self.most = 0
        self.may_go = asyncio.Event()

    async def come(self, name):
        async with self.line.turn():
            self.inside.append(name)
            self.most = max(self.most, len(self.inside))
            await self.may_go.wait()
            self.inside.remove(name)


async def test_so_many_are_inside_and_the_others_come_in_their_order():
    crowd = Crowd(2, 100)
    tasks = [asyncio.create_task(crowd.come(n)) for n in range(10)]
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert crowd.inside == [0, 1]
    assert crowd.line.waiting == 8
    crowd.may_go.set()
    await asyncio.gather(*tasks)
    assert crowd.most == 2
    assert crowd.line.waiting == 0


async def test_who_would_wait_too_long_is_told_when_to_come_back():
    crowd = Crowd(1, 2)
    tasks = [asyncio.create_task(crowd.come(n)) for n in range(3)]
    for _ in range(3):
        await asyncio.sleep(0)
    with pytest.raises(Busy) as refused:
        await crowd.come(4)
    assert BACK_MS[0] <= refused.value.details["retry_after_ms"] <= BACK_MS[1]
    assert crowd.line.turned_away == 1
    crowd.may_go.set()
    await asyncio.gather(*tasks)


async def test_who_goes_while_waiting_leaves_no_gap():
    crowd = Crowd(1, 10)
    tasks = [asyncio.create_task(crowd.come(n)) for n in range(3)]
    for _ in range(3):
        await asyncio.sleep(0)
    tasks[1].cancel()
    crowd.may_go.set()
    await asyncio.gather(tasks[0], tasks[2])
    assert crowd.line.waiting == 0
    async with asyncio.timeout(1):
        await crowd.come(9)
