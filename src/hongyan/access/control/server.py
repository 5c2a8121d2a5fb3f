"""The server's end of the control socket.

Whoever may open the socket (file mode 600 in a folder of mode 700) is the operator: the same
person could read the database. So it carries the commands of administrators and the internal
ones, and no others, without a log-in.
"""

import asyncio
import logging
import socket
from pathlib import Path
from typing import Any

import msgspec

from hongyan.access.admission import Admission
from hongyan.kernel.errors import Invalid, Refusal
from hongyan.wire.native.errors import wire_error

from .protocol import LINE_BYTES_MAX, ControlAnswer, ControlRequest, socket_path

log = logging.getLogger(__name__)


class ControlServer:
    """Answers the operator's commands.

    Args:
        admission: Carries the commands.
    """

    def __init__(self, admission: Admission) -> None:
        self._admission = admission
        self._server: asyncio.Server | None = None
        self._path: Path | None = None

    async def open(self, data_dir: Path) -> None:
        """Listen in this folder; a socket that a killed server left is replaced.

        Raises:
            OSError: the path is too long for a Unix socket (about 100 bytes), or not writable.
        """
        path = socket_path(data_dir)
        path.unlink(missing_ok=True)
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            listener.bind(str(path))
            path.chmod(0o600)  # before it listens: nobody can have connected yet
            self._server = await asyncio.start_unix_server(
                self._serve, sock=listener, limit=LINE_BYTES_MAX
            )
        except OSError:
            listener.close()
            raise
        self._path = path

    async def close(self) -> None:
        """Stop listening and remove the socket."""
        if self._server is not None:
            self._server.close()
            self._server = None
        if self._path is not None:
            self._path.unlink(missing_ok=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while line := await reader.readline():
                answer = await self._answer(line)
                writer.write(msgspec.json.encode(answer) + b"\n")
                await writer.drain()
        except (ValueError, ConnectionError):
            log.warning("a control connection was cut: line too long, or gone")
        finally:
            writer.close()

    async def _answer(self, line: bytes) -> ControlAnswer:
        try:
            result = await self._carry_out(line)
            return ControlAnswer(result=msgspec.Raw(msgspec.json.encode(result)))
        except Exception as error:
            if not isinstance(error, Refusal | msgspec.ValidationError):
                log.exception("a control command failed")
            return ControlAnswer(error=wire_error(error))

    async def _carry_out(self, line: bytes) -> Any:
        try:
            request = msgspec.json.decode(line, type=ControlRequest)
        except msgspec.MsgspecError as error:
            raise Invalid(f"no request: {error}") from error
        command = self._admission.command(request.method)
        operator = self._admission.operator()
        await operator.admit(command)
        return await operator.call(msgspec.json.decode(request.params, type=command))
