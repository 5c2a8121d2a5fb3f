"""Devices whose connections break again and again: nothing lost, nothing twice, one order."""

import asyncio
import random
import secrets
from collections import Counter
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from hongyan_sdk import Backoff, Client, MessageReceived, MessageSent, Store

from .servers import Server
from .waiting import until

PASSWORD = "a wild goose 1898"
MESSAGES = 60
CUTS = 40


class Told:
    """What one device told its app, by conversation."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self.seqs: list[int] = []
        self.client_ids: Counter[str] = Counter()
        self._events = client.events()

    async def listen(self, conversation_id: str) -> None:
        async for event in self._events:
            if isinstance(event, MessageReceived | MessageSent):
                message = event.message
                if message.conversation_id == conversation_id:
                    self.seqs.append(message.seq)
                    self.client_ids[message.client_id] += 1


def cut(client: Client) -> None:
    """Break the connection as a network would: no goodbye."""
    connection = client._engine.session._connection
    if connection is not None:
        connection._socket.transport.abort()


@pytest.mark.parametrize("seed", range(3))
async def test_devices_agree_after_many_cuts(
    live_server: Server, tmp_path: Path, seed: int
) -> None:
    chance = random.Random(seed)
    handles = [f"p{secrets.token_hex(5)}" for _ in range(3)]
    ids = [await live_server.add_user(handle, PASSWORD) for handle in handles]
    async with AsyncExitStack() as stack:
        devices = [
            await stack.enter_async_context(
                Client.login(
                    live_server.url,
                    handle,
                    PASSWORD,
                    Store(tmp_path / f"{handle}-{n}.db"),
                    backoff=Backoff(first_s=0.02, limit_s=0.1),
                )
            )
            for handle in handles
            for n in range(2)
        ]
        group = await devices[0].create_group("Storm", ids[1:])
        conversation_id = group.conversation_id
        told = [Told(device) for device in devices]
        listening = [asyncio.ensure_future(one.listen(conversation_id)) for one in told]
        for device in devices:
            await device.chat(conversation_id).refresh()

        async def speak(device: Client, name: str) -> list[str]:
            sendings = []
            for n in range(MESSAGES):
                sendings.append(device.chat(conversation_id).send_text(f"{name}{n}"))
                await asyncio.sleep(chance.random() * 0.02)
            return [(await sending).client_id for sending in sendings]

        async def break_things() -> None:
            for _ in range(CUTS):
                await asyncio.sleep(chance.random() * 0.06)
                cut(chance.choice(devices))

        speaking = [speak(device, f"d{n}-") for n, device in enumerate(devices)]
        results = await asyncio.gather(break_things(), *speaking)
        sent = {client_id for one in results[1:] if one for client_id in one}
        assert len(sent) == MESSAGES * len(devices)
        await until(lambda: all(len(one.client_ids) >= len(sent) for one in told))
        first = await devices[0].chat(conversation_id).history(limit=1000)
        for device, one in zip(devices, told, strict=True):
            assert set(one.client_ids) == sent
            assert max(one.client_ids.values()) == 1
            assert one.seqs == sorted(one.seqs)
            history = await device.chat(conversation_id).history(limit=1000)
            assert [(m.seq, m.text) for m in history] == [(m.seq, m.text) for m in first]
            assert device.pending() == []
            await device.chat(conversation_id).mark_read()
        await until(lambda: not any(d.chat(conversation_id).state.unread for d in devices))
        for task in listening:
            task.cancel()
