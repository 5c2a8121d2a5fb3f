"""The SDK against a real server and a real cluster: what plays do not say."""

import asyncio
import importlib.util
import secrets
from pathlib import Path

import pytest

from hongyan_sdk import (
    Client,
    LoggedOut,
    MessageSent,
    Refused,
    Store,
    StoreInUse,
)

from .servers import Server, opened
from .waiting import until

COUNT = 150
PASSWORD = "a wild goose 1898"
EXAMPLE = Path(__file__).parents[2] / "sdk/python/examples/echo_bot.py"


def fresh(name: str) -> str:
    return f"{name}.{secrets.token_hex(4)}"


async def test_register_resume_and_log_out(live_server: Server, tmp_path: Path) -> None:
    handle, path = fresh("alice"), tmp_path / "alice.db"
    async with Client.register(live_server.url, handle, PASSWORD, Store(path)) as client:
        user_id, device_id = client.user_id, client.device_id
    async with Client(live_server.url, Store(path)) as client:
        assert (client.user_id, client.device_id) == (user_id, device_id)
        assert (await client.call("user.me"))["handle"] == handle
        await client.log_out()
    with pytest.raises(LoggedOut):
        async with Client(live_server.url, Store(path)):
            pass
    async with Client.login(live_server.url, handle, PASSWORD, Store(path)) as client:
        assert client.user_id == user_id
        assert client.device_id != device_id


async def test_a_store_is_of_one_account(live_server: Server, tmp_path: Path) -> None:
    path = tmp_path / "alice.db"
    async with Client.register(live_server.url, fresh("alice"), PASSWORD, Store(path)):
        pass
    client = Client.login(live_server.url, fresh("bob"), PASSWORD, Store(path))
    with pytest.raises(StoreInUse):
        await client.__aenter__()


async def test_a_wrong_password_is_refused(live_server: Server) -> None:
    handle = fresh("alice")
    await live_server.add_user(handle, PASSWORD)
    with pytest.raises(Refused) as refused:
        async with Client.login(live_server.url, handle, "wrong"):
            pass
    assert refused.value.code == "wrong_credentials"


async def test_tokens_are_renewed_before_they_end(server: str, tmp_path: Path) -> None:
    with opened(server, tmp_path, "users.access_token_s=10") as running:
        await running.add_user("alice", PASSWORD)
        path = tmp_path / "alice.db"
        async with Client.login(running.url, "alice", PASSWORD, Store(path)) as client:
            before = client.store.account()
        async with Client(running.url, Store(path)) as client:
            after = client.store.account()
            assert before is not None
            assert after is not None
            assert after.refresh_token != before.refresh_token
            assert after.device_id == before.device_id


async def test_many_messages_both_ways_keep_their_order(live_server: Server) -> None:
    handles = [fresh("alice"), fresh("bob")]
    ids = [await live_server.add_user(handle, PASSWORD) for handle in handles]
    async with (
        Client.login(live_server.url, handles[0], PASSWORD) as alice,
        Client.login(live_server.url, handles[1], PASSWORD) as bob,
    ):
        chat = await alice.open_direct(ids[1])
        there = await bob.open_direct(ids[0])
        inbox, outbox = bob.messages(), alice.messages()
        sendings = [chat.send_text(f"a{n}") for n in range(COUNT)]
        answers = [there.send_text(f"b{n}") for n in range(COUNT)]
        got = [(await anext(inbox)).text for _ in range(COUNT)]
        back = [(await anext(outbox)).text for _ in range(COUNT)]
        assert got == [f"a{n}" for n in range(COUNT)]
        assert back == [f"b{n}" for n in range(COUNT)]
        await asyncio.gather(*sendings, *answers)
        mine = [m.client_id for m in await chat.history(limit=1000)]
        theirs = [m.client_id for m in await there.history(limit=1000)]
        assert mine == theirs
        assert len(set(mine)) == 2 * COUNT


async def test_the_outbox_sends_what_a_dead_process_left(
    live_server: Server, tmp_path: Path
) -> None:
    handles = [fresh("alice"), fresh("bob")]
    ids = [await live_server.add_user(handle, PASSWORD) for handle in handles]
    path = tmp_path / "alice.db"
    async with Client.login(live_server.url, handles[0], PASSWORD, Store(path)) as alice:
        chat = await alice.open_direct(ids[1])
        await alice._engine.session.close()
        for n in range(3):
            chat.send_text(str(n))
        assert len(alice.pending()) == 3
    client = Client(live_server.url, Store(path))
    events = client.events()
    async with client, Client.login(live_server.url, handles[1], PASSWORD) as bob:
        sent: list[str] = []
        while len(sent) < 3:
            event = await anext(events)
            if isinstance(event, MessageSent):
                sent.append(event.message.text)
        assert sent == ["0", "1", "2"]
        history = await (await bob.open_direct(ids[0])).history()
        assert [m.text for m in history] == ["0", "1", "2"]


async def test_a_new_name_is_seen_within_seconds(live_server: Server) -> None:
    handles = [fresh(name) for name in ("alice", "bob", "carol")]
    alice_id, bob_id, carol_id = [
        await live_server.add_user(handle, PASSWORD) for handle in handles
    ]
    async with (
        Client.login(live_server.url, handles[0], PASSWORD) as alice,
        Client.login(live_server.url, handles[1], PASSWORD) as bob,
        Client.login(live_server.url, handles[2], PASSWORD) as carol,
    ):
        chat = await alice.open_direct(bob_id)
        await chat.send_text("hello")
        await alice.create_group("Geese", [carol_id])
        await until(lambda: bob.conversations() and carol.conversations())
        for client in (bob, carol):
            await client.contacts.profiles([alice_id])
        await alice.call("user.update", name="Alicia")
        await until(lambda: bob.chat(chat.conversation_id).state.name == "Alicia")
        for client in (bob, carol):
            names = client._engine.profiles._known
            await until(lambda names=names: names[alice_id]["name"] == "Alicia")


async def test_the_echo_bot_echoes(live_server: Server) -> None:
    spec = importlib.util.spec_from_file_location("echo_bot", EXAMPLE)
    assert spec is not None
    assert spec.loader is not None
    echo_bot = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(echo_bot)
    handle, bot = fresh("alice"), fresh("bot")
    bot_id = await live_server.add_user(bot, PASSWORD)
    await live_server.add_user(handle, PASSWORD)
    running = asyncio.ensure_future(echo_bot.main(live_server.url, bot, PASSWORD))
    async with Client.login(live_server.url, handle, PASSWORD) as alice:
        messages = alice.messages()
        chat = await alice.open_direct(bot_id)
        async with asyncio.timeout(40):
            await _until_online(alice, bot_id)
            await chat.send_text("鸿雁传书")
            assert (await anext(messages)).text == "鸿雁传书"
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def _until_online(client: Client, user_id: str) -> None:
    """Wait until the user has a device connected."""
    while True:
        answer = await client.call("presence.get", user_ids=[user_id])
        if answer["presences"][0]["online"]:
            return
        await asyncio.sleep(0.01)
