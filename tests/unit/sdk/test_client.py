"""A client against a server that breaks."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from tests.unit.waiting import until

from hongyan_sdk import (
    Client,
    ConnectionLost,
    ConversationChanged,
    Disconnected,
    LoggedOut,
    LoggedOutEvent,
    MemoryStore,
    MessageChanged,
    MessageFailed,
    MessageReceived,
    MessageSent,
    Refused,
    SignalReceived,
    Store,
)
from hongyan_sdk.events import Event, Stream
from hongyan_sdk.models import Conversation

from .conftest import account
from .fake_server import FakeServer, Refusal


async def texts(client: Client, conversation_id: str = "d1", limit: int = 500) -> list[str]:
    return [m.text for m in await client.chat(conversation_id).history(limit=limit)]


def state(client: Client, conversation_id: str = "d1") -> Conversation:
    return client.chat(conversation_id).state


def taken(stream: Stream[Event], kind: Any) -> list[Any]:
    """What the stream has queued, of one kind."""
    queue = stream._queue
    found = []
    while not queue.empty():
        event = queue.get_nowait()
        if isinstance(event, kind):
            found.append(event)
    return found


async def test_a_fresh_device_gets_the_state_and_no_old_news(
    server: FakeServer, enter: Any
) -> None:
    for n in range(3):
        server.append("d1", "bob", f"m{n}")
    client = await enter()
    assert await texts(client) == ["m0", "m1", "m2"]
    assert state(client).unread == 3
    assert state(client).name == "Bob"
    messages = client.messages()
    server.append("d1", "bob", "news")
    assert (await anext(messages)).text == "news"


async def test_pushes_are_stored_before_they_are_told(server: FakeServer, enter: Any) -> None:
    server.append("d1", "bob", "first")
    client = await enter()
    stream = client.messages()
    server.append("d1", "bob", "second")
    message = await anext(stream)
    assert client.store.entry("d1", message.seq) is not None
    assert state(client).unread == 2


async def test_the_client_syncs_when_the_server_asks(server: FakeServer, enter: Any) -> None:
    server.append("d1", "bob", "1")
    client = await enter()
    stream = client.messages()
    server.append("d1", "bob", "2", push=False)
    asked = len([method for method, _ in server.requests if method == "conversation.sync"])
    for _ in range(3):
        server.push("sync", {})
    assert (await anext(stream)).text == "2"
    assert await texts(client) == ["1", "2"]
    syncs = len([method for method, _ in server.requests if method == "conversation.sync"])
    assert 1 <= syncs - asked <= 3
    assert len(server.sockets) == 1, "the connection stays"


async def test_disordered_doubled_and_missing_pushes(server: FakeServer, enter: Any) -> None:
    server.append("d1", "bob", "1")
    client = await enter()
    stream = client.events()
    second, third, fourth = (server.append("d1", "bob", str(n), push=False) for n in (2, 3, 4))
    server.push("entry", fourth)
    server.push("entry", second)
    server.push("entry", fourth)
    await until(lambda: state(client).tip == 4)
    server.push("entry", third)
    server.append("d1", "bob", "5")
    await until(lambda: state(client).tip == 5)
    told = [event.message.text for event in taken(stream, MessageReceived)]
    assert told == ["2", "3", "4", "5"]


async def test_a_push_of_an_unknown_conversation(server: FakeServer, enter: Any) -> None:
    client = await enter()
    stream = client.messages()
    server.append("d2", "bob", "hello", push=False)
    server.append("d2", "bob", "anybody?")
    assert [(await anext(stream)).text for _ in range(2)] == ["hello", "anybody?"]
    assert state(client, "d2").name == "Bob"


def joined(server: FakeServer, conversation_id: str) -> None:
    body = {"conversation_id": conversation_id, "kind": "direct", "how": "opened"}
    server.entry("@me", "system", "membership.joined", body)


async def test_the_own_log_tells_of_a_conversation_that_nothing_was_pushed_of(
    server: FakeServer, enter: Any
) -> None:
    client = await enter(store := MemoryStore())
    server.append("d2", "bob", "hello", push=False)
    joined(server, "d2")
    assert (await anext(client.messages())).text == "hello"
    asked = len(server.asked("conversation.get"))
    joined(server, "d2")  # known and ours: nobody has to ask
    await until(lambda: store.user_tip() == 2)
    server.append("d2", "bob", "there?")
    await until(lambda: state(client, "d2").tip == 2)
    assert len(server.asked("conversation.get")) == asked


async def test_a_join_during_the_sync_is_not_lost(server: FakeServer, enter: Any) -> None:
    server.append("d1", "bob", "1")
    client = await enter(store := MemoryStore())
    hold = asyncio.Event()
    server.faults["conversation.sync"].append(hold)
    server.push("sync", {})
    await until(lambda: len(server.asked("conversation.sync")) == 2)
    server.append("d2", "bob", "hello", push=False)  # the answer was made before
    joined(server, "d2")
    await until(lambda: store.user_tip() == 1)
    hold.set()
    await until(lambda: store.conversation("d2") is not None)
    await until(lambda: state(client, "d2").tip == 1)


async def test_who_is_back_in_a_group_asks_how_it_stands(server: FakeServer, enter: Any) -> None:
    server.append("d1", "bob", "1")
    client = await enter()
    server.left = ["d1"]
    server.entry("d1", "bob", "members.left", {"user_ids": ["me"]})
    await until(lambda: not state(client).active and len(server.asked("conversation.get")) == 1)
    server.left = []
    joined(server, "d1")
    await until(lambda: state(client).active)


async def test_own_sends_take_their_place_among_pushes(server: FakeServer, enter: Any) -> None:
    server.append("d1", "bob", "1")
    client = await enter()
    stream = client.events()
    hold = asyncio.Event()
    server.faults["message.send"].append(hold)
    sending = client.send("d1", "mine")
    await until(lambda: len(server.logs["d1"]) == 2)
    server.append("d1", "bob", "3")  # comes before our own receipt
    hold.set()
    mine = await sending
    assert mine.seq == 2
    await until(lambda: state(client).tip == 3)
    events = taken(stream, MessageReceived | MessageSent)
    assert [(type(e), e.message.text) for e in events] == [
        (MessageSent, "mine"),
        (MessageReceived, "3"),
    ]
    assert not server.asked("conversation.history")
    assert client.pending() == []


async def test_a_lost_ack_is_asked_again_and_doubles_nothing(
    server: FakeServer, enter: Any
) -> None:
    server.append("d1", "bob", "1")
    client = await enter()
    stream = client.events()
    server.faults["message.send"] += ["drop", "cut"]
    sendings = [client.send("d1", f"m{n}") for n in range(5)]
    sent = [await sending for sending in sendings]
    assert [m.seq for m in sent] == [2, 3, 4, 5, 6]
    assert [e["body"]["content"]["text"] for e in server.logs["d1"][1:]] == [
        f"m{n}" for n in range(5)
    ]
    assert len(taken(stream, MessageSent)) == 5
    assert client.pending() == []


async def test_the_outbox_survives_the_process(
    server: FakeServer, enter: Any, tmp_path: Path
) -> None:
    path = tmp_path / "me.db"
    server.append("d1", "bob", "1")
    first = await enter(Store(path))
    server.faults["message.send"] += [Refusal("busy", retryable=True)] * 1000
    first.send("d1", "a")
    first.send("d1", "b")
    await until(lambda: server.asked("message.send"))
    await first.close()
    server.faults["message.send"].clear()
    second = await enter(Store(path))
    await until(lambda: second.pending() == [])
    assert await texts(second) == ["1", "a", "b"]
    client_ids = [params["client_id"] for params in server.asked("message.send")]
    assert client_ids == sorted(client_ids)


async def test_a_final_refusal_marks_the_message_and_lets_the_next_pass(
    server: FakeServer, enter: Any
) -> None:
    server.append("d1", "bob", "1")
    client = await enter()
    stream = client.events()
    server.faults["message.send"].append(Refusal("muted"))
    bad, good = client.send("d1", "bad"), client.send("d1", "good")
    with pytest.raises(Refused) as refused:
        await bad
    assert refused.value.code == "muted"
    await good
    assert [m.state for m in client.pending()] == ["failed"]
    (failed,) = taken(stream, MessageFailed)
    again = client.retry(failed.message.client_id)
    assert again is not None
    assert (await again).text == "bad"
    assert client.pending() == []


async def test_a_retryable_refusal_keeps_the_order(server: FakeServer, enter: Any) -> None:
    server.append("d1", "bob", "1")
    client = await enter()
    server.faults["message.send"].append(Refusal("rate_limited", True, retry_after_ms=30))
    first, second = client.send("d1", "a"), client.send("d1", "b")
    assert ((await first).seq, (await second).seq) == (2, 3)


async def test_what_was_missed_comes_with_the_next_connection(
    server: FakeServer, enter: Any
) -> None:
    server.append("d1", "bob", "1")
    client = await enter()
    stream = client.events()
    server.is_mute = True  # pushes are lost
    for n in range(2, 60):
        server.append("d1", "bob", str(n))
    server.is_mute = False
    await server.cut()
    await until(lambda: state(client).tip == 59)
    events = taken(stream, MessageReceived | Disconnected)
    assert isinstance(events[0], Disconnected)
    assert [e.message.text for e in events[1:]] == [str(n) for n in range(2, 60)]
    assert state(client).unread == 59


async def test_too_much_missed_skips_to_the_newest(server: FakeServer, enter: Any) -> None:
    server.append("d1", "bob", "1")
    client = await enter(catch_up=10)
    server.is_mute = True
    for n in range(2, 101):
        server.append("d1", "bob", str(n))
    server.is_mute = False
    await server.cut()
    await until(lambda: state(client).tip == 100)
    assert state(client).unread == 100
    assert state(client).floor == 81
    assert await texts(client) == [str(n) for n in range(1, 101)]  # scrolls back on demand


async def test_scrolling_back_asks_for_what_is_not_here(server: FakeServer, enter: Any) -> None:
    for n in range(1, 151):
        server.append("d1", "bob", str(n))
    client = await enter()
    chat = client.chat("d1")
    newest = await chat.history(limit=30)
    assert [m.seq for m in newest] == list(range(121, 151))
    before = await chat.history(before_seq=newest[0].seq, limit=100)
    assert [m.seq for m in before] == list(range(21, 121))
    asked = len(server.asked("conversation.history"))
    assert await chat.history(before_seq=121, limit=100) == before
    assert len(server.asked("conversation.history")) == asked
    assert [m.seq for m in await chat.history(before_seq=21)] == list(range(1, 21))


async def test_old_reactions_are_seen_when_scrolling_back(server: FakeServer, enter: Any) -> None:
    server.append("d1", "bob", "liked")
    for n in range(40):
        server.append("d1", "bob", str(n))
    server.entry("d1", "eve", "message.reacted", {"seq": 1, "emoji": "👍", "added": True})
    client = await enter()
    assert (await client.chat("d1").history(limit=100))[0].reactions == {"👍": ["eve"]}


async def test_reading_here_and_elsewhere(server: FakeServer, enter: Any) -> None:
    for n in range(3):
        server.append("d1", "bob", str(n))
    client = await enter()
    await client.chat("d1").mark_read(2)
    assert state(client).unread == 1
    body = {"conversation_id": "d1", "read_seq": 3, "read_ordinal": 3}
    server.entry("@me", "me", "conversation.read", body)
    await until(lambda: state(client).unread == 0)


async def test_a_change_of_ours_is_in_the_store_when_the_call_returns(
    server: FakeServer, enter: Any
) -> None:
    server.append("d1", "bob", "hi")
    client = await enter()

    def react(params: dict[str, Any]) -> dict[str, Any]:
        body = {"seq": params["seq"], "emoji": params["emoji"], "added": params["add"]}
        entry = server.entry("d1", "me", "message.reacted", body, push=False)
        return {"entry_seq": entry["seq"], "at_ms": 0}

    server._message_react = react  # type: ignore[attr-defined]
    await client.chat("d1").react(1, "🎉")
    (message,) = await client.chat("d1").history()
    assert message.reactions == {"🎉": ["me"]}


async def test_an_edit_without_content_is_asked_for(server: FakeServer, enter: Any) -> None:
    server.append("d1", "bob", "helo")
    client = await enter()
    stream = client.events()
    server.contents["d1", 1] = {"content": {"type": "text", "text": "hello"}, "version": 2}
    server.entry("d1", "bob", "message.edited", {"seq": 1, "version": 2, "content": None})
    await until(lambda: taken(stream, MessageChanged))
    assert await texts(client) == ["hello"]
    assert client.store.outdated() == []


async def test_what_could_not_be_asked_for_is_asked_for_on_the_next_connection(
    server: FakeServer, enter: Any
) -> None:
    server.append("d1", "bob", "helo")
    client = await enter()
    server.contents["d1", 1] = {"content": {"type": "text", "text": "hello"}, "version": 2}
    server.faults["message.get"] += [Refusal("busy", retryable=True), "cut"]
    server.entry("d1", "bob", "message.edited", {"seq": 1, "version": 2, "content": None})
    await until(lambda: client.store.outdated() == [] and server.asked("message.get"))
    assert await texts(client) == ["hello"]
    assert len(server.asked("message.get")) == 3


async def test_a_message_that_may_not_be_seen_any_more_is_left_as_it_is(
    server: FakeServer, enter: Any
) -> None:
    server.append("d1", "bob", "helo")
    client = await enter()
    server.faults["message.get"].append(Refusal("not_a_member"))
    server.entry("d1", "bob", "message.edited", {"seq": 1, "version": 2, "content": None})
    await until(lambda: client.store.outdated() == [] and server.asked("message.get"))
    assert await texts(client) == ["helo"]


async def test_kicked_is_the_end(server: FakeServer, enter: Any) -> None:
    client = await enter()
    stream = client.events()
    server.push("kicked", {"reason": "replaced"})
    await server.cut(4003, "replaced")
    events = [event async for event in stream]
    assert events[-1] == LoggedOutEvent("replaced")
    with pytest.raises(LoggedOut):
        await client.call("ping")
    assert len(server.asked("hello")) == 1


async def test_the_server_asks_to_reconnect(server: FakeServer, enter: Any) -> None:
    client = await enter()
    server.push("reconnect", {"after_ms": 1})
    await until(lambda: len(server.asked("hello")) == 2)
    await client.wait_online(5)


async def test_a_dead_peer_is_cut(server: FakeServer, enter: Any) -> None:
    server.heartbeat_s = 0.05
    client = await enter()
    await until(lambda: server.asked("ping"))
    server.is_mute = True
    await until(lambda: not client.is_online)
    server.is_mute, server.heartbeat_s = False, 30.0
    await client.wait_online(5)


async def test_a_client_that_is_offline_reads_its_store(
    server: FakeServer, enter: Any, tmp_path: Path
) -> None:
    server.append("d1", "bob", "1")
    first = await enter(Store(tmp_path / "me.db"))
    await first.close()
    await server.stop()
    client = Client(server.url, Store(tmp_path / "me.db"))
    entering = asyncio.ensure_future(client.__aenter__())
    await until(client.store.conversations)
    assert await texts(client) == ["1"]
    client.send("d1", "later")
    assert [m.state for m in client.pending()] == ["pending"]
    entering.cancel()
    await asyncio.gather(entering, return_exceptions=True)
    await server.start()


async def test_an_unknown_token_without_refresh_is_told(server: FakeServer, enter: Any) -> None:
    store = MemoryStore()
    store.put_account(account(server.url, token="bad"))
    client = Client(server.url, store)
    # the fake server has no HTTP: renewing fails as a lost connection, not as a logout
    entering = asyncio.ensure_future(client.__aenter__())
    await until(lambda: len(server.asked("hello")) >= 1)
    assert not client.is_online
    entering.cancel()
    await asyncio.gather(entering, return_exceptions=True)


async def test_handlers_get_each_message_once_in_order(server: FakeServer) -> None:
    server.append("d1", "bob", "old")
    store = MemoryStore()
    store.put_account(account(server.url))
    client = Client(server.url, store)
    got: list[str] = []

    @client.on_message
    async def remember(message: Any) -> None:
        await asyncio.sleep(0)
        got.append(message.text)

    async with client:
        for n in range(20):
            server.append("d1", "bob" if n % 2 else "me", str(n))
        await until(lambda: len(got) == 10)
    assert got == [str(n) for n in range(20) if n % 2]


async def test_signals_are_told(server: FakeServer, enter: Any) -> None:
    client = await enter()
    stream = client.events()
    data = {"log_id": "d1", "kind": "typing", "sender": "bob", "body": {"state": "typing"}}
    server.push("signal", data)
    event = await anext(stream)
    assert event == SignalReceived("d1", "typing", "bob", {"state": "typing"})


async def test_a_profile_that_changed_is_told(server: FakeServer, enter: Any) -> None:
    server.append("d1", "bob", "1")
    client = await enter()
    assert (await client.contacts.profiles(["bob"]))["bob"]["name"] == "Bob"
    stream = client.events()
    data = {"log_id": "d1", "kind": "profile", "sender": "bob"}
    server.push("signal", {**data, "body": {"user_id": "bob", "name": "Robert"}})
    event = await anext(stream)
    assert isinstance(event, ConversationChanged)
    assert state(client).name == event.conversation.name == "Robert"
    asked = len(server.asked("user.get"))
    assert (await client.contacts.profiles(["bob"]))["bob"]["name"] == "Robert"
    assert len(server.asked("user.get")) == asked


async def test_profiles_that_changed_during_an_absence_are_read_anew(
    server: FakeServer, enter: Any
) -> None:
    server.append("d1", "bob", "1")
    client = await enter()
    await client.contacts.profiles(["bob"])
    server.names["bob"] = "Robert"
    await server.cut()
    await until(lambda: state(client).name == "Robert")
    await client.wait_online()
    assert (await client.contacts.profiles(["bob"]))["bob"]["name"] == "Robert"


async def test_without_a_connection_profiles_are_as_they_were(
    server: FakeServer, enter: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = await enter()
    await client.contacts.profiles(["bob"])

    async def lost(*_: Any) -> Any:
        raise ConnectionLost("gone")

    profiles = client._engine.profiles
    monkeypatch.setattr(profiles, "_call", lost)
    profiles.invalidate()
    assert (await client.contacts.profiles(["bob"]))["bob"]["name"] == "Bob"
    with pytest.raises(ConnectionLost):
        await client.contacts.profiles(["bob", "carol"])


async def test_received_messages_are_confirmed(server: FakeServer, enter: Any) -> None:
    server.append("d1", "bob", "1")
    await enter()
    server.append("d1", "bob", "2")
    await until(
        lambda: {"conversation_id": "d1", "seq": 2} in server.asked("conversation.delivered")
    )


async def test_left_conversations_are_listed_no_more(server: FakeServer, enter: Any) -> None:
    server.append("d1", "bob", "1")
    client = await enter()
    server.left.append("d1")
    await server.cut()
    await until(lambda: client.conversations() == [])
    assert await texts(client) == ["1"]


async def test_an_answer_with_another_name_is_nobodys(server: FakeServer, enter: Any) -> None:
    client = await enter()
    with pytest.raises(Refused, match="unknown_method"):
        await client.call("no.such")


async def test_too_long_a_message_fails_and_does_not_break_the_connection(
    server: FakeServer, enter: Any
) -> None:
    server.append("d1", "bob", "1")
    client = await enter()
    with pytest.raises(Refused, match="too_long"):
        await client.send("d1", "x" * (1024 * 1024))
    assert (await client.send("d1", "short")).seq == 2
    assert len(server.asked("hello")) == 1


async def test_a_server_of_another_version_is_left_alone(server: FakeServer) -> None:
    store = MemoryStore()
    store.put_account(account(server.url))
    server.faults["hello"].append(Refusal("conflict", supported=[2]))
    client = Client(server.url, store)
    with pytest.raises(LoggedOut, match="other_version"):
        await client.__aenter__()


async def test_an_item_that_comes_when_the_outbox_has_just_run_dry_is_sent(
    server: FakeServer, enter: Any
) -> None:
    server.append("d1", "bob", "1")
    client = await enter()
    for n in range(50):
        sending = client.send("d1", f"a{n}")
        await sending  # resumes in the very moment in which the worker finds nothing more
        again = client.send("d1", f"b{n}")
        async with asyncio.timeout(5):
            await again


async def test_who_waits_for_a_connection_that_breaks_at_once_waits_on(
    server: FakeServer, enter: Any
) -> None:
    client = await enter()
    online = client._engine.session._online
    await server.cut()
    await until(lambda: not client.is_online)
    waiting = asyncio.ensure_future(client.wait_online(5))
    await asyncio.sleep(0)
    online.set()
    online.clear()  # before the one who waits has run
    await waiting
    assert client.is_online
