"""A real server in a process of its own, that tests may stop, kill and start again."""

import re
import subprocess
import sys
from pathlib import Path

from hongyan.access.control.client import ControlClient
from hongyan.domain.user.commands_admin import CreateUser
from hongyan.kernel.bus import ANONYMOUS, Command, Result

HONGYAN = Path(sys.executable).parent / "hongyan"
READY = re.compile(r"is ready: (http://\S+)")
SETTINGS = (
    "users.argon2_passes=1",
    "users.argon2_memory_kib=8",
    "rates.address_per_s=0",
    "server.drain_s=0.2",
)


class LiveServer:
    """``hongyan serve`` on a folder; keeps its port over restarts.

    Args:
        folder: The data folder.
        settings: More settings, as ``section.name=value``.
    """

    def __init__(self, folder: Path, *settings: str) -> None:
        self._folder = folder
        self._settings = (*SETTINGS, *settings)
        self._listen = "127.0.0.1:0"
        self._process: subprocess.Popen[str] | None = None
        self.url = ""

    def start(self) -> None:
        """Start and return when it is ready."""
        command = [str(HONGYAN), "serve", "--data", str(self._folder), "--listen", self._listen]
        for setting in self._settings:
            command += ["--set", setting]
        log = (self._folder.parent / f"{self._folder.name}.log").open("a")
        with log:
            self._process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True)
        assert self._process.stdout is not None
        for line in self._process.stdout:
            found = READY.search(line)
            if found:
                self.url = found[1]
                self._listen = self.url.partition("://")[2]
                return
        raise RuntimeError(f"the server did not start; see {log.name}")

    async def call(self, command: Command[Result]) -> Result:
        """Ask it as the operator does."""
        client = await ControlClient.connect(self._folder)
        try:
            return await client.call(ANONYMOUS, command)
        finally:
            await client.close()

    async def add_user(self, handle: str, password: str, name: str = "") -> str:
        """Make an account, and return its user id."""
        made = await self.call(CreateUser(handle=handle, password=password, name=name))
        return made.user_id

    @property
    def pid(self) -> int:
        """The process that runs."""
        assert self._process is not None
        return self._process.pid

    def stop(self) -> None:
        """Ask it to stop and wait."""
        self._end(kill=False)

    def kill(self) -> None:
        """End it without warning, as a crash would."""
        self._end(kill=True)

    def change_shift(self, *, kill: bool) -> None:
        """Stop or kill it, and start it again."""
        self._end(kill)
        self.start()

    def _end(self, kill: bool) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        if kill:
            process.kill()
        else:
            process.terminate()
        process.communicate(timeout=30)
