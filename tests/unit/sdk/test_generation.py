"""A server that was restored from a backup: clients begin anew, and lose nothing of their own."""

import asyncio
from typing import Any

import msgspec
import pytest
from tests.unit.waiting import until

from hongyan_sdk import BegunAnew, Client, Entry, MessageReceived, MessageSent, Store

from .fake_server import FakeServer
from .test_client import state, taken, texts

TOLD_FIRST = pytest.mark.parametrize("greets", ["", "first"], ids=["hello", "sync"])


@TOLD_FIRST
async def test_the_store_is_filled_anew(server: FakeServer, enter: Any, greets: str) -> None:
    server.append("d1", "bob", "kept")
    server.append("@me", "me", "own")
    client: Client = await enter()
    events = client.events()
    for n in range(3):
        server.append("d1", "bob", f"lost {n}")
    server.append("d2", "bob", "a conversation that is lost")
    server.append("@me", "me", "lost")
    await until(lambda: len(client.conversations()) == 2 and state(client).tip == 4)
    syncs = len(server.asked("conversation.sync"))
    await server.restore({"d1": 1, "@me": 1}, greets)
    server.append("d1", "bob", "after", push=False)
    server.logs["d1"][-1]["sent_at_ms"] += 1000
    await until(lambda: bool(taken(events, BegunAnew)))
    assert len(server.asked("conversation.sync")) - syncs == (2 if greets else 1)
    assert await texts(client) == ["kept", "after"]
    assert [c.conversation_id for c in client.conversations()] == ["d1"]
    assert (state(client).unread, client.store.user_tip()) == (2, 1)
    assert client.store.entry("d1", 3) is None
    server.append("d1", "bob", "pushed")
    await until(lambda: state(client).tip == 3)
    assert await texts(client) == ["kept", "after", "pushed"]


@TOLD_FIRST
async def test_news_are_told_once(server: FakeServer, enter: Any, greets: str) -> None:
    server.append("d1", "bob", "kept")
    client: Client = await enter()
    events = client.events()
    server.append("d1", "bob", "lost")
    await until(lambda: state(client).tip == 2)
    await server.restore({"d1": 1}, greets)
    server.append("d1", "bob", "after", push=False)
    server.logs["d1"][-1]["sent_at_ms"] += 1000
    await until(lambda: client.store.generation() == server.generation and state(client).tip == 2)
    told = [one.message.text for one in taken(events, MessageReceived)]
    assert told == ["lost", "after"]


@TOLD_FIRST
async def test_what_was_not_sent_is_sent_once(
    server: FakeServer, enter: Any, tmp_path: Any, greets: str
) -> None:
    server.append("d1", "bob", "kept")
    server.append("d1", "bob", "lost")
    store = Store(tmp_path / "store.db")
    client: Client = await enter(store)
    events = client.events()
    server.faults["message.send"] = ["drop", *["cut"] * 1000]  # no answer before the restore
    sending = client.send("d1", "mine")
    await until(lambda: len(server.asked("message.send")) > 0)
    await server.restore({"d1": 1}, greets)
    server.faults["message.send"] = ["cut"]
    message = await asyncio.wait_for(sending, 10)
    assert (message.text, message.seq) == ("mine", 2)
    assert await texts(client) == ["kept", "mine"]
    assert [one.message.text for one in taken(events, MessageSent)] == ["mine"]
    assert store.outbox() == []


async def test_what_was_acknowledged_and_has_no_place_is_sent_again(
    server: FakeServer, enter: Any
) -> None:
    server.append("d1", "bob", "kept")
    client: Client = await enter()
    held = asyncio.Event()
    server.faults["conversation.history"] = [held]
    server.append("d1", "bob", "never pushed", push=False)
    sending = client.send("d1", "mine")
    await until(lambda: len(server.logs["d1"]) == 3 and server.asked("conversation.history") != [])
    await server.restore({"d1": 1})
    held.set()
    message = await asyncio.wait_for(sending, 10)
    assert message.seq == 2
    assert await texts(client) == ["kept", "mine"]


async def test_a_store_of_before_takes_the_generation_that_it_finds(
    server: FakeServer, enter: Any
) -> None:
    server.append("d1", "bob", "one")
    server.generation = ""
    client: Client = await enter()
    assert client.store.generation() == ""
    server.generation = "named"
    await server.cut()
    await until(lambda: len(server.asked("conversation.sync")) == 2)
    assert client.store.generation() == "named"  # hello told it
    assert [params["known"] for params in server.asked("conversation.sync")] == [{}, {"d1": 1}]


async def test_a_push_before_the_sync_is_left_to_it(server: FakeServer, enter: Any) -> None:
    server.append("d1", "bob", "one")
    client: Client = await enter()
    replica = client._engine.replica
    replica.offline()
    entry = msgspec.convert(server.append("d1", "bob", "two", push=False), Entry)
    replica.pushed(entry)
    assert state(client).tip == 1
    await replica.sync(0)
    assert state(client).tip == 2
