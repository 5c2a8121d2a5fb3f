"""The terminal client against a real server and a real cluster."""

import asyncio
import os
import secrets
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from textual.pilot import Pilot
from textual.widgets import Input, OptionList, Static

from hongyan_sdk import Client
from hongyan_sdk.chat.accounts import Accounts
from hongyan_sdk.chat.app import ChatApp
from hongyan_sdk.chat.composer import Composer
from hongyan_sdk.chat.history import History

from .live_server import HONGYAN
from .servers import Server

PASSWORD = "a wild goose 1898"
SIZE = (100, 30)


class Person:
    """A user of one test."""

    def __init__(self, handle: str, user_id: str, name: str) -> None:
        self.handle = handle
        self.user_id = user_id
        self.name = name


async def person(server: Server, name: str) -> Person:
    handle = f"p{secrets.token_hex(5)}"
    return Person(handle, await server.add_user(handle, PASSWORD, name), name)


@pytest.fixture
async def bob(live_server: Server) -> AsyncIterator[Client]:
    """Somebody to chat with."""
    other = await person(live_server, "王小明")
    async with Client.login(live_server.url, other.handle, PASSWORD) as client:
        client.handle = other.handle  # type: ignore[attr-defined]
        yield client


async def until(pilot: "Pilot[None]", is_so: Callable[[], object]) -> None:
    """Wait until the condition holds on the screen."""
    async with asyncio.timeout(40):
        while True:
            await pilot.pause(0.01)
            try:
                if is_so():
                    return
            except Exception:
                pass


def shown(app: ChatApp) -> list[str]:
    """What the history shows."""
    found = app.screen.query_one(History).query(Static)
    return [str(line.content) for line in found]


def is_shown(app: ChatApp, text: str) -> bool:
    return any(text in line for line in shown(app))


def listed(app: ChatApp) -> list[str]:
    """What the list of conversations shows."""
    options = app.screen.query_one("#list", OptionList)
    return [str(options.get_option_at_index(n).prompt) for n in range(options.option_count)]


async def log_in(pilot: "Pilot[None]", app: ChatApp, handle: str, password: str) -> None:
    await until(pilot, lambda: app.screen.query_one("#identifier"))
    app.screen.query_one("#identifier", Input).value = handle
    app.screen.query_one("#password", Input).value = password
    await pilot.click("#login")


async def write(pilot: "Pilot[None]", app: ChatApp, text: str) -> None:
    composer = app.screen.query_one(Composer)
    composer.focus()
    composer.insert(text)
    await pilot.press("enter")


async def test_register_find_somebody_and_talk(
    live_server: Server, bob: Client, tmp_path: Path
) -> None:
    inbox = bob.messages()
    app = ChatApp(Accounts(tmp_path), live_server.url)
    handle = f"p{secrets.token_hex(5)}"
    async with app.run_test(size=SIZE) as pilot:
        await until(pilot, lambda: app.screen.query_one("#identifier"))
        app.screen.query_one("#identifier", Input).value = handle
        app.screen.query_one("#password", Input).value = PASSWORD
        await pilot.click("#register")
        await until(pilot, lambda: app.screen.query_one("#empty").display)
        await pilot.press("ctrl+n")
        await until(pilot, lambda: app.screen.query_one("#query"))
        app.screen.query_one("#query", Input).value = bob.handle  # type: ignore[attr-defined]
        found = app.screen.query_one("#found", OptionList)
        await until(pilot, lambda: found.option_count == 1)
        await pilot.press("enter")
        await until(pilot, lambda: "王小明" in listed(app)[0])
        await write(pilot, app, "Hello, 小明!")
        message = await anext(inbox)
        assert message.text == "Hello, 小明!"
        await until(pilot, lambda: is_shown(app, "Hello, 小明!"))
        there = bob.chat(message.conversation_id)
        await there.send_text("[bold]not markup[/bold] \x1b[31mnor escapes")
        await until(pilot, lambda: is_shown(app, "[bold]not markup[/bold] [31mnor escapes"))
        await there.react(message.seq, "👍")
        await until(pilot, lambda: is_shown(app, "👍 1"))
        await write(pilot, app, "/edit Hello again")
        await until(pilot, lambda: is_shown(app, "Hello again  edited"))
        await write(pilot, app, "/recall")
        await until(pilot, lambda: is_shown(app, "message recalled"))
        assert app.screen.query_one(Composer).text == ""
    async with app_again(tmp_path, live_server).run_test(size=SIZE) as pilot:
        again = pilot.app
        assert isinstance(again, ChatApp)
        await until(pilot, lambda: is_shown(again, "not markup"))  # logged in still


def app_again(folder: Path, server: Server) -> ChatApp:
    return ChatApp(Accounts(folder), server.url)


async def test_unread_counts_scroll_back_and_switching(
    live_server: Server, bob: Client, tmp_path: Path
) -> None:
    alice = await person(live_server, "Alice")
    chat = await bob.open_direct(alice.user_id)
    for n in range(120):
        await chat.send_text(f"message {n}.")
    group = await bob.create_group("周末爬山", [alice.user_id])
    await group.send_text("Who is coming?")
    app = ChatApp(Accounts(tmp_path), live_server.url)
    async with app.run_test(size=SIZE) as pilot:
        await log_in(pilot, app, alice.handle, PASSWORD)
        await until(pilot, lambda: is_shown(app, "Who is coming?"))
        assert listed(app)[0].startswith("周末爬山")
        assert listed(app)[1].rstrip().endswith("120")
        await pilot.press("alt+down")
        await until(pilot, lambda: is_shown(app, "message 119."))
        assert not is_shown(app, "message 5.")
        await until(pilot, lambda: not listed(app)[1].rstrip().endswith("120"))
        while not is_shown(app, "message 0."):
            await pilot.press("pageup")
            await pilot.pause(0.01)
        texts = [line for line in shown(app) if "message " in line]
        assert len(texts) == 120


async def test_a_wrong_password_and_a_kick(
    live_server: Server, bob: Client, tmp_path: Path
) -> None:
    alice = await person(live_server, "Alice")
    app = ChatApp(Accounts(tmp_path), live_server.url)
    async with app.run_test(size=SIZE) as pilot:
        await log_in(pilot, app, alice.handle, "wrong")

        def problem() -> str:
            return "".join(
                str(found.content) for found in app.screen.query("#problem").results(Static)
            )

        await until(pilot, lambda: "wrong" in problem())
        app.screen.query_one("#password", Input).value = PASSWORD
        app.screen.query_one("#password").focus()
        async with asyncio.timeout(40):
            while not app.screen.query("#empty"):  # the server may ask to wait a little
                if problem() not in {"", "Connecting…"}:
                    await pilot.press("enter")
                await pilot.pause(0.05)
        async with Client.login(live_server.url, alice.handle, PASSWORD) as other:
            await other.call("user.kick_other_devices")
            await until(pilot, lambda: "logged out: kicked" in problem())


async def test_help_and_unknown_commands(live_server: Server, bob: Client, tmp_path: Path) -> None:
    alice = await person(live_server, "Alice")
    await (await bob.open_direct(alice.user_id)).send_text("hi")
    app = ChatApp(Accounts(tmp_path), live_server.url)
    async with app.run_test(size=SIZE) as pilot:
        await log_in(pilot, app, alice.handle, PASSWORD)
        await until(pilot, lambda: is_shown(app, "hi"))
        await pilot.press("f1")
        await until(pilot, lambda: any("/react" in note.message for note in app._notifications))
        await write(pilot, app, "/dance")
        await until(pilot, lambda: any("/dance" in note.message for note in app._notifications))


async def run_chat(folder: Path, server: Server, *args: str) -> tuple[int, str, str]:
    process = await asyncio.create_subprocess_exec(
        str(HONGYAN),
        "chat",
        "--url",
        server.url,
        "--data",
        str(folder),
        *args,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={**os.environ, "HONGYAN_PASSWORD": PASSWORD, "PYTHONUNBUFFERED": "1"},
    )
    out, err = await process.communicate()
    assert process.returncode is not None
    return process.returncode, out.decode(), err.decode()


async def test_the_modes_for_scripts(live_server: Server, bob: Client, tmp_path: Path) -> None:
    alice = await person(live_server, "Alice")
    inbox = bob.messages()
    handle = bob.handle  # type: ignore[attr-defined]
    code, out, err = await run_chat(
        tmp_path, live_server, "--as", alice.handle, "--send", handle, "飞鸽传书"
    )
    assert (code, out, err) == (0, "", "")
    message = await anext(inbox)
    assert message.text == "飞鸽传书"
    await bob.chat(message.conversation_id).send_text("收到\nthanks")
    code, out, err = await run_chat(tmp_path, live_server, "--list")
    assert (code, err) == (0, "")
    assert out.split("\t")[:2] == ["1", "王小明"]
    code, out, err = await run_chat(tmp_path, live_server, "--read")
    assert (code, err) == (0, "")
    assert out.startswith("== 王小明\n")
    assert out.endswith("王小明: 收到\n    thanks\n")
    code, out, _ = await run_chat(tmp_path, live_server, "--read")
    assert (code, out) == (0, "")
    code, _, err = await run_chat(tmp_path, live_server, "--send", "nobody-at-all", "x")
    assert code == 1
    assert "nobody-at-all" in err


async def test_follow_prints_as_it_comes(live_server: Server, bob: Client, tmp_path: Path) -> None:
    alice = await person(live_server, "Alice")
    chat = await bob.open_direct(alice.user_id)
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        "import sys; from hongyan_sdk.chat import main; sys.exit(main(sys.argv[1:]))",
        *("--url", live_server.url, "--data", str(tmp_path), "--as", alice.handle, "--follow"),
        stdout=asyncio.subprocess.PIPE,
        env={**os.environ, "HONGYAN_PASSWORD": PASSWORD},
    )
    assert process.stdout is not None
    try:
        async with asyncio.timeout(40):
            while True:
                presence = await bob.call("presence.get", user_ids=[alice.user_id])
                if presence["presences"][0]["online"]:
                    break
                await asyncio.sleep(0.02)
            await chat.send_text("first")
            await chat.send_text("second")
            lines = [(await process.stdout.readline()).decode() for _ in range(2)]
    finally:
        process.terminate()
        await process.wait()
    assert lines[0].startswith("[王小明] ")
    assert [line.rpartition(": ")[2] for line in lines] == ["first\n", "second\n"]
