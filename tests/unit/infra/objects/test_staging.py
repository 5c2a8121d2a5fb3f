"""Bytes under way and bytes at rest, in a folder."""

import hashlib
import os

import pytest

from hongyan.infra.objects.objects import FolderObjects
from hongyan.infra.objects.staging import FolderStaging
from hongyan.kernel.errors import NotFound, StorageFull


@pytest.fixture
def staging(tmp_path):
    return FolderStaging(tmp_path)


async def add(staging, offset, data, sync=True):
    part = await staging.open("p1", offset)
    await part.write(data)
    end = await part.sync() if sync else 0
    await part.close()
    return end


async def test_parts_follow_each_other(staging):
    assert await add(staging, 0, b"abc") == 3
    assert await add(staging, 3, b"def") == 6
    assert staging.path("p1").read_bytes() == b"abcdef"
    assert await staging.digest("p1") == hashlib.sha256(b"abcdef").hexdigest()


async def test_what_was_not_acknowledged_is_cut_off(staging, tmp_path):
    await add(staging, 0, b"abc")
    await add(staging, 3, b"lost", sync=False)
    await add(staging, 3, b"def")
    assert staging.path("p1").read_bytes() == b"abcdef"
    assert await staging.digest("p1") == hashlib.sha256(b"abcdef").hexdigest()
    again = FolderStaging(tmp_path)
    assert await again.digest("p1") == hashlib.sha256(b"abcdef").hexdigest()


async def test_a_rollback_keeps_nothing_of_the_part(staging):
    await add(staging, 0, b"abc")
    part = await staging.open("p1", 3)
    await part.write(b"damaged")
    await part.rollback()
    await part.write(b"def")
    await part.sync()
    await part.close()
    assert staging.path("p1").read_bytes() == b"abcdef"
    assert await staging.digest("p1") == hashlib.sha256(b"abcdef").hexdigest()


async def test_missing_bytes_are_noticed(staging):
    with pytest.raises(NotFound):
        await staging.open("p1", 5)
    await add(staging, 0, b"abc")
    with pytest.raises(NotFound):
        await staging.open("p1", 5)
    await staging.remove("p1")
    await staging.remove("p1")
    with pytest.raises(NotFound):
        await staging.digest("p1")


async def test_a_full_disk_is_told(staging, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    part = await staging.open("p1", 0)
    monkeypatch.setattr(os, "pwrite", full)
    await part.write(b"abc")
    with pytest.raises(StorageFull):
        await part.sync()
    await part.close()


async def test_objects(tmp_path):
    staging, objects = FolderStaging(tmp_path), FolderObjects(tmp_path)
    await add(staging, 0, b"0123456789")
    await objects.keep(staging.path("p1"), "ab/abc")
    await objects.keep(staging.path("p1"), "ab/abc")
    await staging.remove("p1")
    assert objects.path("ab/abc").read_bytes() == b"0123456789"
    assert b"".join([piece async for piece in objects.read("ab/abc", 2, 3)]) == b"234"
    assert [piece async for piece in objects.read("ab/abc", 0, 0)] == []
    await objects.put("ab/abc.thumb.webp", b"small")
    await objects.delete(["ab/abc", "ab/abc.thumb.webp", "ab/nothing"])
    with pytest.raises(NotFound):
        [piece async for piece in objects.read("ab/abc", 0, 1)]
