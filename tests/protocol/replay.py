"""Replays a transcript of ``protocol/transcripts`` against a live server.

The format is told in ``protocol/README.md``, section 11.
"""

import asyncio
import json
from pathlib import Path
from typing import Any

import msgspec
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

from hongyan.access.admission import OPERATOR
from hongyan.access.control.client import ControlClient
from hongyan.domain.catalog import COMMANDS
from hongyan.domain.user.commands_admin import CreateUser, FindUser, MintToken
from hongyan.kernel.errors import NotFound
from hongyan.kernel.ids import UserId

from .server_process import ServerProcess

WAIT_S = 10.0
SILENCE_S = 0.3
Step = dict[str, Any]


def read_transcript(path: Path) -> list[Step]:
    """Return the steps of a transcript."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line]


class Mismatch(AssertionError):
    """The server said something else."""


class Connection:
    """One connection of a transcript and the messages that have come on it."""

    def __init__(self, socket: ClientConnection, binary: bool) -> None:
        self._socket = socket
        self._binary = binary
        self._came: asyncio.Queue[Any] = asyncio.Queue()
        self._kept: list[Any] = []
        self._reading = asyncio.create_task(self._read())

    async def _read(self) -> None:
        try:
            async for message in self._socket:
                assert isinstance(message, bytes) is self._binary, "the wrong WebSocket type"
                decode = msgspec.msgpack.decode if self._binary else msgspec.json.decode
                self._came.put_nowait(decode(message))
        except ConnectionClosed:
            pass

    async def send(self, message: Any) -> None:
        """Send an object, or a text as it stands."""
        if isinstance(message, str):
            await self._socket.send(message)
        elif self._binary:
            await self._socket.send(msgspec.msgpack.encode(message))
        else:
            await self._socket.send(json.dumps(message))

    async def next(self) -> Any:
        """Return the next message."""
        if self._kept:
            return self._kept.pop(0)
        return await asyncio.wait_for(self._came.get(), WAIT_S)

    def keep(self, messages: list[Any]) -> None:
        """Put messages back, to be next."""
        self._kept = messages + self._kept

    def waiting(self) -> list[Any]:
        """Return what has come and was not expected yet."""
        found = list(self._kept)
        while not self._came.empty():
            found.append(self._came.get_nowait())
        self._kept = found
        return found

    async def drop(self) -> None:
        """Close from our side."""
        await self._socket.close()
        await self._reading

    async def closed(self) -> int | None:
        """Wait until the server has closed, and return the code."""
        await asyncio.wait_for(self._socket.wait_closed(), WAIT_S)
        await self._reading
        return self._socket.close_code


class Replay:
    """Takes the steps of one transcript."""

    def __init__(self, server: ServerProcess) -> None:
        self._server = server
        self._control: ControlClient
        self._connections: dict[str, Connection] = {}
        self.known: dict[str, Any] = {}

    async def run(self, steps: list[Step]) -> None:
        """Take all steps.

        Raises:
            Mismatch: with the number of the step that the server did not keep to.
        """
        self._control = await ControlClient.connect(self._server.data_dir)
        try:
            for number, step in enumerate(steps, 1):
                try:
                    await self._take(step)
                except (AssertionError, TimeoutError, ConnectionClosed) as error:
                    raise Mismatch(f"step {number} {step}: {error!r}") from error
        finally:
            for connection in self._connections.values():
                await connection.drop()
            await self._control.close()

    async def _take(self, step: Step) -> None:
        if "user" in step:
            await self._make_user(step["user"], step["device"])
        elif "operator" in step:
            asked = self._filled(step["operator"])
            command = msgspec.convert(asked["params"], COMMANDS[asked["method"]])
            await self._control.call(OPERATOR, command)
        elif "connect" in step:
            await self._connect(step["connect"], step.get("format", "hongyan.json"))
        elif "send" in step:
            for n in range(1, step.get("repeat", 1) + 1):
                message = step["send"]
                if "repeat" in step:
                    message = json.loads(json.dumps(message).replace('"{n}"', str(n)))
                await self._connections[step["on"]].send(self._filled(message))
        elif "expect" in step:
            await self._expect(step["on"], step["expect"], step.get("unordered", False))
        elif "disconnect" in step:
            await self._connections.pop(step["disconnect"]).drop()
        elif "closed" in step:
            code = await self._connections[step["on"]].closed()
            assert code == step["closed"], f"closed with {code}"
        elif "silence" in step:
            await asyncio.sleep(SILENCE_S)
            assert self._connections[step["on"]].waiting() == []
        else:
            assert step.keys() <= {"note", "settings"}, "not a step"

    async def _make_user(self, handle: str, device: str) -> None:
        try:
            account = await self._control.call(OPERATOR, FindUser(identifier=handle))
        except NotFound:
            account = await self._control.call(OPERATOR, CreateUser(handle=handle, name=handle))
        user_id = UserId(account.user_id)
        minted = await self._control.call(
            OPERATOR, MintToken(user_id=user_id, platform="cli", device_name=device)
        )
        self.known[f"${handle}"] = user_id
        self.known[f"${handle}/{device}"] = minted.access_token
        self.known[f"${handle}/{device}/id"] = minted.device_id
        self.known[f"${handle}/{device}/refresh"] = minted.refresh_token

    async def _connect(self, name: str, form: str) -> None:
        socket = await connect(
            self._server.websocket_url, subprotocols=[Subprotocol(form)], compression=None
        )
        assert socket.subprotocol == form
        self._connections[name] = Connection(socket, form == "hongyan.msgpack")

    async def _expect(self, on: str, wanted: Any, unordered: bool) -> None:
        connection = self._connections[on]
        skipped: list[Any] = []
        while True:
            try:
                message = await connection.next()
            except TimeoutError:
                raise Mismatch(f"it did not come; there came {skipped}") from None
            before = dict(self.known)
            difference = self._difference(wanted, message, "")
            if not difference:
                connection.keep(skipped)
                return
            self.known = before
            if not unordered:
                raise Mismatch(f"{difference}, in {message}")
            skipped.append(message)

    def _filled(self, template: Any) -> Any:
        """Return the template with what the placeholders stand for."""
        if isinstance(template, dict):
            return {self._filled(key): self._filled(value) for key, value in template.items()}
        if isinstance(template, list):
            return [self._filled(value) for value in template]
        if isinstance(template, str) and template.startswith("$"):
            return self.known[template]
        return template

    def _difference(self, wanted: Any, got: Any, place: str) -> str:
        """Return where and how ``got`` is not what is wanted; empty when it is."""
        if isinstance(wanted, str) and wanted.startswith("$"):
            return self._placeholder_difference(wanted, got, place)
        if isinstance(wanted, dict):
            if not isinstance(got, dict):
                return f"{place}: {got!r} is no object"
            for key, value in wanted.items():
                name = self._filled(key)
                if name not in got:
                    return f"{place}.{name} is missing"
                if found := self._difference(value, got[name], f"{place}.{name}"):
                    return found
            return ""
        if isinstance(wanted, list):
            if not isinstance(got, list) or len(got) != len(wanted):
                return f"{place}: {got!r} has not {len(wanted)} members"
            for at, (one, other) in enumerate(zip(wanted, got, strict=True)):
                if found := self._difference(one, other, f"{place}[{at}]"):
                    return found
            return ""
        return "" if wanted == got else f"{place}: {got!r} instead of {wanted!r}"

    def _placeholder_difference(self, wanted: str, got: Any, place: str) -> str:
        if wanted == "$$any":
            return ""
        if wanted == "$$int":
            return "" if isinstance(got, int) else f"{place}: {got!r} is no integer"
        if wanted == "$$text":
            return "" if isinstance(got, str) and got else f"{place}: {got!r} is no text"
        if self.known.setdefault(wanted, got) != got:
            return f"{place}: {got!r} instead of {wanted} = {self.known[wanted]!r}"
        return ""
