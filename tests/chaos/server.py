"""The victim: ``hongyan serve`` as a process that can be killed and started again."""

import asyncio
import signal
import sys
import time
from pathlib import Path

READY = b"is ready"
SETTINGS = (
    "rates.connection_per_s=0",
    "rates.user_per_s=0",
    "server.drain_s=0",
    "server.log_level=warning",
    "users.access_token_s=86400",
    "integration.allowed_networks=127.0.0.1",
    "integration.webhook_timeout_s=2",
    "integration.webhook_retry_first_s=0.1",
    "integration.webhook_retry_most_s=1",
)


class Victim:
    """A server process on a data folder."""

    def __init__(self, data_dir: Path, port: int) -> None:
        self._data_dir = data_dir
        self._port = port
        self._process: asyncio.subprocess.Process | None = None
        self.kills = 0
        self.start_s: list[float] = []

    async def start(self) -> None:
        """Start it and wait until it is ready."""
        command = [
            *(sys.executable, "-m", "hongyan", "serve"),
            *("--data", str(self._data_dir), "--listen", f"127.0.0.1:{self._port}"),
        ]
        for setting in SETTINGS:
            command += ["--set", setting]
        began = time.monotonic()
        pipe = asyncio.subprocess.PIPE
        self._process = await asyncio.create_subprocess_exec(*command, stdout=pipe)
        assert self._process.stdout is not None
        while READY not in (line := await self._process.stdout.readline()):
            if not line:
                raise RuntimeError(f"the server did not start: {await self._process.wait()}")
        self.start_s.append(time.monotonic() - began)

    async def kill(self) -> None:
        """End it as a power cut would, but for the disk's own cache."""
        assert self._process is not None
        if self._process.returncode is not None:
            raise RuntimeError(f"the server ended by itself: {self._process.returncode}")
        self._process.send_signal(signal.SIGKILL)
        await self._process.wait()
        self.kills += 1

    async def stop(self) -> None:
        """Ask it to stop and wait until it has."""
        if self._process is not None and self._process.returncode is None:
            self._process.send_signal(signal.SIGTERM)
            try:
                await asyncio.wait_for(self._process.wait(), 20)
            except TimeoutError:
                self._process.kill()
                await self._process.wait()
