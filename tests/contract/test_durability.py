"""An answer means that an fsync has covered it: counted below SQLite, at its file layer."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import apsw
import pytest

from hongyan.domain.log.model import Commit, Put
from hongyan.infra.sqlite.store import SqliteStore

from .conftest import said
from .rows import ROWS, Thing


class Disk(apsw.VFS):
    """SQLite's file layer, with a note of what was written to write-ahead logs and not synced."""

    def __init__(self, below: str) -> None:
        self.below = below
        self.unsynced = 0
        self.syncs = 0
        super().__init__("watched", below, makedefault=True)

    def xOpen(self, name: str | apsw.URIFilename | None, flags: list[int]) -> apsw.VFSFile:  # noqa: N802
        return _File(self, name, flags)


class _File(apsw.VFSFile):
    def __init__(self, disk: Disk, name: str | apsw.URIFilename | None, flags: list[int]) -> None:
        self._disk = disk
        self._is_log = bool(flags[0] & apsw.SQLITE_OPEN_WAL)
        super().__init__(disk.below, name, flags)  # type: ignore[arg-type]

    def xWrite(self, data: bytes, offset: int) -> None:  # noqa: N802
        if self._is_log:
            self._disk.unsynced += 1
        super().xWrite(data, offset)

    def xSync(self, flags: int) -> None:  # noqa: N802
        super().xSync(flags)
        if self._is_log:
            self._disk.unsynced = 0
            self._disk.syncs += 1


@pytest.fixture
def disk() -> Iterator[Disk]:
    before = apsw.vfs_names()[0]
    disk = Disk(before)
    yield disk
    disk.unregister()
    assert apsw.vfs_names()[0] == before


async def test_nothing_is_answered_or_told_before_it_is_synced(disk: Disk, tmp_path: Path) -> None:
    unsynced: list[int] = []
    store = SqliteStore(tmp_path / "s.db", ROWS, lambda _: unsynced.append(disk.unsynced))
    await store.start()
    syncs = disk.syncs
    for number in range(20):
        await store.commit(Commit((said(str(number)),), (Put(Thing(shelf="s", number=number)),)))
        unsynced.append(disk.unsynced)
        assert disk.syncs > syncs
        syncs = disk.syncs
    assert set(unsynced) == {0}
    await store.close()


async def test_what_comes_together_shares_an_fsync(disk: Disk, tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "s.db", ROWS)
    await store.start()
    syncs = disk.syncs
    await asyncio.gather(*[store.commit(Commit((said(str(i)),))) for i in range(500)])
    assert 1 <= disk.syncs - syncs <= 3
    await store.close()
