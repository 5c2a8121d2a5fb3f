"""A real server in a process of its own, started as a person would start it."""

import asyncio
import os
import re
import signal
import sys
from pathlib import Path

START_S = 30.0
STOP_S = 20.0


class ServerProcess:
    """``hongyan serve`` on a free port of this machine.

    Args:
        data_dir: Its data folder.
        settings: What differs from the defaults, as ``section.name`` -> text.
    """

    def __init__(self, data_dir: Path, settings: dict[str, str] | None = None) -> None:
        self.data_dir = data_dir
        self._settings = settings or {}
        self._process: asyncio.subprocess.Process | None = None
        self._reading: asyncio.Task[bytes] | None = None
        self.url = ""
        """``http://HOST:PORT`` once it is started."""

    @property
    def websocket_url(self) -> str:
        """Where the native protocol is spoken."""
        return self.url.replace("http", "ws", 1) + "/ws"

    async def start(self) -> None:
        """Start it and wait until it says that it is ready."""
        arguments = ["serve", "--data", str(self.data_dir), "--listen", "127.0.0.1:0"]
        for key, value in self._settings.items():
            arguments += ["--set", f"{key}={value}"]
        clean = {name: text for name, text in os.environ.items() if "HONGYAN" not in name}
        self._process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "hongyan", *arguments),
            stdout=asyncio.subprocess.PIPE,
            env=clean | {"PYTHONUNBUFFERED": "1"},
        )
        self.url = await asyncio.wait_for(self._read_url(), START_S)
        assert self._process.stdout is not None
        self._reading = asyncio.create_task(self._process.stdout.read())

    async def _read_url(self) -> str:
        assert self._process is not None
        assert self._process.stdout is not None
        said = ""
        while line := await self._process.stdout.readline():
            said += line.decode()
            if found := re.search(r"http://\S+", said):
                return found[0]
        raise AssertionError(f"the server ended with {await self._process.wait()}: {said}")

    async def stop(self) -> int:
        """Ask it to stop, as ``kill`` does, and return its exit status."""
        assert self._process is not None
        if self._process.returncode is None:
            self._process.send_signal(signal.SIGTERM)
        try:
            return await asyncio.wait_for(self._process.wait(), STOP_S)
        except TimeoutError:
            self._process.kill()
            await self._process.wait()
            raise
        finally:
            if self._reading is not None:
                await self._reading
