"""A way to the server that breaks: connections are cut after so many bytes."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit


class BreakingProxy:
    """Carries TCP to a server and cuts the first connections.

    Args:
        url: The server.
        cuts: After how many bytes from the client each of the first large requests is cut.
    """

    def __init__(self, url: str, cuts: list[int]) -> None:
        self._target = urlsplit(url)
        self._cuts = cuts
        self.broken = 0
        self.url = ""

    @asynccontextmanager
    async def running(self) -> AsyncIterator["BreakingProxy"]:
        """Listen while the block runs."""
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        host, port = server.sockets[0].getsockname()
        self.url = f"http://{host}:{port}"
        try:
            yield self
        finally:
            server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        up_reader, up_writer = await asyncio.open_connection(
            self._target.hostname, self._target.port
        )
        answers = asyncio.create_task(self._copy(up_reader, writer))
        try:
            seen = 0
            while data := await reader.read(65_536):
                seen += len(data)
                if self._cuts and seen > self._cuts[0]:
                    self._cuts.pop(0)
                    self.broken += 1
                    break
                up_writer.write(data)
                await up_writer.drain()
        except ConnectionError:
            pass
        finally:
            answers.cancel()
            for end in (writer, up_writer):
                end.transport.abort()

    async def _copy(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while data := await reader.read(65_536):
                writer.write(data)
                await writer.drain()
            writer.close()
        except ConnectionError:
            pass
