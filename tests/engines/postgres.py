"""A PostgreSQL of the tests' own: a folder, a port, a process."""

import contextlib
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path

from .host import LOOPBACK, Host
from .process import free_port

USER = "hongyan"
USER_OF_SYSTEM = "postgres"
BLOCK = 50
SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "max_connections": "100",
    "shared_buffers": "64MB",
    "autovacuum": "off",  # its transactions would hold readers of the feed back at random
    "log_min_messages": "warning",
    "logging_collector": "off",
    "max_wal_senders": "4",
    "wal_keep_size": "64MB",
    "hot_standby": "on",
}


def find_binaries() -> Path | None:
    """Return the folder of initdb and postgres of the newest version that is installed."""
    on_path = shutil.which("initdb")
    folders = sorted(
        Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name)
    )
    if folders:
        return folders[-1]
    return Path(on_path).parent if on_path else None


class PostgresServer:
    """One server. It refuses to run as root, so then it runs as the user ``postgres``."""

    def __init__(self, binaries: Path, host: Host = LOOPBACK, **settings: str) -> None:
        self.binaries = binaries
        self.place = host
        self.port = free_port()
        self.settings = SETTINGS | {"listen_addresses": host.address} | settings
        self.folder = Path(tempfile.mkdtemp(prefix="hongyan-postgres-"))
        self.data = self.folder / "data"
        self._process: subprocess.Popen[bytes] | None = None
        self._schemas: list[str] = []
        self._made = 0
        self._as: dict[str, object] = {}
        if os.getuid() == 0:
            user = pwd.getpwnam(USER_OF_SYSTEM)
            os.chown(self.folder, user.pw_uid, user.pw_gid)
            self._as = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}

    def dsn(self, database: str = "postgres", **query: str) -> str:
        more = "&".join(f"{name}={value}" for name, value in query.items())
        address = f"postgresql://{USER}@{self.place.address}:{self.port}/{database}"
        return f"{address}?{more}" if more else address

    def new_schema(self) -> str:
        """Return the name of a schema that nobody has used."""
        if not self._schemas:
            self._made += BLOCK
            names = [f"test_{number}" for number in range(self._made - BLOCK, self._made)]
            self.sql(*[f"CREATE SCHEMA {name}" for name in names])
            self._schemas = names
        return self._schemas.pop()

    def empty(self, schema: str) -> None:
        """Delete all that is in a schema but the record of its migrations; much faster than new."""
        self.query(
            "DO $$ DECLARE name regclass; BEGIN FOR name IN SELECT oid FROM pg_class"
            f" WHERE relnamespace = '{schema}'::regnamespace AND relkind IN ('r', 'p')"
            " AND NOT relispartition AND relname NOT IN ('migration', 'feed')"
            " LOOP EXECUTE format('DELETE FROM %s', name); END LOOP; END $$"
        )

    def sql(self, *statements: str) -> None:
        """Run statements, in one transaction."""
        self.run(
            "psql", "-q", "-X", "-v", "ON_ERROR_STOP=1", self.dsn(), "-c", ";".join(statements)
        )

    def init(self) -> None:
        """Make the folder's database cluster."""
        self.run(
            "initdb", "-D", str(self.data), "-U", USER, "-A", "trust", "-E", "UTF8",
            "--locale=C.UTF-8", "--no-sync",
        )  # fmt: skip
        with (self.data / "pg_hba.conf").open("a") as rules:
            rules.write(f"host all all {self.place.address}/24 trust\n")

    def follow(self, primary: "PostgresServer", name: str) -> None:
        """Make this a standby that streams from another one."""
        self.run("pg_basebackup", "-D", str(self.data), "-R", "-d",
                 primary.dsn(application_name=name), "-c", "fast", "-X", "stream")  # fmt: skip
        settings = self.data / "postgresql.auto.conf"
        said = settings.read_text()
        settings.write_text(said + f"primary_conninfo = '{primary.dsn(application_name=name)}'\n")

    def promote(self) -> None:
        """Make this standby the primary."""
        self.run("pg_ctl", "promote", "-D", str(self.data), "-w")

    def query(self, statement: str) -> str:
        """Return what psql prints."""
        return self.run("psql", "-AtqX", self.dsn(), "-c", statement).strip()

    def run(self, program: str, *args: str) -> str:
        """Run one of the server's programs to its end; return what it prints."""
        done = subprocess.run(
            [self.binaries / program, *args],
            cwd=self.folder,
            capture_output=True,
            text=True,
            check=False,
            **self._as,  # type: ignore[call-overload]
        )
        if done.returncode:
            raise RuntimeError(f"{program}: {done.stdout}{done.stderr}")
        return str(done.stdout)

    def start(self) -> None:
        """Start it, and return when it accepts connections."""
        options = [f"-c{name}={value}" for name, value in self.settings.items()]
        log = (self.folder / "log").open("ab")
        command = [str(self.binaries / "postgres"), "-D", str(self.data), "-p", str(self.port)]
        self._process = subprocess.Popen(
            [*self.place.prefix, *self._drop_root(), *command, *options],
            cwd=self.folder,
            stdout=log,
            stderr=log,
            env={**os.environ, **self.place.environment},
        )
        log.close()
        end = time.monotonic() + 60
        while not self._is_ready():
            if self._process.poll() is not None or time.monotonic() > end:
                raise RuntimeError((self.folder / "log").read_text()[-4000:])
            time.sleep(0.05)

    def _drop_root(self) -> list[str]:
        """Return the command that becomes another user, behind a prefix that needs root."""
        if not self._as:
            return []
        return [
            "setpriv",
            f"--reuid={USER_OF_SYSTEM}",
            f"--regid={USER_OF_SYSTEM}",
            "--init-groups",
        ]

    def _is_ready(self) -> bool:
        probe = [
            str(self.binaries / "pg_isready"),
            "-q",
            "-h",
            self.place.address,
            "-p",
            str(self.port),
        ]
        return subprocess.run(probe, check=False).returncode == 0

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def kill(self) -> None:
        """Kill it and all of its processes, as a power cut would."""
        assert self._process is not None
        children = self._children()
        for pid in (self._process.pid, *children):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self._process.wait()
        self._process = None
        (self.data / "postmaster.pid").unlink(missing_ok=True)

    def _children(self) -> list[int]:
        path = Path(f"/proc/{self.pid}/task/{self.pid}/children")
        return [int(pid) for pid in path.read_text().split()]

    def signal_all(self, number: int) -> None:
        """Send a signal to the server and all of its processes."""
        for pid in (self.pid, *self._children()):
            os.kill(pid, number)

    def stop(self, number: int = signal.SIGINT) -> None:
        """Stop it: SIGINT ends sessions, SIGQUIT does not even write a checkpoint."""
        if self._process is None:
            return
        self._process.send_signal(number)
        try:
            self._process.wait(30)
        except subprocess.TimeoutExpired:
            self.kill()
        self._process = None

    def remove(self) -> None:
        """Stop it and delete its folder."""
        self.stop(signal.SIGQUIT)
        shutil.rmtree(self.folder, ignore_errors=True)
