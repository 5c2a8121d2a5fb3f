"""Taking turns, and deciding again."""

import asyncio

import pytest

from hongyan.domain.log.deciding import ATTEMPTS, decide
from hongyan.domain.log.model import Append, Bump, Commit, Precondition
from hongyan.kernel.errors import Busy
from hongyan.kernel.turns import Turns


async def test_turns_come_in_order_and_one_at_a_time():
    turns, story = Turns(), []

    async def one(number):
        async with turns.of("x"):
            story.append(f"{number} in")
            await asyncio.sleep(0)
            story.append(f"{number} out")

    await asyncio.gather(*(one(number) for number in range(3)))
    assert story == ["0 in", "0 out", "1 in", "1 out", "2 in", "2 out"]


async def test_turns_at_different_things_do_not_wait():
    turns = Turns()
    async with turns.of("x"), turns.of("y"):
        pass


async def test_a_turn_ends_with_a_failure_and_leaves_nothing_behind():
    turns = Turns()
    with pytest.raises(ValueError, match="no"):
        async with turns.of("x"):
            raise ValueError("no")
    async with turns.of("x"):
        assert len(turns._locks) == 1
    assert len(turns._locks) == 0


async def test_deciding_again_until_it_holds(store):
    tries = 0

    async def attempt():
        nonlocal tries
        tries += 1
        version = (await store.states(["a"]))["a"].version
        if tries < 3:
            await store.commit(Commit(changes=(Bump("a"),)))
        return Commit(
            (Append("a", "k", "u", b"{}", 1),), preconditions=(Precondition("a", version),)
        )

    (entry,) = await decide(store, attempt)
    assert (tries, entry.seq) == (3, 1)


async def test_deciding_gives_up(store):
    async def attempt():
        return Commit(changes=(Bump("a"),), preconditions=(Precondition("a", 7),))

    with pytest.raises(Busy):
        await decide(store, attempt)
    assert ATTEMPTS == 8
    assert (await store.states(["a"]))["a"].version == 0
