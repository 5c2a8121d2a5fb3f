"""Copying the objects of a folder to a bucket, so that it can be gone on with."""

import hashlib
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import obstore
from obstore.store import S3Store

from hongyan.kernel.errors import NotFound

from . import bucket
from .objects import OBJECTS, PIECE_BYTES


class ObjectDiffers(Exception):
    """An object read back from the bucket differs from what was sent."""


async def copy_objects(folder: Path, target: S3Store, report: Callable[[int, int], None]) -> int:
    """Copy the objects that the bucket lacks, read each back, and return how many there are.

    An object never changes: one of the same name and size is the same.

    Args:
        folder: Has ``objects/``.
        target: The bucket.
        report: Called with how many are done, of how many.

    Raises:
        ObjectDiffers: one is not whole in the bucket.
        Unavailable, StorageFull: the bucket does not take them.
    """
    paths = sorted(path for path in (folder / OBJECTS).rglob("*") if path.is_file())
    for done, path in enumerate(paths, 1):
        key = path.relative_to(folder).as_posix()
        if await _size(target, key) != path.stat().st_size:
            await bucket.put(target, key, _pieces(path))
            await _compare(target, key, path)
        report(done, len(paths))
    return len(paths)


async def _size(target: S3Store, key: str) -> int:
    try:
        with bucket.refusing():
            return (await obstore.head_async(target, key))["size"]
    except NotFound:
        return -1


async def _pieces(path: Path) -> AsyncIterator[bytes]:
    with path.open("rb") as file:
        while piece := file.read(PIECE_BYTES):
            yield piece


async def _compare(target: S3Store, key: str, path: Path) -> None:
    here, there = hashlib.sha256(), hashlib.sha256()
    size = 0
    async for piece in _pieces(path):
        here.update(piece)
        size += len(piece)
    async for piece in bucket.read(target, key, 0, size):
        there.update(piece)
    if here.digest() != there.digest():
        raise ObjectDiffers(key)
