"""Bytes under way and bytes at rest, in a folder."""

import hashlib
import os

import pytest

from hongyan.infra.objects.objects import FolderObjects
from hongyan.infra.objects.staging import FolderStaging
from hongyan.kernel.errors import StorageFull


@pytest.fixture
def staging(tmp_path):
    return FolderStaging(tmp_path)


async def add(staging, offset, data, sync=True):
    part = await staging.open("p1", offset)
    await part.write(data)
    end = await part.sync() if sync else 0
    await part.close()
    return end


async def test_what_was_not_acknowledged_leaves_the_disk(staging, tmp_path):
    await add(staging, 0, b"abc")
    await add(staging, 3, b"lost", sync=False)
    await add(staging, 3, b"d")
    assert (tmp_path / "staging" / "p1").read_bytes() == b"abcd"


async def test_the_hash_is_known_without_reading(staging, tmp_path, monkeypatch):
    await add(staging, 0, b"abc")
    await add(staging, 3, b"def")
    monkeypatch.setattr("hongyan.infra.objects.staging._hashed", None)
    sealed = await staging.seal("p1", 6)
    assert sealed.sha256 == hashlib.sha256(b"abcdef").hexdigest()


async def test_a_full_disk_is_told(staging, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    part = await staging.open("p1", 0)
    monkeypatch.setattr(os, "pwrite", full)
    await part.write(b"abc")
    with pytest.raises(StorageFull):
        await part.sync()
    await part.close()


async def test_an_object_is_a_second_link_to_the_upload(tmp_path):
    staging, objects = FolderStaging(tmp_path), FolderObjects(tmp_path)
    await add(staging, 0, b"0123456789")
    await objects.keep(await staging.seal("p1", 10), "ab/abc")
    assert objects.path("ab/abc").samefile(tmp_path / "staging" / "p1")
