"""The operator's end of the control socket: a ``Caller`` whose server is another process."""

import asyncio
from pathlib import Path

import msgspec

from hongyan.kernel.bus import Actor, Command, Result
from hongyan.kernel.errors import Unavailable
from hongyan.wire.native.errors import refusal_of

from .protocol import LINE_BYTES_MAX, ControlAnswer, ControlRequest, socket_path


class ControlClient:
    """Sends commands to the server that runs on this data folder, one after another."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    @classmethod
    async def connect(cls, data_dir: Path) -> "ControlClient":
        """Return a client that is connected.

        Raises:
            OSError: no server listens in this folder, or it is another user's.
        """
        path = str(socket_path(data_dir))
        return cls(*await asyncio.open_unix_connection(path, limit=LINE_BYTES_MAX))

    async def close(self) -> None:
        """Hang up."""
        self._writer.close()

    async def call(self, actor: Actor, command: Command[Result]) -> Result:
        """See ``Caller.call``; the server takes the operator as the actor, whoever is named.

        Raises:
            Refusal: as the server's handler.
            Unavailable: the server went away before it answered.
        """
        del actor
        params = msgspec.Raw(msgspec.json.encode(command))
        request = ControlRequest(type(command).METHOD, params)
        try:
            self._writer.write(msgspec.json.encode(request) + b"\n")
            await self._writer.drain()
            line = await self._reader.readline()
        except (ConnectionError, ValueError) as error:
            raise Unavailable("The server hung up.") from error
        if not line:
            raise Unavailable("The server stopped before it answered.")
        answer = msgspec.json.decode(line, type=ControlAnswer)
        if answer.error is not None:
            raise refusal_of(answer.error)
        result: Result = msgspec.json.decode(answer.result, type=command.result_type())
        return result
