"""What carries batches: in one process, over NATS and over Redis."""

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Any

import pytest

from hongyan.delivery.routes.ports import Unanswered
from hongyan.infra.nats.connection import NatsConnection
from hongyan.infra.nats.transport import NatsTransport
from hongyan.infra.redis.transport import RedisTransport
from tests.memory.transport import LocalNetwork, LocalTransport

from .harness import until

Make = Callable[[], Awaitable[tuple[Any, list[tuple[str, bytes]]]]]


@pytest.fixture(params=["local", "nats", "redis"])
async def make(request: pytest.FixtureRequest) -> AsyncIterator[Make]:
    wire, prefix = LocalNetwork(), os.urandom(4).hex()
    url = "" if request.param == "local" else request.getfixturevalue(request.param).url
    async with AsyncExitStack() as stack:

        async def made() -> tuple[Any, list[tuple[str, bytes]]]:
            transport: Any = LocalTransport(wire)
            if request.param == "nats":
                connection = NatsConnection((url,), "test")
                await connection.open()
                stack.push_async_callback(connection.close)
                transport = NatsTransport(connection, prefix)
            elif request.param == "redis":
                transport = RedisTransport(url, prefix, "test")
            got: list[tuple[str, bytes]] = []
            await transport.start(lambda subject, payload: got.append((subject, payload)), list)
            stack.push_async_callback(transport.close)
            return transport, got

        yield made


async def test_what_one_sends_comes_in_order_over_all_subjects(make: Make) -> None:
    sender, _ = await make()
    listener, got = await make()
    subjects = ["a", "b.c", "d.=x==y", "e"]
    await listener.listen(subjects)
    sent = [(subjects[number * 7 % 4], str(number).encode()) for number in range(2_000)]
    for subject, payload in sent:
        await sender.send(subject, payload)
    await until(lambda: len(got) >= len(sent))
    assert got == sent


async def test_what_is_sent_after_listening_began_arrives(make: Make) -> None:
    sender, _ = await make()
    listener, got = await make()
    for number in range(50):
        await listener.listen((f"s{number}", "always"))
        await sender.send(f"s{number}", b"x")
    await until(lambda: len(got) == 50)
    listener.unlisten(["s1", "never"])
    await asyncio.sleep(0.1)
    await sender.send("s1", b"x")
    await sender.send("always", b"end")
    await until(lambda: got[-1] == ("always", b"end"))
    assert len(got) == 51


async def test_payloads_of_any_size(make: Make) -> None:
    sender, _ = await make()
    listener, got = await make()
    await listener.listen(("s",))
    for payload in (b"", b"\x00" * 10, os.urandom(3_000_000), b"\r\nMSG"):
        await sender.send("s", payload)
    await until(lambda: len(got) == 4)
    assert [len(payload) for _, payload in got] == [0, 10, 3_000_000, 5]


async def test_who_asks_learns_whether_it_arrived(make: Make) -> None:
    asker, _ = await make()
    listener, got = await make()
    if not hasattr(asker, "ask"):
        pytest.skip("cannot ask")
    await listener.listen(("s",))
    await asyncio.gather(*(asker.ask("s", str(number).encode(), 5.0) for number in range(20)))
    assert got == [("s", str(number).encode()) for number in range(20)]
    with pytest.raises(Unanswered):
        await asker.ask("elsewhere", b"x", 5.0)


async def test_two_may_listen(make: Make) -> None:
    sender, own = await make()
    one, got = await make()
    await sender.listen(("s",))
    await one.listen(("s",))
    await sender.send("s", b"x")
    await until(lambda: got and own)
    assert got == own == [("s", b"x")]
