"""A way to PostgreSQL on which a test can lose, hold or pass on what is sent."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Literal

Fate = Literal["pass", "lose", "lose_answer", "hold"]


class WireTap:
    """Carries TCP to a server on loopback.

    Args:
        port: The server's.
        judge: Told each piece that a client sends; says what becomes of it. ``lose``: both ends
            are cut before it arrives; ``lose_answer``: it arrives, and the answer is cut;
            ``hold``: it arrives when ``let_go`` is called, whatever the client does meanwhile.
    """

    def __init__(self, port: int, judge: Callable[[bytes], Fate]) -> None:
        self._to = port
        self.judge = judge
        self.port = 0
        self._held = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()

    @asynccontextmanager
    async def running(self) -> AsyncIterator["WireTap"]:
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield self
        finally:
            server.close()
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)

    def let_go(self) -> None:
        """Pass on what is held."""
        self._held.set()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        back, forth = await asyncio.open_connection("127.0.0.1", self._to)
        answers = _Answers(back, writer)
        try:
            while data := await reader.read(1 << 20):
                fate = self.judge(data)
                if fate == "lose":
                    break
                if fate == "hold":
                    await self._held.wait()
                answers.muted = fate != "pass"
                forth.write(data)
                await forth.drain()
                if fate != "pass":
                    await answers.come.wait()
                    break
        except (ConnectionError, asyncio.CancelledError):
            pass
        finally:
            answers.task.cancel()
            writer.transport.abort()
            forth.transport.abort()
            self._tasks.discard(task)


class _Answers:
    """What the server sends, on its way back or, when muted, to nobody."""

    def __init__(self, back: asyncio.StreamReader, to: asyncio.StreamWriter) -> None:
        self.muted = False
        self.come = asyncio.Event()
        """Set when an answer came that was muted, or none will come."""
        self.task = asyncio.create_task(self._copy(back, to))

    async def _copy(self, back: asyncio.StreamReader, to: asyncio.StreamWriter) -> None:
        try:
            while data := await back.read(1 << 16):
                if self.muted:
                    self.come.set()
                    continue
                to.write(data)
                await to.drain()
        except ConnectionError:
            pass
        finally:
            self.come.set()
            to.transport.abort()
