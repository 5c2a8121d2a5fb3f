"""Backing up a data folder while its server works on it, and restoring it elsewhere.

A backup is a folder, or a tar file of one: ``manifest.json``, ``logs.jsonl`` (a hash for each
log), and below ``data/`` what a data folder holds: the database as one file, secrets,
settings, and the files that people sent.
"""

import hashlib
import os
import shutil
import tarfile
import time
from collections.abc import Iterator
from importlib.metadata import version as version_of
from pathlib import Path

import msgspec
from msgspec import Struct

from hongyan.access.control.protocol import SOCKET_FILE
from hongyan.app.progress import OnProgress, ProgressBars
from hongyan.app.roles.embedded import DATABASE
from hongyan.app.settings.sections import prepare_data_dir
from hongyan.infra.local.folder import LOCK_FILE
from hongyan.infra.sql.digest import TableDigest
from hongyan.infra.sqlite.backup import (
    BackupBroken,
    copy_database,
    renew_generation,
    verify_database,
)
from hongyan.infra.sqlite.digest import Digests, LogDigest

FORMAT = 1
MANIFEST, LOGS, DATA = "manifest.json", "logs.jsonl", "data"
USED_SETTINGS = "settings-in-effect.toml"
OBJECTS = "objects"
RESTORING = "restoring"
"""The folder of the new data folder for what is not whole yet."""
LEFT_OUT = {DATABASE, f"{DATABASE}-wal", f"{DATABASE}-shm", LOCK_FILE, SOCKET_FILE}
FOLDERS_LEFT_OUT = {"staging"}
"""Uploads under way: their senders begin again."""
PIECE_BYTES = 1024 * 1024


class BackupFailed(Exception):
    """A backup that was not made; the sentence says why, and nothing half-made is left."""


class FileDigest(Struct, frozen=True):
    """One file of a backup."""

    bytes: int
    sha256: str


class Manifest(Struct, frozen=True):
    """The manifest of a backup."""

    format: int
    version: str
    """Of the server."""
    created_at_ms: int
    files: dict[str, FileDigest]
    """All files but this one, by path below the backup."""
    logs: int
    entries: int
    tables: tuple[TableDigest, ...]


def back_up(data_dir: Path, config: Path | None, target: Path, progress: ProgressBars) -> Manifest:
    """Make a backup, read it back, and return what it holds.

    Args:
        data_dir: The data folder; a server may work on it.
        config: The settings file in use, if it is not the one in the data folder.
        target: A new folder, or a new file that ends in ``.tar``.
        progress: Shows how far it is.

    Raises:
        BackupFailed: it could not be made, or what was read back differs.
    """
    if not (data_dir / DATABASE).exists():
        raise BackupFailed(f"{data_dir} holds no database; name the data folder with --data")
    if target.resolve().is_relative_to(data_dir.resolve()):
        raise BackupFailed(f"{target} lies in the data folder; choose another place")
    if target.exists():
        raise BackupFailed(f"{target} exists already; name a new folder or file")
    partial = target.with_name(f"{target.name}.{os.getpid()}.partial")
    try:
        partial.mkdir(mode=0o700, parents=True)
        digests = _collect(data_dir, config, partial, progress)
        manifest = _write_manifest(partial, digests, progress.stage("hashing"))
        verify(partial, progress)
        if target.suffix == ".tar":
            _pack(partial, target, progress.stage("packing"))
        else:
            partial.rename(target)
            _sync(target.parent)
    except (OSError, BackupBroken) as error:
        raise BackupFailed(f"no backup was made: {error}") from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return manifest


def _collect(data_dir: Path, config: Path | None, partial: Path, progress: ProgressBars) -> Digests:
    """Put everything into the folder: what the database names was there before or after it."""
    data = partial / DATA
    data.mkdir(mode=0o700)
    linking = progress.stage("files")
    _take_objects(data_dir, data, linking)
    digests = copy_database(
        data_dir / DATABASE, data / DATABASE, progress.stage("database"), progress.stage("reading")
    )
    _take_objects(data_dir, data, linking)
    for path in _files(data_dir):
        relative = path.relative_to(data_dir)
        if str(relative) not in LEFT_OUT and not _is_object(relative):
            _copy(path, data / relative)
    if config is not None and config.exists():
        _copy(config, data / USED_SETTINGS)
    return digests


def _files(folder: Path) -> Iterator[Path]:
    """Yield the files below a folder that are worth keeping, in order."""
    for root, names, files in os.walk(folder):
        names[:] = sorted(name for name in names if name not in FOLDERS_LEFT_OUT)
        for name in sorted(files):
            path = Path(root) / name
            if path.suffix not in (".tmp", ".partial") and path.is_file():
                yield path


def _is_object(relative: Path) -> bool:
    return OBJECTS in relative.parts[:-1]


def _take_objects(data_dir: Path, data: Path, report: OnProgress) -> None:
    """Link the files that people sent; they never change, so a link is a copy."""
    found = [path for path in _files(data_dir) if _is_object(path.relative_to(data_dir))]
    for done, path in enumerate(found, 1):
        target = data / path.relative_to(data_dir)
        if not target.exists():
            _take(path, target)
        report(done, len(found))


def _take(path: Path, target: Path) -> None:
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        os.link(path, target)
    except FileNotFoundError:
        return  # it ended meanwhile: nothing that the database names
    except OSError:  # another file system
        _copy(path, target)


def _copy(path: Path, target: Path) -> None:
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with path.open("rb") as source, open(_private(target), "wb") as file:
        shutil.copyfileobj(source, file, PIECE_BYTES)
        file.flush()
        os.fsync(file.fileno())


def _private(path: Path) -> int:
    return os.open(path, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600)


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _write_manifest(partial: Path, digests: Digests, report: OnProgress) -> Manifest:
    lines = b"".join(msgspec.json.encode(log) + b"\n" for log in digests.logs)
    (partial / LOGS).write_bytes(lines)
    (partial / DATA / DATABASE).chmod(0o600)
    manifest = Manifest(
        format=FORMAT,
        version=version_of("hongyan"),
        created_at_ms=time.time_ns() // 1_000_000,
        files=_digests(partial, report),
        logs=len(digests.logs),
        entries=digests.entries,
        tables=digests.tables,
    )
    encoded = msgspec.json.format(msgspec.json.encode(manifest), indent=1)
    (partial / MANIFEST).write_bytes(encoded)
    return manifest


def _digests(folder: Path, report: OnProgress) -> dict[str, FileDigest]:
    paths = [path for path in _files(folder) if path != folder / MANIFEST]
    found = {}
    for done, path in enumerate(paths, 1):
        found[path.relative_to(folder).as_posix()] = file_digest(path)
        report(done, len(paths))
    return found


def file_digest(path: Path) -> FileDigest:
    """Return a file's size and hash."""
    with path.open("rb") as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
        return FileDigest(file.tell(), sha256)


def read_manifest(folder: Path) -> Manifest:
    """Return what a backup says it holds.

    Raises:
        BackupFailed: it is no backup, or one that this version does not know.
    """
    try:
        manifest = msgspec.json.decode((folder / MANIFEST).read_bytes(), type=Manifest)
    except (OSError, msgspec.MsgspecError) as error:
        raise BackupFailed(f"{folder} is no backup of ours: {error}") from error
    if manifest.format != FORMAT:
        raise BackupFailed(f"{folder} was made by version {manifest.version}; use that one")
    return manifest


def verify(folder: Path, progress: ProgressBars) -> Manifest:
    """Read a whole backup, and compare every hash.

    Raises:
        BackupFailed: something is missing, more than there was, or different.
        BackupBroken: the database is.
    """
    manifest = read_manifest(folder)
    found = _digests(folder, progress.stage("verifying"))
    for path in sorted(found.keys() | manifest.files.keys()):
        if found.get(path) != manifest.files.get(path):
            raise BackupFailed(f"{folder / path} is not what the manifest says")
    lines = (folder / LOGS).read_bytes().splitlines()
    logs = tuple(msgspec.json.decode(line, type=LogDigest) for line in lines)
    wanted = Digests(logs, manifest.tables)
    verify_database(folder / DATA / DATABASE, wanted, progress.stage("verifying entries"))
    return manifest


def _pack(partial: Path, target: Path, report: OnProgress) -> None:
    """Write the tar file, and read it back."""
    packed = partial.with_suffix(".tar")
    try:
        paths = list(_files(partial))
        with open(_private(packed), "wb") as file:
            with tarfile.open(fileobj=file, mode="w") as tar:
                for done, path in enumerate(paths, 1):
                    tar.add(path, path.relative_to(partial).as_posix(), recursive=False)
                    report(done, len(paths))
            file.flush()
            os.fsync(file.fileno())
        _verify_tar(packed, read_manifest(partial))
        packed.rename(target)
        _sync(target.parent)
    finally:
        packed.unlink(missing_ok=True)


def _verify_tar(packed: Path, manifest: Manifest) -> None:
    missing = set(manifest.files) | {MANIFEST}
    with tarfile.open(packed) as tar:
        for member in tar:
            file = tar.extractfile(member)
            if file is None:
                raise BackupBroken(f"{member.name} cannot be read back")
            digest = hashlib.sha256()
            while piece := file.read(PIECE_BYTES):
                digest.update(piece)
            wanted = manifest.files.get(member.name)
            if wanted is not None and wanted.sha256 != digest.hexdigest():
                raise BackupBroken(f"{member.name} is not what was written")
            missing.discard(member.name)
    if missing:
        raise BackupBroken(f"{min(missing)} is missing in the tar file")


def restore(source: Path, data_dir: Path, progress: ProgressBars) -> Manifest:
    """Make a data folder from a backup, after every hash was compared.

    It is a new generation: devices drop what they know, but for what they have not sent yet.

    Args:
        source: The backup: a folder or a tar file.
        data_dir: A folder that is empty, or is not there yet.
        progress: Shows how far it is.

    Raises:
        BackupFailed: the folder is not empty, or the backup is not whole; nothing was made.
    """
    if data_dir.exists() and any(data_dir.iterdir()):
        raise BackupFailed(f"{data_dir} is not empty; a backup is restored into an empty folder")
    partial = data_dir / RESTORING
    try:
        prepare_data_dir(data_dir)
        data_dir.chmod(0o700)
        partial.mkdir(mode=0o700)
        _unpack(source, partial, progress.stage("copying"))
        manifest = verify(partial, progress)
        renew_generation(partial / DATA / DATABASE)
        names = sorted(path.name for path in (partial / DATA).iterdir())
        for name in sorted(names, key=lambda name: name == DATABASE):  # the database last
            (partial / DATA / name).rename(data_dir / name)
        _sync(data_dir)
    except (OSError, tarfile.TarError, BackupBroken) as error:
        raise BackupFailed(f"nothing was restored: {error}") from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return manifest


def _unpack(source: Path, partial: Path, report: OnProgress) -> None:
    """Copy the backup's files; never links, so that the backup stays what it is."""
    if source.is_dir():
        paths = list(_files(source))
        for done, path in enumerate(paths, 1):
            _copy(path, partial / path.relative_to(source))
            report(done, len(paths))
        return
    with tarfile.open(source) as tar:
        members = tar.getmembers()
        for done, member in enumerate(members, 1):
            name = Path(member.name)
            file = tar.extractfile(member) if member.isfile() else None
            if file is None or name.is_absolute() or ".." in name.parts:
                raise BackupBroken(f"{member.name} does not belong into a backup")
            target = partial / name
            target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            with open(_private(target), "wb") as out:
                shutil.copyfileobj(file, out, PIECE_BYTES)
                out.flush()
                os.fsync(out.fileno())
            report(done, len(members))
