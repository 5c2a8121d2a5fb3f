"""Which generation the logs are, asked for not too often."""

import asyncio

from hongyan.access.admission.generation import KEPT_S, LogGeneration
from hongyan.domain.conversation.commands_archive import Generation, GetGeneration
from hongyan.infra.local.bus import LocalBus
from hongyan.kernel.bus import handles


class Logs:
    def __init__(self):
        self.generation = "one"
        self.asked = 0

    @handles(GetGeneration)
    async def tell(self, _actor, _command):
        self.asked += 1
        await asyncio.sleep(0)
        return Generation(self.generation)


async def test_many_who_ask_at_once_are_one():
    logs, bus, now = Logs(), LocalBus(), [100.0]
    bus.serve(logs)
    known = LogGeneration(bus, lambda: now[0])
    assert await asyncio.gather(*(known.current() for _ in range(50))) == ["one"] * 50
    logs.generation = "two"
    assert await known.current() == "one"
    now[0] += KEPT_S
    assert await known.current() == "two"
    assert logs.asked == 2


async def test_a_server_of_the_release_before_has_none():
    assert await LogGeneration(LocalBus()).current() == ""
