"""A server that is restored from a backup, and the devices that were there before."""

import asyncio
import shutil
from pathlib import Path

import pytest

from hongyan.app.export.backup import back_up, restore
from hongyan.app.progress import ProgressBars
from hongyan_sdk import BegunAnew, Client, Store

from .live_server import LiveServer
from .waiting import until

PASSWORD = "a wild goose 1898"


async def test_devices_converge_to_what_was_restored(tmp_path: Path) -> None:
    data = tmp_path / "data"
    server = LiveServer(data)
    await asyncio.to_thread(server.start)
    try:
        ids = {name: await server.add_user(name, PASSWORD) for name in ("li", "wang")}
        store = Store(tmp_path / "wang.db")
        async with (
            Client.login(server.url, "li", PASSWORD) as li,
            Client.login(server.url, "wang", PASSWORD, store) as wang,
        ):
            events = wang.events()
            talk = await li.open_direct(ids["wang"])
            for n in range(5):
                await talk.send_text(f"kept {n}")
            group = await li.create_group("of the backup", [ids["wang"]])
            await until(lambda: len(wang.conversations()) == 2)
            await asyncio.to_thread(back_up, data, None, tmp_path / "copy", ProgressBars())
            for n in range(30):
                await talk.send_text(f"lost {n}")
            await group.send_text("lost in the group")
            lost = await li.create_group("lost", [ids["wang"]])
            await wang.chat(talk.conversation_id).send_text("lost of mine")
            await until(lambda: len(wang.conversations()) == 3)
            server.kill()
            waiting = wang.chat(talk.conversation_id).send_text("not sent yet")
            shutil.rmtree(data)
            await asyncio.to_thread(restore, tmp_path / "copy", data, ProgressBars())
            await asyncio.to_thread(server.start)
            sent = await asyncio.wait_for(waiting, 30)
            async with asyncio.timeout(30):
                async for event in events:
                    if isinstance(event, BegunAnew):
                        break
            after = await li.chat(talk.conversation_id).send_text("after")
            await until(lambda: wang.chat(talk.conversation_id).state.tip == after.seq)
            truth = [f"kept {n}" for n in range(5)] + ["not sent yet", "after"]
            async with Client.login(server.url, "wang", PASSWORD) as fresh:
                for client in (li, wang, fresh):
                    history = await client.chat(talk.conversation_id).history(limit=100)
                    assert [message.text for message in history] == truth
                    found = {c.conversation_id for c in client.conversations()}
                    assert found == {talk.conversation_id, group.conversation_id}
                    assert lost.conversation_id not in found
                one, other = (c.chat(talk.conversation_id).state for c in (wang, fresh))
                assert (one.tip, one.unread) == (other.tip, other.unread)
            assert store.outbox() == []
            assert sent.seq == after.seq - 1
    finally:
        server.stop()


@pytest.mark.parametrize("times", [2])
async def test_each_restore_is_another_generation(tmp_path: Path, times: int) -> None:
    server = LiveServer(tmp_path / "data")
    await asyncio.to_thread(server.start)
    await server.add_user("li", PASSWORD)
    generations = set()
    async with Client.login(server.url, "li", PASSWORD) as li:
        generations.add(li.store.generation())
    await asyncio.to_thread(back_up, tmp_path / "data", None, tmp_path / "copy", ProgressBars())
    server.stop()
    for time in range(times):
        folder = tmp_path / f"restored{time}"
        await asyncio.to_thread(restore, tmp_path / "copy", folder, ProgressBars())
        restored = LiveServer(folder)
        for _ in range(2):  # it stays over restarts
            await asyncio.to_thread(restored.start)
            async with Client.login(restored.url, "li", PASSWORD) as li:
                generations.add(li.store.generation())
            restored.stop()
    assert len(generations) == times + 1
    assert "" not in generations
