"""Rights that change while somebody is connected, over the server that was put together."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection, connect

from hongyan.access.admission import OPERATOR
from hongyan.access.control.client import ControlClient
from hongyan.app.roles.embedded import Embedded, Server
from hongyan.app.settings.sections import ServerSettings, Settings
from hongyan.domain.integration.commands import CreateKey, RevokeKey
from hongyan.domain.user.commands_admin import CreateUser, DeactivateUser, MintToken, SetAdmin
from hongyan.kernel.bus import Command
from hongyan.kernel.ids import UserId

from .conftest import CHEAP

ANN = UserId("ann")


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[Server]:
    folder = str(tmp_path / "data")
    settings = Settings(server=ServerSettings(data_dir=folder, listen="127.0.0.1:0"), users=CHEAP)
    embedded = await Embedded.open(settings)
    server = Server(embedded)
    await server.start()
    yield server
    await server.stop()
    await embedded.close()


class Operator:
    """Asks by the control socket."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def __call__(self, command: Command[Any]) -> Any:
        client = await ControlClient.connect(self._folder)
        try:
            return await client.call(OPERATOR, command)
        finally:
            await client.close()


@pytest.fixture
def operator(tmp_path: Path, server: Server) -> Operator:
    return Operator(tmp_path / "data")


async def code(socket: ClientConnection, method: str, **params: Any) -> str:
    """Return the code of the answer's refusal; empty where there is none."""
    await socket.send(json.dumps({"id": 7, "method": method, "params": params}))
    while (answer := json.loads(await socket.recv())).get("id") != 7:
        pass
    return str(answer.get("error", {}).get("code", ""))


def opened(server: Server) -> Any:
    url = server.url.replace("http", "ws") + "/ws"
    return connect(url, subprotocols=["hongyan.json"])  # type: ignore[list-item]


async def test_a_demoted_administrator_has_no_more_than_others(
    server: Server, operator: Operator
) -> None:
    await operator(CreateUser(user_id=ANN, handle="ann", name="Ann", admin=True))
    token = (await operator(MintToken(user_id=ANN))).access_token
    async with opened(server) as socket:
        assert await code(socket, "hello", token=token) == ""
        assert await code(socket, "admin.statistics") == ""
        await operator(SetAdmin(user_id=ANN, admin=False))
        assert await code(socket, "admin.statistics") == "forbidden"
        assert await code(socket, "user.me") == ""
        await operator(SetAdmin(user_id=ANN, admin=True))
        assert await code(socket, "admin.statistics") == ""


Ending = Callable[[str], Command[Any]]


@pytest.mark.parametrize(
    "ending",
    [lambda key_id: RevokeKey(key_id=key_id), lambda _: DeactivateUser(user_id=ANN)],
    ids=["key revoked", "bot deactivated"],
)
async def test_a_bot_goes_with_its_key_and_its_account(
    server: Server, operator: Operator, ending: Ending
) -> None:
    await operator(CreateUser(user_id=ANN, handle="ann", name="Ann", bot=True))
    made = await operator(CreateKey(name="k", scopes=("users:read",), user_id=ANN))
    async with opened(server) as socket:
        assert await code(socket, "hello", token=made.key) == ""
        assert await code(socket, "user.me") == ""
        await operator(ending(made.info.key_id))
        await asyncio.wait_for(socket.wait_closed(), 5)  # without asking for anything
        assert socket.close_code == 4003


async def test_events_are_counted(server: Server, operator: Operator) -> None:
    before = server.hub.events
    await operator(CreateUser(user_id=ANN, handle="ann", name="Ann"))
    assert server.hub.events > before
    page = (await server.ops.metrics()).body.decode()
    assert f"hongyan_events_total {float(server.hub.events)}" in page
