"""The pages of ``docs/flows`` name what is called, in the order in which it is called."""

import json
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from websockets.asyncio.client import ClientConnection, connect

from hongyan.app.roles.embedded import Embedded, Server
from hongyan.app.settings.sections import ServerSettings, Settings, UserSettings

from .trace import FLOWS, SOURCE, check, steps_of, traced

CHEAP = UserSettings(registration="open", argon2_memory_kib=8, argon2_passes=1, argon2_threads=1)
PASSWORD = "plum blossom 7"
API = "/api/v1"


class World:
    """A server in this process, and two people who can write to each other."""

    def __init__(self, url: str, client: httpx.AsyncClient) -> None:
        self.url = url
        self.http = client
        self.tokens: dict[str, Any] = {}

    async def register(self, name: str) -> None:
        person = {"handle": name, "password": PASSWORD, "name": name, "platform": "web"}
        self.tokens[name] = (await self.http.post(f"{API}/auth/register", json=person)).json()

    def headers(self, name: str) -> dict[str, str]:
        return {"authorization": f"Bearer {self.tokens[name]['access_token']}"}

    async def direct(self) -> str:
        other = {"user_id": self.tokens["wangwang"]["user_id"]}
        made = await self.http.post(
            f"{API}/conversations/direct", headers=self.headers("lilili"), json=other
        )
        return str(made.json()["conversation_id"])

    async def socket(self, token: str) -> ClientConnection:
        opened = await connect(
            f"{self.url.replace('http', 'ws')}/ws", subprotocols=["hongyan.json"]
        )  # type: ignore[list-item]
        hello = {"id": 1, "method": "hello", "params": {"protocol": 1, "token": token}}
        await opened.send(json.dumps(hello))
        assert json.loads(await opened.recv())["id"] == 1
        return opened


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[tuple[World, dict[tuple[str, str], int]]]:
    listen = ServerSettings(data_dir=str(tmp_path / "data"), listen="127.0.0.1:0")
    with traced() as called:  # from the beginning: threads are traced that are made later
        embedded = await Embedded.open(Settings(server=listen, users=CHEAP))
        server = Server(embedded)
        await server.start()
        async with httpx.AsyncClient(base_url=server.url) as client:
            made = World(server.url, client)
            for name in ("lilili", "wangwang"):
                await made.register(name)
            yield made, called
        await server.stop()
        await embedded.close()


async def test_one_message(world: Any) -> None:
    people, called = world
    where = await people.direct()
    li, wang = [
        await people.socket(people.tokens[name]["access_token"]) for name in ("lilili", "wangwang")
    ]
    content = {"type": "text", "text": "hello"}
    params = {"conversation_id": where, "client_id": "1", "content": content}
    called.clear()
    await li.send(json.dumps({"id": 2, "method": "message.send", "params": params}))
    assert json.loads(await li.recv())["id"] == 2
    while json.loads(await wang.recv()).get("event") != "entry":
        pass
    check(FLOWS / "one-message.md", called)
    await li.close()
    await wang.close()


async def test_one_log_in(world: Any) -> None:
    people, called = world
    called.clear()
    person = {"identifier": "wangwang", "password": PASSWORD, "platform": "web"}
    tokens = (await people.http.post(f"{API}/auth/login", json=person)).json()
    socket = await people.socket(tokens["access_token"])
    check(FLOWS / "one-log-in.md", called)
    await socket.close()


async def test_one_file(world: Any) -> None:
    people, called = world
    where, headers = await people.direct(), people.headers("lilili")
    called.clear()
    about = {"upload-length": "5", "content-type": "application/offset+octet-stream"}
    sent = await people.http.post(
        f"{API}/uploads", headers={**headers, **about, "tus-resumable": "1.0.0"}, content=b"hello"
    )
    media_id = sent.headers["upload-media-id"]
    content = {"type": "file", "media_id": media_id, "name": "a.txt"}
    message = {"client_id": "1", "content": content}
    url = f"{API}/conversations/{where}/messages"
    assert (await people.http.post(url, headers=headers, json=message)).status_code == 200
    got = await people.http.get(f"{API}/media/{media_id}", headers=people.headers("wangwang"))
    assert got.content == b"hello"
    check(FLOWS / "one-file.md", called)


PAGES = sorted(FLOWS.glob("*.md"), key=lambda page: page.stem)


def test_there_are_four_pages() -> None:
    assert [page.stem for page in PAGES] == [
        "one-file",
        "one-log-in",
        "one-message",
        "one-message-over-the-cluster",
    ]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_every_file_that_a_page_names_is_there(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    named = {path for path, _ in steps_of(text)} | set(re.findall(r"`([\w/]+/\w+\.py)`", text))
    assert [path for path in sorted(named) if not Path(SOURCE, path).is_file()] == []
