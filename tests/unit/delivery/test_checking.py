"""Devices that were removed while nobody here heard of it."""

import asyncio

from hongyan.delivery.checking import Checking
from hongyan.kernel.errors import Unavailable


class World:
    """A hub with devices, and those who know which of them still exist."""

    def __init__(self, **here):
        self.here = here
        self.removed = set()
        self.kicked = []
        self.asked = []
        self.fails = 0
        self.checking = Checking(self, self, pause_s=0)

    def devices(self, user_id):
        return self.here.get(user_id, ())

    def kick(self, user_id, device_id, reason):
        self.kicked.append((user_id, device_id, reason))

    async def call(self, _actor, command):
        if self.fails:
            self.fails -= 1
            raise Unavailable
        self.asked.append(command.devices)
        return tuple(one for one in command.devices if one[1] in self.removed)

    async def rest(self):
        await asyncio.wait_for(self.checking._work, 2)


async def test_a_removed_device_is_kicked_soon_after_it_was_let_in():
    world = World(ann=("v1", "v2"), bob=("v3",))
    world.removed = {"v2"}
    world.checking.changed("ann")
    world.checking.changed("bob")
    await world.rest()
    assert world.asked == [(("ann", "v1"), ("ann", "v2"), ("bob", "v3"))]
    assert world.kicked == [("ann", "v2", "kicked")]


async def test_it_is_asked_again_until_there_is_an_answer():
    world = World(ann=("v1",))
    world.removed, world.fails = {"v1"}, 3
    world.checking.changed("ann")
    await world.rest()
    assert world.kicked == [("ann", "v1", "kicked")]


async def test_those_who_have_gone_meanwhile_are_not_asked_for():
    world = World(ann=())
    world.checking.changed("ann")
    await world.rest()
    assert world.asked == []
    assert world.kicked == []
