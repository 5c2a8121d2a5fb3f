"""``hongyan doctor``: examine the machine, the folder and the settings, and say what to mend."""

import os
import resource
import shutil
import smtplib
import socket
import ssl
import stat
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from importlib.metadata import version as version_of
from ipaddress import ip_address
from pathlib import Path

import apsw

from hongyan.access.control.protocol import socket_path
from hongyan.app.composition.objects import open_objects
from hongyan.app.progress import ProgressBars
from hongyan.app.roles.embedded import DATABASE
from hongyan.app.settings.sections import SECRETS_FILE, Settings, SettingsError, load_secrets
from hongyan.app.settings.sources import Loaded
from hongyan.infra.local.folder import FolderInUse, FolderLock
from hongyan.kernel.clock import SystemClock

from .database import examine_database
from .diagnostics import Diagnostic, fine, note, problem, warning

GIB = 1024**3
FREE_WARN_BYTES = 2 * GIB
FREE_LEAST_BYTES = GIB // 4
FILES_WANTED = 16_384
SQLITE_LEAST = (3, 46)
SMTP_WAIT_S = 5.0
HTTP_WAIT_S = 5.0


async def examine(loaded: Loaded, deep: bool, progress: ProgressBars) -> list[Diagnostic]:
    """Look at everything; changes nothing.

    Args:
        loaded: The settings.
        deep: Compare every index, row and file too: reads everything that there is.
        progress: Shows how far it is.
    """
    settings = loaded.settings
    diagnostics = [*_versions(), *_settings(loaded), *_limits()]
    if settings.cluster.nats:
        from .cluster import examine_cluster  # its clients of brokers take a while to load

        return [*diagnostics, *_mail(settings), *await examine_cluster(settings, deep, progress)]
    if not settings.data_dir.is_dir():
        return [*diagnostics, _no_folder(settings.data_dir)]
    diagnostics += [*_folder(settings.data_dir), *_secrets(settings.data_dir)]
    diagnostics += [*_disk(settings.data_dir), *_server(settings), *_mail(settings)]
    if (settings.data_dir / DATABASE).exists():
        try:
            downloads = open_objects(settings, SystemClock()).downloads
        except SettingsError as error:
            diagnostics.append(problem("files", str(error), "Mend the [objects] settings."))
            downloads = None
        diagnostics += await examine_database(settings.data_dir, deep, progress, downloads)
    else:
        diagnostics.append(note("database", "There is none yet; the first start makes it."))
    return diagnostics


def _no_folder(folder: Path) -> Diagnostic:
    return note(
        "folder",
        f"There is no data folder {folder.absolute()} yet.",
        "Start the server, which makes it, or name the folder with --data.",
    )


def _versions() -> Iterator[Diagnostic]:
    python = ".".join(map(str, sys.version_info[:3]))
    yield fine("versions", f"hongyan {version_of('hongyan')}, Python {python}")
    sqlite = apsw.sqlite_lib_version()
    options = apsw.compile_options
    if tuple(map(int, sqlite.split(".")[:2])) < SQLITE_LEAST:
        wanted = ".".join(map(str, SQLITE_LEAST))
        yield problem("versions", f"SQLite is {sqlite}.", f"Install apsw with SQLite {wanted} up.")
    elif not any(option.startswith("THREADSAFE=1") for option in options):
        yield problem("versions", "SQLite is not built for threads.", "Install apsw from PyPI.")
    else:
        yield fine("versions", f"SQLite {sqlite}")


def _settings(loaded: Loaded) -> Iterator[Diagnostic]:
    changed = sum(origin != "default" for origin in loaded.origins.values())
    yield fine("settings", f"All are known and allowed; {changed} differ from the defaults.")
    settings = loaded.settings
    host, _ = settings.host_and_port
    is_local = host == "localhost" or _is_loopback(host)
    if is_local or settings.users.registration != "open":
        return
    yield warning(
        "settings",
        f"Whoever reaches {settings.server.listen} may make an account.",
        'Set users.registration to "invite" or "closed" unless that is what you want.',
    )


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def _limits() -> Iterator[Diagnostic]:
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY or soft >= FILES_WANTED:
        yield fine("limits", f"A process may open {soft} files.")
        return
    yield warning(
        "limits",
        f"A process may open {soft} files only; each connection is one.",
        f"Raise it: ulimit -n {FILES_WANTED}, or LimitNOFILE= in the systemd unit.",
    )


def _folder(folder: Path) -> Iterator[Diagnostic]:
    found = folder.stat()
    if found.st_mode & 0o077:
        yield problem(
            "folder", f"Others on this machine may open {folder}.", f"Run: chmod 700 {folder}"
        )
    if found.st_uid != os.geteuid() and os.geteuid() != 0:
        yield problem(
            "folder", f"{folder} belongs to another user.", "Run this as the user of the server."
        )
    if not os.access(folder, os.R_OK | os.W_OK | os.X_OK):
        yield problem("folder", f"{folder} cannot be written to.", "Give this user the folder.")
        return
    open_files = [
        path.name
        for path in folder.iterdir()
        if stat.S_ISREG(path.lstat().st_mode) and path.lstat().st_mode & 0o022
    ]
    if open_files:
        yield problem(
            "folder",
            f"Others may write to {', '.join(sorted(open_files))}.",
            f"Run: chmod go-w {folder}/*",
        )
    else:
        yield fine("folder", f"{folder.absolute()} is this user's alone.")


def _secrets(folder: Path) -> Iterator[Diagnostic]:
    if not (folder / SECRETS_FILE).exists():
        is_new = not (folder / DATABASE).exists()
        text = f"{SECRETS_FILE} is not there; the next start makes a new one."
        if is_new:
            yield note("secrets", text)
        else:
            remedy = "Put it back from a backup; else everybody must log in again."
            yield problem("secrets", text, remedy)
        return
    try:
        load_secrets(folder)
    except (SettingsError, OSError) as error:
        yield problem("secrets", str(error), "Do what the sentence says.")
    else:
        yield fine("secrets", f"{SECRETS_FILE} can be used, and by this user alone.")


def _disk(folder: Path) -> Iterator[Diagnostic]:
    usage = shutil.disk_usage(folder)
    text = f"{usage.free / GIB:.1f} GiB of {usage.total / GIB:.1f} GiB are free."
    if usage.free < FREE_LEAST_BYTES:
        yield problem("disk", text, "Make room now: without it nobody can send.")
    elif usage.free < FREE_WARN_BYTES:
        yield warning("disk", text, "Make room, or move the data folder to a larger disk.")
    else:
        yield fine("disk", text)
    nodes = os.statvfs(folder)
    if nodes.f_files and nodes.f_favail < nodes.f_files // 50:
        yield warning("disk", f"Only {nodes.f_favail} more files fit.", "Make room for inodes.")


def _server(settings: Settings) -> Iterator[Diagnostic]:
    try:
        with FolderLock(settings.data_dir):
            yield from _port(settings)
    except FolderInUse:
        yield from _answer(settings)


def _port(settings: Settings) -> Iterator[Diagnostic]:
    """No server works on the folder; find out whether one could."""
    host, port = settings.host_and_port
    try:
        with socket.create_server((host, port), family=_family(host)):
            yield fine("server", f"No server runs; {settings.server.listen} is free.")
    except OSError as error:
        yield problem(
            "server",
            f"{settings.server.listen} cannot be had: {error.strerror or error}.",
            "End what uses it, or choose another server.listen.",
        )


def _family(host: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in host else socket.AF_INET


def _answer(settings: Settings) -> Iterator[Diagnostic]:
    """A process works on the folder; find out whether it answers."""
    if settings.host_and_port[1] == 0:
        yield note("server", "A server runs, on a port that the system chose.")
        return
    host, port = settings.host_and_port
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)
    url = f"http://{f'[{host}]' if ':' in host else host}:{port}/readyz"
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(url, timeout=HTTP_WAIT_S) as answer:
            yield fine("server", f"A server runs and answers at {url} ({answer.status}).")
    except (OSError, urllib.error.URLError) as error:
        if _is_controlled(settings.data_dir):
            text = f"A server runs, but not at {url}: {error}"
            remedy = "If it was started with --listen, give this command --set server.listen=..."
            yield warning("server", text, remedy)
            return
        yield problem(
            "server",
            f"A process works on the folder, but answers nowhere: {error}",
            "If it has just started, wait; else look into its log.",
        )


def _is_controlled(folder: Path) -> bool:
    """Return whether a server listens at the control socket."""
    with socket.socket(socket.AF_UNIX) as client:
        try:
            client.connect(str(socket_path(folder)))
        except OSError:
            return False
    return True


def _mail(settings: Settings) -> Iterator[Diagnostic]:
    smtp = settings.smtp
    if not smtp.host:
        remedy = "Set smtp.host, or make codes by hand: hongyan user reset-code."
        yield note("mail", "No mail server is set; nobody can get a reset code by mail.", remedy)
        return
    where = f"{smtp.host}:{smtp.port}"
    try:
        context = ssl.create_default_context()
        if smtp.security == "tls":
            server: smtplib.SMTP = smtplib.SMTP_SSL(
                smtp.host, smtp.port, timeout=SMTP_WAIT_S, context=context
            )
        else:
            server = smtplib.SMTP(smtp.host, smtp.port, timeout=SMTP_WAIT_S)
        with server:
            if smtp.security == "starttls":
                server.starttls(context=context)
            if smtp.username:
                server.login(smtp.username, smtp.password)
            server.noop()
    except (OSError, smtplib.SMTPException) as error:
        yield problem("mail", f"{where} cannot be used: {error}", "Mend the [smtp] settings.")
    else:
        yield fine("mail", f"{where} takes our mail.")
