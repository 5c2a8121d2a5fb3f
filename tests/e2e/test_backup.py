"""A backup of a server under load, restored into an empty folder: equal, and it serves."""

import asyncio
import shutil
from pathlib import Path

import msgspec
import pytest

from hongyan.app.export.backup import DATA, LOGS, BackupFailed, back_up, read_manifest, restore
from hongyan.app.progress import ProgressBars
from hongyan.app.roles.embedded import DATABASE
from hongyan.infra.sqlite.digest import LogDigest, digests_of
from hongyan.infra.sqlite.snapshot import SqliteSnapshot
from hongyan_sdk import Client

from .live_server import LiveServer

PASSWORD = "plum blossom 7"


async def _talk(server: LiveServer, handle: str, peer: str, stop: asyncio.Event) -> list[str]:
    """Send as fast as it goes until told to stop; return what was acknowledged."""
    said: list[str] = []
    async with Client.login(server.url, handle, PASSWORD) as client:
        chat = await client.open_direct(peer)
        while not stop.is_set():
            batch = [f"{handle} {len(said) + place}" for place in range(20)]
            await asyncio.gather(*(chat.send_text(text) for text in batch))
            said += batch
    return said


def _digest(path: Path) -> dict[str, LogDigest]:
    snapshot = SqliteSnapshot(path, ())
    try:
        return {log.log_id: log for log in digests_of(snapshot.connection).logs}
    finally:
        asyncio.run(snapshot.close())


@pytest.mark.parametrize("packed", [False, True], ids=["folder", "tar"])
async def test_a_backup_under_load_is_restored_equal(tmp_path: Path, packed: bool) -> None:
    server = LiveServer(tmp_path / "data")
    await asyncio.to_thread(server.start)
    ids = {name: await server.add_user(name, PASSWORD) for name in ("li", "wang", "zhao")}
    stop = asyncio.Event()
    talks = [
        asyncio.create_task(_talk(server, "li", ids["wang"], stop)),
        asyncio.create_task(_talk(server, "zhao", ids["li"], stop)),
    ]
    await asyncio.sleep(1.0)
    target = tmp_path / ("copy.tar" if packed else "copy")
    manifest = await asyncio.to_thread(back_up, tmp_path / "data", None, target, ProgressBars())
    await asyncio.sleep(0.5)
    stop.set()
    said = [text for talk in talks for text in await talk]
    server.stop()
    assert manifest.entries > 100
    restored = tmp_path / "restored"
    restored.mkdir()
    assert await asyncio.to_thread(restore, target, restored, ProgressBars()) == manifest
    before = await asyncio.to_thread(_digest, restored / DATABASE)
    after = await asyncio.to_thread(_digest, tmp_path / "data" / DATABASE)
    assert sum(log.entries for log in before.values()) == manifest.entries
    assert len(said) > manifest.entries - 50, "it went on while it was copied"
    for log_id, log in before.items():
        cut = await _prefix(tmp_path / "data" / DATABASE, log_id, log.entries)
        assert cut == await _prefix(restored / DATABASE, log_id, log.entries)
        assert after[log_id].entries >= log.entries
    await _serves(restored, ids, before)


async def _prefix(path: Path, log_id: str, count: int) -> list[bytes]:
    async with SqliteSnapshot(path, ()) as snapshot:
        found = await snapshot.read(log_id, 1, count, count)
    return [msgspec.json.encode(entry) for entry in found]


async def _serves(folder: Path, ids: dict[str, str], logs: dict[str, LogDigest]) -> None:
    """A server on the restored folder lets people log in, read and go on."""
    server = LiveServer(folder)
    await asyncio.to_thread(server.start)
    try:
        async with Client.login(server.url, "wang", PASSWORD) as wang:
            chat = await wang.open_direct(ids["li"])
            history = await chat.history(limit=100)
            assert len(history) >= 50
            last = max(message.seq for message in history)
            assert last == logs[chat.conversation_id].entries
            await chat.send_text("after the restore")
            assert (await chat.history(limit=1))[0].text == "after the restore"
    finally:
        server.stop()


def _small(tmp_path: Path) -> tuple[Path, Path]:
    """Return a stopped server's folder and a backup of it."""
    server = LiveServer(tmp_path / "data")
    server.start()
    asyncio.run(server.add_user("li", PASSWORD))
    server.stop()
    objects = tmp_path / "data" / "files" / "objects" / "ab"
    objects.mkdir(parents=True)
    (objects / "abc").write_bytes(b"bytes")
    (tmp_path / "data" / "hongyan.toml").write_text("[users]\ndevices_max = 7\n")
    back_up(tmp_path / "data", None, tmp_path / "copy", ProgressBars())
    return tmp_path / "data", tmp_path / "copy"


def test_what_a_backup_holds_and_refuses(tmp_path: Path) -> None:
    data, copy = _small(tmp_path)
    manifest = read_manifest(copy)
    assert {f"{DATA}/{DATABASE}", f"{DATA}/secrets.toml", f"{DATA}/hongyan.toml", LOGS} < set(
        manifest.files
    )
    assert f"{DATA}/files/objects/ab/abc" in manifest.files
    assert not any("control" in name or "lock" in name for name in manifest.files)
    assert copy.stat().st_mode & 0o077 == 0
    with pytest.raises(BackupFailed, match="exists already"):
        back_up(data, None, copy, ProgressBars())
    with pytest.raises(BackupFailed, match="not empty"):
        restore(copy, data, ProgressBars())
    with pytest.raises(BackupFailed, match="in the data folder"):
        back_up(data, None, data / "inside", ProgressBars())
    with pytest.raises(BackupFailed, match="no database"):
        back_up(tmp_path / "nothing", None, tmp_path / "other", ProgressBars())
    assert sorted(path.name for path in tmp_path.iterdir()) == ["copy", "data", "data.log"]
    restore(copy, tmp_path / "new", ProgressBars())
    assert (tmp_path / "new" / "secrets.toml").read_bytes() == (data / "secrets.toml").read_bytes()
    assert (tmp_path / "new" / "secrets.toml").stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "new").stat().st_mode & 0o777 == 0o700
    assert (tmp_path / "new/files/objects/ab/abc").read_bytes() == b"bytes"


def test_damage_is_found_before_anything_is_restored(tmp_path: Path) -> None:
    _, copy = _small(tmp_path)
    for number, name in enumerate(("secrets.toml", DATABASE, "files/objects/ab/abc")):
        bad = tmp_path / f"bad{number}"
        shutil.copytree(copy, bad)
        content = bytearray((bad / DATA / name).read_bytes())
        content[len(content) // 2] ^= 1
        (bad / DATA / name).write_bytes(content)
        with pytest.raises(BackupFailed):
            restore(bad, tmp_path / "new", ProgressBars())
        assert list((tmp_path / "new").iterdir()) == []
    (copy / DATA / "secrets.toml").unlink()
    with pytest.raises(BackupFailed):
        restore(copy, tmp_path / "new", ProgressBars())
