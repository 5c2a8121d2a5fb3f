"""The outbox: bounded, written once a tick, and no peer's trouble is another's."""

import asyncio
from collections.abc import Callable

import pytest

from hongyan.delivery.outbox import Flusher, Outbox


class Wire:
    """What is below an outbox."""

    def __init__(self, flusher: Flusher, limit_bytes: int = 100) -> None:
        self.written: list[bytes] = []
        self.buffered = 0
        self.overflows = 0
        self.fails: Exception | None = None
        self.outbox = Outbox(flusher, self.write, lambda: self.buffered, self.over, limit_bytes)

    def write(self, data: bytes) -> None:
        if self.fails is not None:
            raise self.fails
        self.written.append(data)

    def over(self) -> None:
        self.overflows += 1


@pytest.fixture
def wire() -> Callable[..., Wire]:
    flusher = Flusher()
    return lambda **more: Wire(flusher, **more)


async def tick() -> None:
    await asyncio.sleep(0)


async def test_the_frames_of_a_tick_go_out_together_in_order(wire: Callable[..., Wire]) -> None:
    one, other = wire(), wire()
    for frame in (b"a", b"b", b"c"):
        one.outbox.push(frame)
    other.outbox.push(b"d")
    assert one.written == []
    await tick()
    one.outbox.push(b"e")
    await tick()
    assert (one.written, other.written) == ([b"abc", b"e"], [b"d"])


@pytest.mark.parametrize("error", [RuntimeError("closed"), OSError(), ValueError("a defect")])
async def test_a_dead_connection_holds_nobody_back(
    wire: Callable[..., Wire], error: Exception
) -> None:
    first, dead, last = wire(), wire(), wire()
    dead.fails = error
    for turn in (b"1", b"2"):
        for one in (first, dead, last):
            one.outbox.push(turn)
        await tick()
    assert first.written == last.written == [b"1", b"2"]


async def test_too_much_in_one_tick_cuts_once(wire: Callable[..., Wire]) -> None:
    one = wire(limit_bytes=10)
    for _ in range(5):
        one.outbox.push(b"12345")
    await tick()
    assert (one.overflows, one.written) == (1, [])


async def test_too_much_that_the_socket_cannot_take_cuts_once(wire: Callable[..., Wire]) -> None:
    one = wire(limit_bytes=10)
    one.buffered = 11
    for _ in range(2):
        one.outbox.push(b"1")
        await tick()
    assert (one.overflows, one.written) == (1, [b"1"])


async def test_after_close_what_was_pushed_is_flushed_and_the_rest_dropped(
    wire: Callable[..., Wire],
) -> None:
    one = wire()
    one.outbox.push(b"1")
    one.outbox.close()
    one.outbox.push(b"2")
    await tick()
    assert one.written == [b"1"]
